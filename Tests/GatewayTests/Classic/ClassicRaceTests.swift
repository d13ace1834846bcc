import Dispatch
import Shared
import TestSupport
import Testing

@testable import Gateway

/// Requests at the same time, and answers that did not arrive.
@Suite struct ClassicRaceTests {
    /// Lets everyone ask at once, each on a connection of his own.
    private func outcomes(
        _ count: Int, _ ask: @escaping @Sendable (Int) async throws -> Reply
    ) async throws -> [Reply] {
        try await withThrowingTaskGroup(of: Reply.self) { group in
            for index in 0..<count { group.addTask { try await ask(index) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    @Test func `of registrations of one name at once, one succeeds`() async throws {
        try await withGateway { site in
            let replies = try await outcomes(8) { _ in try await site.register("Alice") }
            #expect(
                replies.map(\.outcome).sorted()
                    == ["200 0 Succeed"] + [String](repeating: "400 2 userName Alice already exists", count: 7))
        }
    }

    @Test func `of log-ins at once, one succeeds`() async throws {
        try await withGateway { site in
            try await site.register("Alice")
            let replies = try await outcomes(8) { _ in
                try await site.ask("POST", "/user/login", ["userName": "Alice", "password": "123456"])
            }
            #expect(replies.filter { $0.status == 200 }.count == 1)
            #expect(replies.filter { $0.outcome == "400 5 can't login twice" }.count == 7)
        }
    }

    @Test func `a message sent at once under one client id is one message`() async throws {
        try await withGateway { site in
            let (alice, _, conversation) = try await site.friends()
            let ids = try await withThrowingTaskGroup(of: Int64.self) { group in
                for _ in 0..<16 {
                    group.addTask { try await alice.again.send("hello", to: conversation, clientID: "a") }
                }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(ids == [2])
            #expect(try await alice.texts(of: conversation).count == 2)
        }
    }

    @Test func `accepting twice at once opens one conversation with one greeting`() async throws {
        try await withGateway { site in
            for round in 0..<5 {
                let alice = try await site.person("Alice\(round)")
                let bob = try await site.person("Bob\(round)")
                #expect(try await alice.apply(to: bob.name).status == 200)
                #expect(try await bob.apply(to: alice.name).status == 200)
                // Both of them, and both at once.
                let replies = try await outcomes(8) { index in
                    index % 2 == 0 ? try await bob.again.decide(on: alice) : try await alice.again.decide(on: bob)
                }
                #expect(replies.filter { $0.outcome == "200 0 Succeed +conversation_id" }.count == 1)
                #expect(replies.filter { $0["info"].text.hasPrefix("You've already added ") }.count == 7)
                for person in [alice, bob] {
                    let list = try await person.ask("GET", "/conversation/pull_conversation_list")["conversation_list"]
                    #expect(list.items.count == 1)
                    #expect(try await person.pullTexts().count == 1)
                }
            }
        }
    }

    @Test func `a decision either way at once happens once`() async throws {
        try await withGateway { site in
            let (alice, bob) = (try await site.person("Alice"), try await site.person("Bob"))
            #expect(try await alice.apply(to: "Bob").status == 200)
            let replies = try await outcomes(8) { index in
                try await bob.again.decide(on: alice, agree: index % 2 == 0 ? "True" : "False")
            }
            #expect(replies.filter { $0.status == 200 }.count == 1)
            let isAccepted = replies.contains { $0.outcome == "200 0 Succeed +conversation_id" }
            let list = try await alice.ask("GET", "/friend/pull_friend_list")["total_friend_list"]
            #expect(list.items.count == (isAccepted ? 1 : 0))
        }
    }

    @Test func `pulls at once hand each message out once`() async throws {
        try await withGateway { site in
            let (alice, bob, conversation) = try await site.friends()
            try await bob.sendAll((1...20).map { "\($0)" }, to: conversation)
            let replies = try await outcomes(8) { _ in try await alice.again.ask("GET", "/message/pull_user_chain") }
            let pulled = replies.flatMap { $0["user_chat_chain"].items.map { $0["message_id"].integer } }
            #expect(pulled.count == 21)
            #expect(Set(pulled).count == 21)
        }
    }

    @Test func `pulls of applications at once hand each one out once`() async throws {
        try await withGateway { site in
            let bob = try await site.person("Bob")
            for index in 0..<5 {
                let applicant = try await site.person("User\(index)")
                #expect(try await applicant.apply(to: "Bob").status == 200)
            }
            let replies = try await outcomes(8) { _ in try await bob.again.ask("GET", "/friend/pull_friend_chain") }
            let pulled = replies.flatMap { $0["friend_chain"].items.map { $0["sender_name"].text } }
            #expect(pulled.sorted() == (0..<5).map { "User\($0)" })
        }
    }

    @Test func `messages sent while they are pulled are handed out once each, in order`() async throws {
        try await withGateway { site in
            let (alice, bob, conversation) = try await site.friends()
            let pulled = try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await bob.again.sendAll((1...200).map { "\($0)" }, to: conversation) }
                var ids: [Int64] = []
                while ids.count < 201 {
                    let chain = try await alice.ask("GET", "/message/pull_user_chain")["user_chat_chain"]
                    ids += chain.items.compactMap { $0["message_id"].integer }
                }
                try await group.waitForAll()
                return ids
            }
            #expect(pulled == Array(1...201))
        }
    }

    @Test func `messages of a pull that was cut off are handed out again`() async throws {
        try await withGateway { site in
            let (alice, _, _) = try await site.friends()
            // Somebody else's hand-over is open, so that the answer has to wait until the client has gone.
            let backend = try await site.bus.client(of: .message)
            let open = try await backend.call(
                MessageAPI.PullHandOver(account: AccountID(alice.id), acknowledged: nil, limit: 10), .test())
            let cut = HTTPClient(port: site.port)
            try await cut.send(
                raw: "GET /message/pull_user_chain HTTP/1.1\r\nHost: a\r\nAuthorization: \(alice.token)\r\n\r\n")
            // An answer on another connection proves that the gateway has read what came before it.
            _ = try await alice.ask("GET", "/friend/pull_friend_list")
            cut.close()
            _ = try await alice.ask("GET", "/friend/pull_friend_list")
            _ = try await backend.call(
                MessageAPI.SettleHandOver(
                    account: AccountID(alice.id), receipt: try #require(open.receipt), delivered: false),
                .test())

            #expect(try await alice.pullTexts().count == 1)
            #expect(try await alice.pullTexts().count == 0)
        }
    }

    @Test func `a session whose token never arrived does not stand in the way`() async throws {
        let auth = try StubAuth()
        let (held, ended) = (Signal<Responder<AuthAPI.LogIn.Reply>>(), Signal<SessionID>())
        try await withGateway {
            $0.authRoutes = auth.routes {
                $0.onBusThread(AuthAPI.LogIn.self, from: [.gateway]) { _, _, respond in held.set(respond) }
                $0.on(AuthAPI.LogOut.self, from: [.gateway]) { request, _ throws(ServiceError) in
                    ended.set(request.session)
                    return Done()
                }
            }
        } _: { site in
            let body = #"{"userName":"Alice","password":"123456"}"#
            let cut = HTTPClient(port: site.port)
            try await cut.send(
                raw: "POST /user/login HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
            let respond = await held.value
            cut.close()
            // An answer on another connection proves that the gateway has seen the end of the first.
            #expect(try await site.ask("GET", "/media/pictures/x").status == 404)
            respond(
                .success(
                    AuthAPI.LogIn.Reply(
                        session: SessionID(7), token: "a.b.c", expiresAt: 0, expiresIn: 0, refreshToken: nil,
                        profile: .test(1, "Alice"))))
            #expect(await ended.value == SessionID(7))
        }
    }

    @Test func `a long answer that was cut off in the middle is handed out again`() async throws {
        try await withGateway { site in
            let large = [UInt8](repeating: 7, count: 524_288).base64
            let (bob, alice) = (try await site.person("Bob"), try await site.person("Alice"))
            for index in 0..<8 {
                let applicant = try await site.person("Large\(index)", picture: large)
                #expect(try await applicant.apply(to: "Bob").status == 200)
                let conversation = try await site.befriend(applicant, alice)
                try await applicant.send("large", to: conversation)
            }
            for (person, path, list, count) in [
                (bob, "/friend/pull_friend_chain", "friend_chain", 8),
                (alice, "/message/pull_user_chain", "user_chat_chain", 16),
            ] {
                try await cutInTheMiddle(of: path, person)

                #expect(try await person.ask("GET", path)[list].items.count == count)
                #expect(try await person.ask("GET", path)[list].items.count == 0)
            }
        }
    }

    /// Asks for something long, reads how its answer begins, and resets the connection.
    private func cutInTheMiddle(of path: String, _ person: Person) async throws {
        try await ClientSocket.run(on: DispatchQueue(label: "test.cut")) {
            let socket = try ClientSocket.connect(port: person.site.port)
            socket.limitReceiveBuffer(bytes: 4_096)
            try socket.send(Array("GET \(path) HTTP/1.1\r\nHost: a\r\nAuthorization: \(person.token)\r\n\r\n".utf8))
            #expect(try socket.take(15, until: .now + .seconds(10)) == Array("HTTP/1.1 200 OK".utf8))
            // Here the socket goes, with bytes in its buffer that nobody has read.
        }
    }
}
