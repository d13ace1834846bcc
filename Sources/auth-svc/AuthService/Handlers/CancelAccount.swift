import Logging
import Shared
import SharedStorage

extension AuthHandlers {
    /// Time kept back from a caller's deadline, so that our own "outcome unknown" still reaches him.
    private static var answerMargin: Duration { .milliseconds(200) }

    /// Ends an account and waits until social-svc has taken note.
    ///
    /// An account that is cancelled has no password to check: repeating the request only repeats the news.
    func cancelAccount(_ request: AuthAPI.CancelAccount, _ call: BusCall) async throws(ServiceError) -> Done {
        let account = request.account
        let effect = try await withUnchangedRecord { () async throws(ServiceError) -> Int64? in
            guard let known = try await store.credentials(of: account) else {
                guard let repeated = try await store.repeatCancellation(of: account) else {
                    throw ServiceError(.wrongPassword)
                }
                return repeated
            }
            try await confirm(request.password, of: known, in: request.session, call)
            try checkDeadline(call)
            return try await store.cancel(account, checkedAgainst: known.password, now: now)
        }
        logger.info("account cancelled", metadata: metadata(call, ["account": "\(account)"]))
        do throws(ServiceError) {
            try await relay.waitForAcknowledgement(of: effect, until: call.deadline + (.zero - Self.answerMargin))
        } catch {
            logger.warning(
                "a cancelled account waits to leave its groups", metadata: metadata(call, ["account": "\(account)"]))
            throw error
        }
        return Done()
    }
}
