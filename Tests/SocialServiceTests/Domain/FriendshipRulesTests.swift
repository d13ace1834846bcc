import Shared
import Testing

@testable import SocialService

@Suite struct FriendshipRulesTests {
    let ann = AccountID(1)
    let bob = AccountID(2)
    let rules: FriendshipRules

    init() {
        var limits = SocialLimits()
        limits.maxFriends = 3
        limits.maxRequestMessage = 5
        limits.maxRemark = 5
        limits.maxBlocks = 2
        rules = FriendshipRules(limits: limits)
    }

    private func application(
        from applicant: AccountID, message: String = "hello", whenPending: SocialAPI.WhenPending = .announceAgain,
        _ relation: Relation
    ) throws -> FriendshipRules.Application {
        let application = SocialAPI.Apply(
            applicant: applicant, target: bob, message: message, whenPending: whenPending)
        return try rules.judgeApplication(application, relation)
    }

    @Test func `a stranger's application is filed`() throws {
        #expect(try application(from: ann, Relation()) == .file)
    }

    @Test func `an application that is pending is only repeated`() throws {
        #expect(try application(from: ann, Relation(request: FriendRequestID(7))) == .repeated(FriendRequestID(7)))
    }

    @Test func `an application is filed although the other has applied too`() throws {
        #expect(try application(from: ann, Relation(mirroredRequest: FriendRequestID(8))) == .file)
    }

    @Test func `applications are refused in the order of the contract`() {
        let everything = Relation(
            areFriends: true, isBlocked: true, isCancelled: true, applicantFriendCount: 3, targetFriendCount: 3)
        let cancelled = Relation(isCancelled: true, applicantFriendCount: 3)
        let full = Relation(request: FriendRequestID(7), applicantFriendCount: 3)

        #expect(throws: ServiceError(.cannotBefriendSelf)) {
            try application(from: bob, message: "too long", everything)
        }
        #expect(throws: ServiceError(.alreadyFriends)) { try application(from: ann, message: "too long", everything) }
        #expect(throws: ServiceError(.accountCancelled)) { try application(from: ann, message: "too long", cancelled) }
        #expect(throws: ServiceError(.messageTooLong, detail: "5")) {
            try application(from: ann, message: "too long", full)
        }
        #expect(throws: ServiceError(.alreadyApplied)) { try application(from: ann, whenPending: .refuse, full) }
        #expect(throws: ServiceError(.limitReached, detail: "3")) { try application(from: ann, full) }
    }

    @Test func `one who is blocked is refused as others are, and his request is none to decide on`() throws {
        let blocked = Relation(isBlocked: true, request: FriendRequestID(7))
        #expect(try application(from: ann, Relation(isBlocked: true)) == .file)
        #expect(try application(from: ann, blocked) == .repeated(FriendRequestID(7)))
        #expect(throws: ServiceError(.alreadyApplied)) { try application(from: ann, whenPending: .refuse, blocked) }
        #expect(throws: ServiceError(.noSuchApplication)) { try rules.judgeAcceptance(blocked) }
        #expect(throws: ServiceError(.noSuchApplication)) { try rules.judgeRefusal(blocked) }

        let withheld = FiledRequest(
            id: FriendRequestID(7), applicant: ann, target: bob, state: .pending, isShown: false)
        #expect(throws: ServiceError(.noSuchApplication)) { try rules.judgeDecision(by: bob, on: withheld) }
        #expect(throws: ServiceError(.noSuchApplication)) { try rules.judgeDismissal(by: bob, of: withheld) }
        #expect(
            try rules.judgeDismissal(by: ann, of: withheld)
                == .settle(Settlement(requests: [FriendRequestID(7)], state: .cancelled)))
    }

    @Test func `a request is for its target to decide and for both to dismiss while it is pending`() throws {
        var request = FiledRequest(id: FriendRequestID(7), applicant: ann, target: bob, state: .pending)
        let cid = AccountID(3)

        #expect(try rules.judgeDecision(by: bob, on: request) == request)
        #expect(
            try rules.judgeDismissal(by: bob, of: request)
                == .settle(Settlement(requests: [FriendRequestID(7)], state: .refused)))
        #expect(
            try rules.judgeDismissal(by: ann, of: request)
                == .settle(Settlement(requests: [FriendRequestID(7)], state: .cancelled)))
        for state in RequestState.allCases where state != .pending {
            request.state = state
            #expect(throws: ServiceError(.alreadyDecided)) { try rules.judgeDecision(by: bob, on: request) }
            #expect(throws: ServiceError(.alreadyDecided)) { try rules.judgeDismissal(by: ann, of: request) }
            #expect(try rules.judgeDismissal(by: bob, of: request) == .takeOffList)
            for stranger in [ann, cid] {
                #expect(throws: ServiceError(.noSuchApplication)) { try rules.judgeDecision(by: stranger, on: request) }
            }
            #expect(throws: ServiceError(.noSuchApplication)) { try rules.judgeDismissal(by: cid, of: request) }
        }
        #expect(throws: ServiceError(.noSuchApplication)) { try rules.judgeDecision(by: bob, on: nil) }
        #expect(throws: ServiceError(.noSuchApplication)) { try rules.judgeDismissal(by: bob, of: nil) }
    }

    @Test func `blocks are refused in the order of the contract and one that stands changes nothing`() throws {
        #expect(throws: ServiceError(.cannotBefriendSelf)) {
            try rules.judgeBlock(of: ann, by: ann, isBlocked: false, blockCount: 2)
        }
        #expect(throws: ServiceError(.limitReached, detail: "2")) {
            try rules.judgeBlock(of: bob, by: ann, isBlocked: false, blockCount: 2)
        }
        #expect(try !rules.judgeBlock(of: bob, by: ann, isBlocked: true, blockCount: 2))
        #expect(try rules.judgeBlock(of: bob, by: ann, isBlocked: false, blockCount: 1))
    }

    @Test func `remarks are for friends and not too long`() {
        #expect(throws: ServiceError(.notFriends)) { try rules.judgeRemark("too long", areFriends: false) }
        #expect(throws: ServiceError(.messageTooLong, detail: "5")) {
            try rules.judgeRemark("too long", areFriends: true)
        }
        #expect(throws: Never.self) { try rules.judgeRemark("", areFriends: true) }
    }

    @Test(arguments: [Relation(applicantFriendCount: 3), Relation(targetFriendCount: 3)])
    func `a full friend list on either side stops application and acceptance`(full: Relation) {
        var pending = full
        pending.request = FriendRequestID(7)

        #expect(throws: ServiceError(.limitReached, detail: "3")) { try application(from: ann, full) }
        #expect(throws: ServiceError(.limitReached, detail: "3")) { try rules.judgeAcceptance(pending) }
        #expect(throws: Never.self) { try rules.judgeRefusal(pending) }
    }

    @Test func `the last place in a friend list may be taken`() throws {
        let relation = Relation(request: FriendRequestID(7), applicantFriendCount: 2, targetFriendCount: 2)

        #expect(try rules.judgeAcceptance(relation).requests == [FriendRequestID(7)])
    }

    @Test func `a message is measured in scalars so that combining marks cannot swell it`() throws {
        #expect(try application(from: ann, message: "好好好好好", Relation()) == .file)
        #expect(throws: ServiceError(.messageTooLong, detail: "5")) {
            try application(from: ann, message: "e" + String(repeating: "\u{301}", count: 5), Relation())
        }
    }

    @Test func `accepting settles both when both had applied and refusing only the one`() throws {
        let relation = Relation(request: FriendRequestID(7), mirroredRequest: FriendRequestID(8))

        #expect(
            try rules.judgeAcceptance(relation)
                == Settlement(requests: [FriendRequestID(7), FriendRequestID(8)], state: .accepted))
        #expect(try rules.judgeRefusal(relation) == Settlement(requests: [FriendRequestID(7)], state: .refused))
    }

    @Test func `deciding again on what was accepted says friends, and on what was never asked no application`() {
        let accepted = Relation(areFriends: true, wasAccepted: true)
        #expect(throws: ServiceError(.alreadyFriends)) { try rules.judgeAcceptance(accepted) }
        #expect(throws: ServiceError(.alreadyFriends)) { try rules.judgeRefusal(accepted) }
        // Friends by a request the other way round; friends no more; one's own request to the other.
        for relation in [
            Relation(areFriends: true), Relation(wasAccepted: true), Relation(mirroredRequest: FriendRequestID(8)),
        ] {
            #expect(throws: ServiceError(.noSuchApplication)) { try rules.judgeAcceptance(relation) }
            #expect(throws: ServiceError(.noSuchApplication)) { try rules.judgeRefusal(relation) }
        }
    }
}
