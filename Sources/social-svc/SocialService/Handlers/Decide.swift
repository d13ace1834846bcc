import Logging
import Shared
import SharedStorage

extension SocialHandlers {
    /// Time kept back from a caller's deadline, so that our own "outcome unknown" still reaches him.
    private static let answerMargin = Duration.milliseconds(200)

    func decide(_ request: SocialAPI.Decide, _ call: BusCall) async throws(ServiceError) -> SocialAPI.Decide.Reply {
        guard request.accepts else {
            try await store.refuse(request.applicant, by: request.account, now: WallClock.milliseconds)
            return SocialAPI.Decide.Reply(conversation: nil)
        }
        let acceptance = try await store.accept(
            request.applicant, by: request.account, now: WallClock.milliseconds)
        do throws(ServiceError) {
            try await relay.waitForAcknowledgement(
                of: acceptance.effect, until: call.deadline + (.zero - Self.answerMargin))
        } catch {
            logger.warning(
                "a friendship waits for its conversation",
                metadata: ["conversation": "\(acceptance.conversation)", "trace": "\(call.trace)"])
            throw error
        }
        return SocialAPI.Decide.Reply(conversation: acceptance.conversation)
    }
}
