import Shared
import Synchronization
import TestSupport
import Testing

@testable import Gateway

/// Names in pushes, when auth-svc is slow or was away.
@Suite struct PushProfileTests {
    @Test func `a push waits for the name of a sender that is not known yet`() async throws {
        let auth = try StubAuth()
        let asked = Signal<Void>()
        let answer = Signal<Void>()
        try await withGateway {
            $0.authRoutes = auth.routes {
                $0.on(AuthAPI.Profiles.self, from: [.gateway]) { request, _ throws(ServiceError) in
                    asked.set(())
                    await answer.value
                    return AuthAPI.Profiles.Reply(profiles: request.accounts.map { .test($0.rawValue) })
                }
            }
        } _: { site in
            try await site.openConversation(7, [1, 2])
            let (alice, bob) = (try site.stranger(1, auth), try site.stranger(2, auth))
            let socket = try await bob.listen()
            let first = try await alice.send("first", to: 7)
            await asked.value
            let second = try await bob.send("second", to: 7)
            answer.set(())
            for (id, name) in [(first, "User1"), (second, "User2")] {
                let message = try await socket.nextPush()["message"]
                #expect(message["message_id"].integer == id)
                #expect(message["sender_name"].string == name)
            }
        }
    }

    @Test func `a push has its name although auth-svc failed at first`() async throws {
        let auth = try StubAuth()
        let failures = Mutex(3)
        try await withGateway {
            $0.authRoutes = auth.routes {
                $0.on(AuthAPI.Profiles.self, from: [.gateway]) { request, _ throws(ServiceError) in
                    let fails = failures.withLock { failures in
                        failures -= 1
                        return failures >= 0
                    }
                    if fails { throw ServiceError(.unavailable) }
                    return AuthAPI.Profiles.Reply(profiles: request.accounts.map { .test($0.rawValue) })
                }
            }
        } _: { site in
            try await site.openConversation(7, [1, 2])
            let (alice, bob) = (try site.stranger(1, auth), try site.stranger(2, auth))
            let socket = try await bob.listen()
            try await alice.send("hello", to: 7)
            #expect(try await socket.nextPush()["message"]["sender_name"] == "User1")
        }
    }

    @Test func `a sender whom nobody knows holds up no one`() async throws {
        let auth = try StubAuth()
        try await withGateway {
            $0.authRoutes = auth.routes {
                $0.on(AuthAPI.Profiles.self, from: [.gateway]) { request, _ throws(ServiceError) in
                    AuthAPI.Profiles.Reply(
                        profiles: request.accounts.filter { $0.rawValue == 2 }.map { .test($0.rawValue) })
                }
            }
        } _: { site in
            try await site.openConversation(7, [1, 2])
            let (alice, bob) = (try site.stranger(1, auth), try site.stranger(2, auth))
            let socket = try await bob.listen()
            try await alice.send("from nobody", to: 7)
            try await bob.send("from Bob", to: 7)
            #expect(try await socket.nextPush()["message"]["sender_name"] == "")
            #expect(try await socket.nextPush()["message"]["sender_name"] == "User2")
        }
    }

    @Test func `names are right after auth-svc was away`() async throws {
        try await withGateway {
            $0.transport = .files
        } _: { site in
            let (alice, bob, conversation) = try await site.friends()
            // Somebody whose name the gateway has had no reason to ask for.
            let carol = try await site.person("Carol")
            _ = try await carol.apply(to: "Bob")
            let socket = try await bob.listen()
            await site.stop(.auth)
            let id = try await alice.send("while auth-svc is away", to: conversation)
            try await site.start(.auth)
            try await site.untilReady()
            let message = try await socket.nextPush()["message"]
            #expect(message["message_id"].integer == id)
            #expect(message["sender_name"] == "Alice")
        }
    }
}

extension Site {
    /// Opens a conversation as social-svc does.
    func openConversation(_ id: Int64, _ participants: [Int64]) async throws {
        let opening = MessageAPI.OpenConversation(
            conversation: ConversationID(id), conversationKind: .private,
            participants: participants.map { AccountID($0) }, greeting: "", greeter: AccountID(participants[0]))
        let effect = EffectAPI.Effect(
            number: 1, kind: MessageAPI.OpenConversation.kind, payload: Blob(opening.wireBytes))
        _ = try await bus.client(of: .message, as: .social).call(
            EffectAPI.Apply(sender: .social, epoch: 1, effects: [effect]), .test())
    }

    /// A person of a stub's, with a token of its making.
    func stranger(_ account: Int64, _ auth: StubAuth) throws -> Person {
        Person(
            site: self, name: "User\(account)", id: account,
            token: try auth.token(account: account, session: account), http: HTTPClient(port: port))
    }
}
