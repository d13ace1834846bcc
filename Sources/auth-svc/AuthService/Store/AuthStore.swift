import GRDB
import SharedStorage

/// The tables of auth-svc. A method is a transaction; times are milliseconds since 1970.
struct AuthStore: Sendable {
    let database: ServiceDatabase
}
