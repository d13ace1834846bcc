import Shared
import Testing

@testable import MessageService

@Suite struct RecallRulesTests {
    private let rules = RecallRules(window: 120_000)

    /// Why account 10 may not take a message back that was sent at 1,000,000; `nil` when it may.
    private func refusal(
        isModerator: Bool = false, kind: ConversationKind = .group, sender: Int64 = 10, isRecalled: Bool = false,
        now: Int64 = 1_000_000
    ) -> ServiceError.Code? {
        let recall = MessageAPI.Recall(account: AccountID(10), message: MessageID(1), isModerator: isModerator)
        let subject = RecallRules.Subject(
            conversationKind: kind, sender: AccountID(sender), sentAt: 1_000_000, isRecalled: isRecalled)
        do throws(ServiceError) {
            try rules.check(recall, of: subject, now: now)
            return nil
        } catch {
            return error.code
        }
    }

    @Test func `a sender may until the window has passed`() {
        for kind in ConversationKind.allCases {
            #expect(refusal(kind: kind) == nil)
            #expect(refusal(kind: kind, now: 1_119_999) == nil)
            #expect(refusal(kind: kind, now: 1_120_000) == .tooLate)
            #expect(refusal(kind: kind, sender: 20) == .notAllowed)
        }
    }

    @Test func `a moderator of a group may always, and is nobody special in private`() {
        #expect(refusal(isModerator: true, sender: 20, now: .max) == nil)
        #expect(refusal(isModerator: true, now: .max) == nil)
        #expect(refusal(isModerator: true, kind: .private, sender: 20) == .notAllowed)
        #expect(refusal(isModerator: true, kind: .private, now: 1_120_000) == .tooLate)
    }

    @Test func `what is recalled already is said first`() {
        #expect(refusal(isModerator: true, isRecalled: true) == .alreadyRecalled)
        #expect(refusal(sender: 20, isRecalled: true, now: .max) == .alreadyRecalled)
    }
}
