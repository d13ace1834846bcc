package import GRDB
package import Shared

/// The database keeps a state by its name, so that its constraints can be read.
extension SocialAPI.RequestState: DatabaseValueConvertible {
    package var databaseValue: DatabaseValue { storedName.databaseValue }

    package static func fromDatabaseValue(_ value: DatabaseValue) -> Self? {
        String.fromDatabaseValue(value).flatMap { name in allCases.first { $0.storedName == name } }
    }

    private var storedName: String {
        switch self {
        case .pending: "pending"
        case .accepted: "accepted"
        case .refused: "refused"
        case .cancelled: "cancelled"
        }
    }
}
