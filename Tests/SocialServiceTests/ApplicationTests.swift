import Shared
import TestSupport
import Testing

@testable import SocialService

@Suite(.timeLimit(.minutes(5))) struct ApplicationTests {
    let ann = AccountID(1)
    let bob = AccountID(2)
    let cid = AccountID(3)

    @Test func `an application is listed for its target and announced`() async throws {
        try await withSocialService { social in
            let events = try await social.bus.follow(.social)

            let request = try await social.apply(ann, to: bob, message: "It's Ann 好")

            let pending = try await social.pending(bob)
            #expect(pending.map(\.id) == [request])
            #expect(pending.map(\.applicant) == [ann])
            #expect(pending.map(\.message) == ["It's Ann 好"])
            #expect(pending.allSatisfy { abs($0.createdAt - WallClock.milliseconds) < 60_000 })
            #expect(try await social.pending(ann).isEmpty)
            #expect(
                try await events.next(SocialAPI.FriendshipRequested.self)
                    == SocialAPI.FriendshipRequested(
                        request: request, applicant: ann, target: bob, message: "It's Ann 好"))
        }
    }

    @Test func `applying again while pending announces the same request again`() async throws {
        try await withSocialService { social in
            let events = try await social.bus.follow(.social)
            let first = try await social.apply(ann, to: bob, message: "first")
            _ = try await social.call(SocialAPI.ConfirmRequests(account: bob, requests: [first]))

            let second = try await social.apply(ann, to: bob, message: "second")

            #expect(second == first)
            #expect(try await social.pending(bob).map(\.id) == [first], "it is handed over once more")
            #expect(try await social.pending(bob, all: true).map(\.message) == ["first"])
            for _ in 1...2 {
                let event = try await events.next(SocialAPI.FriendshipRequested.self)
                #expect(event.request == first)
                #expect(event.message == "first")
            }
        }
    }

    @Test func `many applications at once are one request`() async throws {
        try await withSocialService { social in
            let requests = try await withThrowingTaskGroup(of: FriendRequestID.self) { group in
                for _ in 1...20 { group.addTask { try await social.apply(ann, to: bob) } }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }

            #expect(requests.count == 1)
            #expect(try await social.pending(bob).map(\.id) == Array(requests))
        }
    }

    @Test func `applications that break a rule are refused and leave nothing`() async throws {
        try await withBothServices { social, _ in
            try await social.befriend(ann, bob)
            let known = try await social.eventKinds()
            let tooLong = String(repeating: "é", count: 256)

            #expect(
                await social.refusal(of: SocialAPI.Apply(applicant: ann, target: ann, message: tooLong))
                    == ServiceError(.cannotBefriendSelf))
            for (applicant, target) in [(ann, bob), (bob, ann)] {
                #expect(
                    await social.refusal(of: SocialAPI.Apply(applicant: applicant, target: target, message: tooLong))
                        == ServiceError(.alreadyFriends))
            }
            #expect(
                await social.refusal(of: SocialAPI.Apply(applicant: ann, target: cid, message: tooLong))
                    == ServiceError(.messageTooLong, detail: "255"))
            #expect(try await social.pending(cid, all: true).isEmpty)
            #expect(try await social.eventKinds() == known)
            try await social.apply(ann, to: cid, message: String(repeating: "é", count: 255))
        }
    }

    @Test func `requests are handed over once and listed for as long as they are pending`() async throws {
        try await withSocialService { social in
            let first = try await social.apply(ann, to: bob)
            let second = try await social.apply(cid, to: bob)
            let foreign = try await social.apply(bob, to: cid)

            for _ in 1...2 {
                _ = try await social.call(
                    SocialAPI.ConfirmRequests(account: bob, requests: [first, foreign, FriendRequestID(999)]))
            }

            #expect(try await social.pending(bob).map(\.id) == [second])
            #expect(try await social.pending(bob, all: true).map(\.id) == [first, second])
            #expect(try await social.pending(cid).map(\.id) == [foreign], "another's request is not his to confirm")
        }
    }

    @Test func `a confirmation longer than any page is refused`() async throws {
        try await withSocialService { social in
            let confirmation = SocialAPI.ConfirmRequests(
                account: bob, requests: (1...501).map { FriendRequestID(Int64($0)) })

            #expect(await social.refusal(of: confirmation)?.code == .badRequest)
            _ = try await social.call(SocialAPI.ConfirmRequests(account: bob, requests: []))
        }
    }

    @Test func `the oldest five hundred requests make a page and confirming them brings the rest`() async throws {
        try await withSocialService { social in
            var requests: [FriendRequestID] = []
            for applicant in 1_001...1_503 {
                requests.append(try await social.apply(AccountID(Int64(applicant)), to: bob))
            }

            let page = try await social.pending(bob).map(\.id)
            _ = try await social.call(SocialAPI.ConfirmRequests(account: bob, requests: page))

            #expect(page == Array(requests[..<500]))
            #expect(try await social.pending(bob).map(\.id) == Array(requests[500...]))
        }
    }

    @Test func `an account that asks too often is told when to come back`() async throws {
        var configuration = SocialConfiguration()
        configuration.friendRequestsPerMinute = 3
        try await withSocialService(configuration) { social in
            for target in 11...13 { try await social.apply(ann, to: AccountID(Int64(target))) }

            let refusal = await social.refusal(of: SocialAPI.Apply(applicant: ann, target: bob, message: ""))

            #expect(refusal?.code == .rateLimited)
            #expect((1...60).contains(Int(refusal?.detail ?? "") ?? 0))
            #expect(try await social.pending(bob).isEmpty)
            try await social.apply(cid, to: bob)
        }
    }

    @Test func `without a rate nobody is refused`() async throws {
        var configuration = SocialConfiguration()
        configuration.friendRequestsPerMinute = nil
        try await withSocialService(configuration) { social in
            for _ in 1...100 { try await social.apply(ann, to: bob) }
        }
    }

    @Test func `only the gateway may ask`() async throws {
        try await withSocialService { social in
            let stranger = try await social.bus.client(of: .social, as: .message)

            let refusal = await TestSupport.refusal { () async throws(ServiceError) in
                _ = try await stranger.call(SocialAPI.Apply(applicant: ann, target: bob, message: ""), .test())
            }

            #expect(refusal?.code == .badRequest)
            #expect(try await social.pending(bob).isEmpty)
        }
    }
}
