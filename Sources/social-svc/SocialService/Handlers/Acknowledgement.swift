import Logging
import Shared
import SharedStorage

extension SocialHandlers {
    /// Time kept back from a caller's deadline, so that our own "outcome unknown" still reaches him.
    private static let answerMargin = Duration.milliseconds(200)

    /// Waits until what is committed here is in force at message-svc.
    ///
    /// - Throws: ``ServiceError/Code/outcomeUnknown`` shortly before the caller's deadline; message-svc learns of it later.
    func awaitAcknowledgement(of owed: Owed, _ call: BusCall) async throws(ServiceError) {
        do throws(ServiceError) {
            try await relay.waitForAcknowledgement(of: owed.effect, until: call.deadline + (.zero - Self.answerMargin))
        } catch {
            logger.warning(
                "a change waits for message-svc",
                metadata: ["conversation": "\(owed.conversation)", "trace": "\(call.trace)"])
            throw error
        }
    }
}
