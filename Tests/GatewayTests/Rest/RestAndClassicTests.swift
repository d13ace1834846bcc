import TestSupport
import Testing

@testable import Gateway

/// One truth: what one dialect does, the other sees.
@Suite struct RestAndClassicTests {
    /// A friend of each dialect; the one of `classic` has accepted.
    private func friends(
        _ site: Site
    ) async throws -> (rest: RestPerson, classic: Person, conversation: Int64) {
        let (rest, classic) = (try await site.restPerson("小安"), try await site.person("Bob"))
        _ = try await rest.apply(to: classic.id, "你好")
        let chain = try await classic.ask("GET", "/friend/pull_friend_chain")["friend_chain"]
        #expect(chain[0]["sender_user_id"].text == "\(rest.id)" && chain[0]["message"] == "你好")
        let reply = try await classic.ask(
            "POST", "/friend/handel_apply", ["senderUserId": .integer(rest.id), "agree": "True"])
        return (rest, classic, try #require(reply["conversation_id"].string.flatMap { Int64($0) }, "\(reply)"))
    }

    @Test func `an account of either dialect logs in to the other`() async throws {
        try await withGateway { site in
            let (rest, classic) = (try await site.restPerson("小安"), try await site.person("Bob"))
            #expect(try await rest.asClassic().id == rest.id)
            let bob = try await site.restLogIn("userName", "Bob")
            #expect(bob.id == classic.id && bob.name == "Bob")
            #expect(try await site.restLogIn("uid", bob.uid).id == classic.id)
            // A token of either works in both.
            let me = try await rest.ask("GET", "/me", headers: ["Authorization": classic.token])
            #expect(me["data"]["id"] == .integer(classic.id))
            let list = try await classic.ask("GET", "/friend/pull_friend_list", headers: ["Authorization": rest.token])
            #expect(list.status == 200)
            let sessions = try await bob.data("GET", "/sessions").items
            #expect(Set(sessions.map { $0["dialect"].text }) == ["classic", "rest"])
        }
    }

    @Test func `a classic session ended in rest makes room for the next classic log-in`() async throws {
        try await withGateway { site in
            let classic = try await site.person("Bob")
            let rest = try await site.restLogIn("userName", "Bob")
            let socket = try await classic.listen()
            let body: JSONValue = ["userName": "Bob", "password": .string(Person.password)]
            let refused = try await site.ask("POST", "/user/login", body)
            #expect(refused.status != 200)

            let sessions = try await rest.data("GET", "/sessions").items
            let session = try #require(sessions.first { $0["dialect"] == "classic" })
            try await rest.data("DELETE", "/sessions/\(session["id"].text)")
            #expect(try await socket.end(within: .seconds(1)) == 4401)
            #expect(try await classic.ask("GET", "/friend/pull_friend_list").status == 401)
            #expect(try await site.logIn("Bob").id == classic.id)
            try await rest.data("GET", "/me")
        }
    }

    @Test func `a number belongs to its first account, also when a later one of classic has it too`() async throws {
        try await withGateway { site in
            try await site.register("Bob", ["phoneNumber": "13812345678"])
            try await site.register("Carl", ["phoneNumber": "13812345678"])
            #expect(try await site.restRegister("小安", "13812345678").restOutcome == "400 手机号已存在")
            // The first one owns it.
            #expect(try await site.restLogIn("phone_number", "13812345678").name == "Bob")
        }
    }

    @Test func `both see the same messages, live and on reload`() async throws {
        try await withGateway { site in
            let (rest, classic, conversation) = try await friends(site)
            let (restSocket, classicSocket) = (try await rest.listen(), try await classic.listen())
            let first = try await rest.send("从rest", to: conversation)
            let second = try await classic.send("from classic", to: conversation, replyTo: first)

            let pushed = try await classicSocket.nextPush()
            #expect(pushed["type"] == "receive_message" && pushed["message"]["message"] == "从rest")
            #expect(pushed["message"]["sender_id"] == .integer(rest.id))
            let own = try await restSocket.nextData("new_message")
            #expect(own["message_id"] == .integer(first) && own["sender_name"] == "小安")
            let answered = try await restSocket.nextData("new_message")
            #expect(answered["content"] == "from classic" && answered["reply_id"] == .integer(first))
            #expect(answered["sender_name"] == "Bob")

            let listed = try await rest.messages(of: conversation)
            #expect(listed.map { $0["message_id"].integer } == [second, first, 1])
            #expect(
                try await classic.texts(of: conversation) == listed.reversed().map { $0["content"].text })
            #expect(try await classic.pullTexts().suffix(2) == ["从rest", "from classic"])
        }
    }

    @Test func `reading in one dialect is read in the other`() async throws {
        try await withGateway { site in
            let (rest, classic, conversation) = try await friends(site)
            let socket = try await classic.listen()
            let id = try await classic.send("read me", to: conversation)
            #expect(try await rest.conversation(conversation)["unread_count"] == 2)
            try await rest.data("GET", "/conversations/\(conversation)")
            _ = try await socket.nextPush()
            let read = try await socket.nextPush()
            #expect(read["type"] == "read_index_changed" && read["message"]["read_index"] == .integer(id))
            let readers = try await classic.ask("GET", "/message/pull_reader_list?messageId=\(id)")["reader_list"]
            #expect(Set(readers.items.map { $0["member_user_id"].integer }) == [rest.id, classic.id])

            let other = try await rest.send("and me", to: conversation)
            let restSocket = try await rest.listen()
            let mark: JSONValue = ["conversationId": .integer(conversation), "readIndex": .integer(other)]
            #expect(try await classic.ask("POST", "/message/mark_read_index", mark).status == 200)
            #expect(try await restSocket.nextData("read")["message_id"] == .integer(other))
        }
    }

    @Test func `a recall in one dialect is pushed in the other, and gone on reload`() async throws {
        try await withGateway { site in
            let (rest, classic, conversation) = try await friends(site)
            let id = try await rest.send("oops", to: conversation)
            let socket = try await classic.listen()
            try await rest.data("DELETE", "/message/recall", ["message_id": .integer(id)])
            let recalled = try await socket.nextPush()
            #expect(recalled["type"] == "message_recalled" && recalled["message"]["message_id"] == .integer(id))
            #expect(try await classic.texts(of: conversation).count == 1)
            #expect(try await classic.pullTexts().count == 1)
        }
    }

    @Test func `a friendship begun and ended in classic is heard of in rest`() async throws {
        try await withGateway { site in
            let (rest, classic) = (try await site.restPerson("小安"), try await site.person("Bob"))
            let userName = try await rest.data("GET", "/me")["userName"].text
            let socket = try await rest.listen()
            #expect(try await classic.apply(to: userName, message: "hi").status == 200)
            let request = try await socket.nextData("new_friend_request")
            #expect(request["sender_id"] == .integer(classic.id) && request["message"] == "hi")
            try await rest.data("POST", "/friendship_requests/\(request["request_id"].text)")
            let ending: JSONValue = ["friendUserId": .integer(rest.id)]
            #expect(try await classic.ask("DELETE", "/friend/delete_friend", ending).status == 200)
            #expect(
                try await socket.nextData("friend_deleted", skipping: ["new_message", "conversation_changed"])
                    == ["friend_id": .integer(classic.id)])
            #expect(try await rest.data("GET", "/friendships") == [])
        }
    }
}
