import TestSupport
import Testing

extension SystemTests {
    /// Three people, each with an app of another dialect, on two gateways: one chat.
    @Suite struct DialectTests {
        @Test func `friendships, groups, messages, recalls and reading reach everyone in his dialect`() async throws {
            try await withStack(.twoGateways) { stack in
                let (here, there) = (stack.port(), stack.port(of: .secondGateway))
                let carl = try await ChatClient.signUp("Carl", port: here)
                let rita = try await RestApp.signUp("Rita", phone: "13800000001", port: here)
                let sora = try await SocketApp.signUp("Sora", port: there)
                let classic = Pushes(try await carl.pushSocket().webSocket)
                let rest = Pushes(
                    try await WebSocketClient.connect(port: here, path: "/api/auth/ws?token=\(rita.token)"))
                let socket = Pushes(try await sora.open("/ws/notice/event"))

                // Carl asks Sora, Sora asks Rita, Rita asks Carl; each answers in his own way and each hears of it.
                try await carl.succeed("POST", "/friend/apply_friend", ["applyUserName": "Sora", "message": "hi"])
                let asked = try await socket.next("eventType", "friend_add")
                #expect(asked["data"]?["username"] == "Carl" && asked["data"]?["remark"] == "hi")
                let reply = try await sora.ask(
                    "/ws/friend/add_reply",
                    ["friendApplyId": asked["data"]?["friendApplyId"] ?? .null, "agree": true])
                #expect(reply["code"] == "0000")
                let agreed = try await classic.next("type", "friend_application_agreed")
                #expect(agreed["message"]?["friend_name"] == "Sora")

                #expect(try await sora.ask("/ws/friend/add", ["userId": .string("\(rita.id)")])["code"] == "0000")
                let request = try await rest.next("type", "new_friend_request")["data"]
                #expect(request?["sender_name"] == "Sora")
                let path = "/api/auth/friendship_requests"
                _ = try await rita.succeed(
                    "POST", "\(path)/\(request?["request_id"]?.integer ?? 0)", ["status": "accepted"])
                let result = try await socket.next("eventType", "friend_add_result")
                #expect(result["data"]?["agree"] == true && result["data"]?["nickname"] == "Rita")

                _ = try await rita.succeed("POST", path, ["receiver_id": .integer(carl.id)])
                let sender = try await classic.next("type", "receive_friend_application")["message"]?["sender_id"]
                #expect(sender == .integer(rita.id))
                let agreement: JSON = ["senderUserId": .integer(rita.id), "agree": "True"]
                try await carl.succeed("POST", "/friend/handel_apply", agreement)
                #expect(try await rest.next("type", "friend_request_decided")["data"]?["status"] == "accepted")

                // Carl brings them together.
                let created = try await carl.succeed(
                    "PUT", "/conversation/create_conversation",
                    ["conversationName": "All", "friendIds": [.integer(rita.id), .integer(sora.id)]])
                let group = try #require(created["conversation_id"]?.integer)
                let invitation = try await socket.next("eventType", "group_invite")
                #expect(invitation["data"]?["groupNickname"] == "All")
                #expect(invitation["fromUserId"] == .string("\(carl.id)"))
                try await rest.next("type", "conversation_changed") {
                    $0["data"]?["conversation_id"] == .integer(group) && $0["data"]?["change"] == "joined"
                }

                // Each writes; the others read it in their own frames, and it is one message.
                let first = try await carl.say("from classic", to: group)
                let second = try await sora.ask(
                    "/ws/chat/send_msg", ["toGroupId": .string("\(group)"), "msg": "from socket"])
                #expect(second["code"] == "0000")
                let third = try await rita.succeed(
                    "POST", "/api/auth/messages", ["conversation_id": .integer(group), "content": "from rest"])
                let ids = [
                    .integer(first), .integer(Int64(second["data"]?["messageId"]?.string ?? "") ?? 0), third,
                ]
                for (id, text) in zip(ids, ["from classic", "from socket", "from rest"]) {
                    let push = try await classic.next("type", "receive_message") { $0["message"]?["message_id"] == id }
                    #expect(push["message"]?["message"] == .string(text))
                    let frame = try await rest.next("type", "new_message") { $0["data"]?["message_id"] == id }
                    #expect(frame["data"]?["content"] == .string(text))
                }
                for text in ["from classic", "from rest"] {
                    let notice = try await socket.next("eventType", "chat_group")
                    #expect(notice["data"]?["msg"] == .string(text))
                    #expect(notice["toUserId"] == .string("\(sora.id)"))
                }

                // Rita takes hers back, and opens the conversation.
                _ = try await rita.succeed("DELETE", "/api/auth/message/recall", ["message_id": ids[2]])
                #expect(try await classic.next("type", "message_recalled")["message"]?["message_id"] == ids[2])
                #expect(try await rest.next("type", "recall_message")["data"]?["recalled_message_id"] == ids[2])
                let recalled = try await socket.next("eventType", "message_recalled")["data"]?["messageId"]
                #expect(recalled?.string == ids[2].integer.map { "\($0)" })
                let window = try await rita.succeed("GET", "/api/auth/conversations/\(group)")
                let texts = window.array?.compactMap { $0["content"]?.string }
                #expect(texts == ["from socket", "from classic"])
                #expect(try await carl.chain(of: group).map(\.text) == ["from classic", "from socket"])
                try await classic.next("type", "read_index_changed") {
                    $0["message"]?["member_id"] == .integer(rita.id) && $0["message"]?["read_index"] == ids[1]
                }

                // A private message goes through the one conversation the two have.
                let whisper = try await sora.ask(
                    "/ws/chat/send_msg", ["toUserId": .string("\(carl.id)"), "msg": "between us"])
                #expect(whisper["code"] == "0000")
                let heard = try await classic.next("type", "receive_message") {
                    $0["message"]?["message"] == "between us"
                }
                #expect(try await carl.friends()["Sora"] == heard["message"]?["conversation_id"]?.integer)
            }
        }

        @Test func `who was away is handed his notices once, at whichever gateway he comes back`() async throws {
            try await withStack(.twoGateways) { stack in
                let (here, there) = (stack.port(), stack.port(of: .secondGateway))
                let carl = try await ChatClient.signUp("Carl", port: here)
                let sora = try await SocketApp.signUp("Sora", port: there)
                var notices = Pushes(try await sora.open("/ws/notice"))
                try await carl.succeed("POST", "/friend/apply_friend", ["applyUserName": "Sora"])
                let asked = try await notices.next("eventType", "friend_add")
                _ = try await sora.ask(
                    "/ws/friend/add_reply",
                    ["friendApplyId": asked["data"]?["friendApplyId"] ?? .null, "agree": true])
                let conversation = try #require(try await carl.friends()["Sora"])

                for round in 0..<4 {
                    try await notices.socket.sendClose(code: 1000)
                    _ = try await notices.socket.end()
                    for index in 0..<3 { try await carl.say("missed \(round) \(index)", to: conversation) }
                    notices = Pushes(try await sora.open("/ws/notice", port: round % 2 == 0 ? here : there))
                    for index in 0..<3 {
                        let notice = try await notices.next("eventType", "chat_f2f")
                        #expect(notice["data"]?["msg"] == .string("missed \(round) \(index)"))
                    }
                    try await carl.say("live \(round)", to: conversation)
                    let live = try await notices.next("eventType", "chat_f2f")
                    #expect(live["data"]?["msg"] == .string("live \(round)"))
                    #expect(notices.rest.isEmpty)
                }
            }
        }
    }
}
