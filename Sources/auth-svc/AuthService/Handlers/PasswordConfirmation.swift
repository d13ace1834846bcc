import Logging
import Shared
import SharedCrypto

extension AuthHandlers {
    /// Checks the password of somebody who has a session. Wrong ones count for that session, as at a log-in with it.
    ///
    /// - Throws: ``ServiceError/Code/wrongPassword``, `rateLimited`.
    func confirm(
        _ password: String, of known: Credentials, in session: SessionID, _ call: BusCall
    ) async throws(ServiceError) {
        let subjects = [RateSubject.failuresInSession(session)]
        try await limits?.begin(subjects)
        defer { limits?.end(subjects) }
        guard try await isRight(password, against: known.password, call) else {
            try await limits?.count(subjects)
            logger.info("wrong password", metadata: metadata(call, ["account": "\(known.account)"]))
            throw ServiceError(.wrongPassword)
        }
    }
}
