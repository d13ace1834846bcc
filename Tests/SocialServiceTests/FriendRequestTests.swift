import Shared
import TestSupport
import Testing

@testable import SocialService

/// Friend requests by their ids: how they are listed, decided on, dismissed, and what is told of it.
@Suite(.timeLimit(.minutes(5))) struct FriendRequestTests {
    private func closed(
        _ request: FriendRequestID, _ applicant: AccountID, _ target: AccountID, _ state: RequestState,
        by closer: AccountID
    ) -> SocialAPI.FriendRequestClosed {
        SocialAPI.FriendRequestClosed(
            request: request, applicant: applicant, target: target, state: state, closer: closer)
    }

    @Test func `one who wants no second announcement is refused while his request is pending`() async throws {
        try await withSocialService { social in
            let again = SocialAPI.Apply(applicant: .ann, target: .bob, message: "second", whenPending: .refuse)
            let first = try await social.call(again).request
            let known = try await social.eventKinds()

            #expect(await social.refusal(of: again) == ServiceError(.alreadyApplied))

            #expect(try await social.eventKinds() == known)
            #expect(try await social.pending(.bob).map(\.id) == [first])
            _ = try await social.call(SocialAPI.DismissRequest(account: .ann, request: first))
            #expect(try await social.call(again).request > first)
        }
    }

    @Test func `requests are listed newest first, by state, page by page, for their target alone`() async throws {
        try await withBothServices { social, _ in
            let applicants = (11...15).map { AccountID($0) }
            var ids: [FriendRequestID] = []
            for applicant in applicants {
                ids.append(try await social.apply(applicant, to: .ann, message: "I am \(applicant)"))
            }
            try await social.apply(.ann, to: .bob)
            _ = try await social.accept(applicants[0], by: .ann)
            _ = try await social.call(SocialAPI.DecideRequest(account: .ann, request: ids[1], accepts: false))
            _ = try await social.call(SocialAPI.DismissRequest(account: applicants[2], request: ids[2]))
            func list(
                _ state: RequestState? = nil, before: FriendRequestID? = nil, limit: Int32 = 500
            ) async throws -> [SocialAPI.FriendRequest] {
                try await social.call(
                    SocialAPI.FriendRequests(account: .ann, state: state, before: before, limit: limit)
                ).requests
            }

            let all = try await list()
            #expect(all.map(\.id) == ids.reversed())
            #expect(all.map(\.state) == [.pending, .pending, .cancelled, .refused, .accepted])
            #expect(all.map(\.applicant) == applicants.reversed())
            #expect(all.map(\.message) == applicants.reversed().map { "I am \($0)" })
            #expect(all.allSatisfy { abs($0.createdAt - WallClock.milliseconds) < 60_000 })
            for state in RequestState.allCases {
                #expect(try await list(state) == all.filter { $0.state == state })
            }
            #expect(try await list(limit: 2) == Array(all.prefix(2)))
            #expect(try await list(before: all[1].id, limit: 2) == Array(all[2...3]))
            #expect(try await list(.pending, before: ids[4]) == [all[1]])
            #expect(try await list(before: ids[0]).isEmpty)
            #expect(try await list(limit: 0).isEmpty)
            #expect(try await list(limit: -1).isEmpty)
            #expect(try await list(limit: .max) == all)
        }
    }

    @Test func `accepting by id makes friends, and the friendship names the request`() async throws {
        try await withBothServices { social, messages in
            let request = try await social.apply(.ann, to: .bob)
            let mirrored = try await social.apply(.bob, to: .ann)

            let reply = try await social.call(
                SocialAPI.DecideRequest(account: .bob, request: request, accepts: true))

            let conversation = try #require(reply.conversation)
            #expect(reply.applicant == .ann)
            #expect(try await messages.opened.map(\.conversation) == [conversation])
            #expect(
                try await social.news(SocialAPI.FriendshipBegan.self) == [
                    SocialAPI.FriendshipBegan(
                        applicant: .ann, accepter: .bob, conversation: conversation, request: request)
                ])
            #expect(try await social.events(SocialAPI.FriendRequestClosed.self).isEmpty)
            #expect(
                await social.refusal(of: SocialAPI.DecideRequest(account: .ann, request: mirrored, accepts: true))
                    == ServiceError(.alreadyDecided))
        }
    }

    @Test func `refusing by id, and dismissing, tell both what became of the request`() async throws {
        try await withSocialService { social in
            let refused = try await social.apply(.ann, to: .bob)
            let dismissed = try await social.apply(.cid, to: .bob)
            let takenBack = try await social.apply(.dan, to: .bob)

            let reply = try await social.call(
                SocialAPI.DecideRequest(account: .bob, request: refused, accepts: false))
            _ = try await social.call(SocialAPI.DismissRequest(account: .bob, request: dismissed))
            _ = try await social.call(SocialAPI.DismissRequest(account: .dan, request: takenBack))

            #expect(reply == SocialAPI.DecideRequest.Reply(applicant: .ann, conversation: nil))
            #expect(
                try await social.events(SocialAPI.FriendRequestClosed.self) == [
                    closed(refused, .ann, .bob, .refused, by: .bob),
                    closed(dismissed, .cid, .bob, .refused, by: .bob),
                    closed(takenBack, .dan, .bob, .cancelled, by: .dan),
                ])
            #expect(try await social.pending(.bob, all: true).isEmpty)
        }
    }

    @Test func `a request of others does not exist, and one that is over stays as it is`() async throws {
        try await withSocialService { social in
            let request = try await social.apply(.ann, to: .bob)
            let known = try await social.eventKinds()
            func refusals(of account: AccountID, _ request: FriendRequestID) async -> [ServiceError.Code?] {
                let requests: [any BusRequest] = [
                    SocialAPI.DecideRequest(account: account, request: request, accepts: true),
                    SocialAPI.DecideRequest(account: account, request: request, accepts: false),
                    SocialAPI.DismissRequest(account: account, request: request),
                ]
                var codes: [ServiceError.Code?] = []
                for request in requests { codes.append(await social.refusal(of: request)?.code) }
                return codes
            }
            let none = ServiceError.Code.noSuchApplication
            let over = ServiceError.Code.alreadyDecided

            #expect(await refusals(of: .cid, request) == [none, none, none])
            for unknown in [0, -1, 999, Int64.max].map({ FriendRequestID($0) }) {
                #expect(await refusals(of: .bob, unknown) == [none, none, none])
            }
            let own = await social.refusal(
                of: SocialAPI.DecideRequest(account: .ann, request: request, accepts: true))
            #expect(own?.code == none, "one does not accept what one asks for")
            #expect(try await social.eventKinds() == known)

            _ = try await social.call(SocialAPI.DismissRequest(account: .bob, request: request))
            #expect(await refusals(of: .bob, request) == [over, over, nil])
            #expect(await refusals(of: .ann, request) == [none, none, over])
            #expect(await refusals(of: .cid, request) == [none, none, none])
        }
    }

    @Test func `a decided request leaves the list of the one who was asked, and nothing else`() async throws {
        try await withBothServices { social, _ in
            let accepted = try await social.apply(.ann, to: .bob)
            try await social.accept(.ann, by: .bob)
            let refused = try await social.apply(.cid, to: .bob)
            let dismissal = SocialAPI.DismissRequest(account: .bob, request: refused)
            func listed(_ state: SocialAPI.RequestState? = nil) async throws -> [FriendRequestID] {
                let list = SocialAPI.FriendRequests(account: .bob, state: state, before: nil, limit: 10)
                return try await social.call(list).requests.map(\.id)
            }

            _ = try await social.call(dismissal)
            #expect(try await listed() == [refused, accepted], "it was pending: that refused it")
            let known = try await social.eventKinds()
            for _ in 1...2 { _ = try await social.call(dismissal) }
            #expect(try await listed() == [accepted])
            #expect(try await listed(.refused).isEmpty)
            _ = try await social.call(SocialAPI.DismissRequest(account: .bob, request: accepted))
            #expect(try await listed().isEmpty)
            #expect(try await social.eventKinds() == known, "nobody is told")
            #expect(try await social.friendList(of: .ann).flatMap(\.friends).map(\.account) == [.bob])
            // Who was refused may ask again, and is listed again.
            let again = try await social.apply(.cid, to: .bob)
            #expect(try await listed() == [again])
        }
    }

    @Test func `asking again makes a request new again, unless that is refused`() async throws {
        try await withSocialService { social in
            let request = try await social.apply(.ann, to: .bob)
            let confirmation = SocialAPI.ConfirmRequests(account: .bob, requests: [request])
            _ = try await social.call(confirmation)
            let refused = SocialAPI.Apply(applicant: .ann, target: .bob, message: "", whenPending: .refuse)
            #expect(await social.refusal(of: refused) == ServiceError(.alreadyApplied))
            #expect(try await social.pending(.bob).isEmpty)
            for _ in 1...2 {
                try await social.apply(.ann, to: .bob)
                #expect(try await social.pending(.bob).map(\.id) == [request])
                _ = try await social.call(confirmation)
                #expect(try await social.pending(.bob).isEmpty)
            }
        }
    }

    @Test func `a full friend list refuses an acceptance by id and leaves the request`() async throws {
        var configuration = SocialConfiguration()
        configuration.limits.maxFriends = 1
        try await withBothServices(configuration) { social, _ in
            let request = try await social.apply(.cid, to: .ann)
            try await social.befriend(.ann, .bob)

            let acceptance = SocialAPI.DecideRequest(account: .ann, request: request, accepts: true)
            #expect(await social.refusal(of: acceptance) == ServiceError(.limitReached, detail: "1"))

            #expect(try await social.pending(.ann).map(\.id) == [request])
        }
    }

    @Test func `of many decisions and dismissals at once exactly one counts`() async throws {
        try await withBothServices { social, messages in
            for round in 1...10 {
                let applicant = AccountID(Int64(100 + round))
                let request = try await social.apply(applicant, to: .bob)

                let refusals = await withTaskGroup(of: ServiceError?.self) { group in
                    for index in 0..<9 {
                        group.addTask {
                            switch index % 3 {
                            case 0:
                                await social.refusal(
                                    of: SocialAPI.DecideRequest(account: .bob, request: request, accepts: true))
                            case 1:
                                await social.refusal(
                                    of: SocialAPI.DecideRequest(account: .bob, request: request, accepts: false))
                            default:
                                await social.refusal(of: SocialAPI.DismissRequest(account: applicant, request: request))
                            }
                        }
                    }
                    return await group.reduce(into: []) { $0.append($1) }
                }

                #expect(refusals.count { $0 == nil } == 1)
                #expect(refusals.count { $0 == ServiceError(.alreadyDecided) } == 8)
                let areFriends = await social.refusal(of: SocialAPI.FindFriend(owner: .bob, friend: applicant)) == nil
                #expect(
                    try await messages.opened.count { $0.participants.contains(applicant) } == (areFriends ? 1 : 0))
                let told = try await social.events(SocialAPI.FriendRequestClosed.self).filter { $0.request == request }
                #expect(told.count == (areFriends ? 0 : 1))
            }
        }
    }
}

/// What the owner of a friend list calls his friends.
@Suite(.timeLimit(.minutes(5))) struct RemarkTests {
    @Test func `a remark is the owner's alone and shows wherever the friend does`() async throws {
        try await withBothServices { social, _ in
            let conversation = try await social.befriend(.ann, .bob)
            let known = try await social.eventKinds()
            let expected = SocialAPI.Friend(account: .bob, conversation: conversation, remark: "a b 老师")

            for _ in 1...2 {
                _ = try await social.call(SocialAPI.SetRemark(owner: .ann, friend: .bob, remark: "a b 老师"))
            }

            #expect(try await social.call(SocialAPI.FindFriend(owner: .ann, friend: .bob)).friend == expected)
            #expect(try await social.friendList(of: .ann).flatMap(\.friends) == [expected])
            #expect(try await social.friendList(of: .bob).flatMap(\.friends).map(\.remark) == [""])
            #expect(try await social.eventKinds() == known, "a remark concerns nobody else")
            _ = try await social.call(SocialAPI.SetRemark(owner: .ann, friend: .bob, remark: ""))
            #expect(try await social.call(SocialAPI.FindFriend(owner: .ann, friend: .bob)).friend.remark == "")
        }
    }

    @Test func `remarks are for friends and of a length`() async throws {
        try await withBothServices { social, _ in
            try await social.befriend(.ann, .bob)
            try await social.apply(.cid, to: .ann)
            let tooLong = String(repeating: "é", count: 256)
            func refusal(_ friend: AccountID, _ remark: String) async -> ServiceError? {
                await social.refusal(of: SocialAPI.SetRemark(owner: .ann, friend: friend, remark: remark))
            }

            for stranger in [.cid, .ann, AccountID(999)] as [AccountID] {
                #expect(await refusal(stranger, tooLong) == ServiceError(.notFriends))
                #expect(
                    await social.refusal(of: SocialAPI.FindFriend(owner: .ann, friend: stranger))
                        == ServiceError(.notFriends))
            }
            #expect(await refusal(.bob, tooLong) == ServiceError(.messageTooLong, detail: "255"))
            #expect(await refusal(.bob, String(repeating: "é", count: 255)) == nil)
        }
    }

    @Test func `a new friendship begins without a remark`() async throws {
        try await withBothServices { social, _ in
            try await social.befriend(.ann, .bob)
            _ = try await social.call(SocialAPI.SetRemark(owner: .ann, friend: .bob, remark: "old"))
            _ = try await social.call(SocialAPI.EndFriendship(account: .bob, friend: .ann))

            try await social.befriend(.bob, .ann)

            #expect(try await social.call(SocialAPI.FindFriend(owner: .ann, friend: .bob)).friend.remark == "")
        }
    }
}
