import Shared
import TestSupport
import Testing

@testable import Gateway

/// Events that mean more frames than may leave in one tick.
@Suite(.timeLimit(.minutes(5))) struct FanOutTests {
    private let group = ConversationID(1)
    private let newcomers = (10_001...12_000).map { AccountID($0) }

    /// What social-svc owes message-svc: a group that begins, many who join it, a role, and many who leave, the last member
    /// among them.
    private func delivery(_ members: [AccountID]) -> EffectAPI.Apply {
        let left = newcomers + [members[members.count - 1]]
        let role = SocialAPI.RoleChanged(conversation: group, name: "G", account: members[1], role: .admin)
        let opening = MessageAPI.OpenConversation(
            conversation: group, conversationKind: .group, participants: members, greeting: "hello",
            greeter: members[0])
        let joining = MessageAPI.ChangeParticipants(
            conversation: group, joined: newcomers, left: [], reason: self.joining(newcomers, by: members[0]))
        let telling = MessageAPI.TellConversation(conversation: group, reason: .roleChanged(role))
        let leaving = MessageAPI.ChangeParticipants(
            conversation: group, joined: [], left: left, reason: self.leaving(left, by: members[0]))
        return EffectAPI.Apply(
            sender: .social, epoch: 1,
            effects: [effect(1, opening), effect(2, joining), effect(3, telling), effect(4, leaving)])
    }

    private func effect<Effect: BusEffect>(_ number: Int64, _ effect: Effect) -> EffectAPI.Effect {
        EffectAPI.Effect(number: number, kind: Effect.kind, payload: Blob(effect.wireBytes))
    }

    /// The types of the notices of a connection up to the end of the group for it, each as often as it came in a row.
    private func story(of socket: WebSocketClient) async throws -> [String] {
        var story: [(type: String, count: Int)] = []
        while story.last?.type != "group_kicked_out", story.last?.type != "group_leave" || story.last?.count != 2_001 {
            let type = try await socket.anyNotice()["eventType"].text
            if type == "friend_status_change" { continue }
            if story.last?.type == type {
                story[story.count - 1].count += 1
            } else {
                story.append((type, 1))
            }
        }
        return story.map { "\($0.count) \($0.type)" }
    }

    private func joining(_ accounts: [AccountID], by decider: AccountID) -> ConversationReason {
        .membersJoined(
            SocialAPI.MembersJoined(
                conversation: group, name: "G", accounts: accounts, operator: decider,
                settled: accounts.map { account in
                    SocialAPI.JoinRequest(
                        id: JoinRequestID(account.rawValue), conversation: group, inviter: account, invited: account,
                        message: "", createdAt: 1)
                }))
    }

    private func leaving(_ accounts: [AccountID], by remover: AccountID) -> ConversationReason {
        .membersLeft(
            SocialAPI.MembersLeft(conversation: group, name: "G", accounts: accounts, operator: remover))
    }

    @Test func `thousands of notices of one event all come, and what is behind it in the log comes behind it`()
        async throws
    {
        try await withGateway {
            // Nobody is meant to be too slow for it.
            $0.gateway.server.webSocket.maxQueuedBytes = 64 << 20
        } _: { site in
            var users: [SocketUser] = []
            for name in ["Alice", "Bob", "Carol"] { users.append(try await site.socketUser(name)) }
            let members = users.compactMap { Int64($0.id) }.map { AccountID($0) }
            #expect(newcomers.count * members.count > PushHub.maxFramesPerTick)
            var sockets: [WebSocketClient] = []
            for user in users { sockets.append(try await user.listen("?since=live")) }

            _ = try await site.bus.client(of: .message, as: .social).call(delivery(members), .test())

            let greeting = "1 chat_group"
            let middle = ["2000 group_join", "1 group_role_change"]
            #expect(try await story(of: sockets[0]) == middle + ["2001 group_leave"])
            #expect(try await story(of: sockets[1]) == [greeting] + middle + ["2001 group_leave"])
            #expect(try await story(of: sockets[2]) == [greeting] + middle + ["1 group_kicked_out"])
        }
    }
}
