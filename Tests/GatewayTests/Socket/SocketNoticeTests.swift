import Shared
import TestSupport
import Testing

@testable import Gateway

/// What notices say, to whom, and to nobody else.
///
/// Whoever is not concerned hears of something later first: a message of a friend ends each look.
@Suite struct SocketNoticeTests {
    private let picture: JSONValue = "/media/pictures/default"

    private func notice(
        _ type: JSONValue, from sender: String, to recipient: SocketUser, _ data: JSONObject? = nil
    ) -> JSONValue {
        var notice: JSONObject = [
            "eventType": type, "fromUserId": .string(sender), "toUserId": .string(recipient.id),
        ]
        if let data { notice.append("data", .object(data)) }
        return JSONValue.object(notice).sorted
    }

    /// Friends of each other, and the notice connection of each, live.
    private func listening(
        _ site: Site, _ names: String...
    ) async throws -> (users: [SocketUser], sockets: [WebSocketClient]) {
        var users: [SocketUser] = []
        for name in names {
            let user = try await site.socketUser(name, ["sign": .string("I am \(name)"), "sex": 1])
            for other in users { try await other.befriend(user) }
            users.append(user)
        }
        var sockets: [WebSocketClient] = []
        for user in users { sockets.append(try await user.listen()) }
        try await expectNothing(sockets, users, isFirst: true)
        return (users, sockets)
    }

    /// Has everybody hear a message of another, and before it nothing else.
    private func expectNothing(
        _ sockets: [WebSocketClient], _ users: [SocketUser], isFirst: Bool = false
    ) async throws {
        for (index, socket) in sockets.enumerated() {
            try await users[(index + 1) % users.count].send("mark", to: users[index])
            let before = try await socket.notices(before: "mark")
            // At first the greetings of friendships come.
            if !isFirst { #expect(before == [], "\(users[index].name)") }
        }
    }

    @Test func `a message goes to its receiver alone`() async throws {
        try await withGateway { site in
            let (users, sockets) = try await listening(site, "Alice", "Bob", "Carol")
            let answer = try await users[0].send("hi \"Bob\" 😀", to: users[1])["data"]
            #expect(
                try await sockets[1].notice()
                    == notice(
                        "chat_f2f", from: users[0].id, to: users[1],
                        [
                            "msg": "hi \"Bob\" 😀", "messageId": answer["messageId"],
                            "conversationId": answer["conversationId"], "seq": answer["seq"],
                        ]))
            try await expectNothing(sockets, users)
        }
    }

    @Test func `a notice is exactly the document's envelope, with the message's own time`() async throws {
        try await withGateway { site in
            let users = try await site.socketFriends("Alice", "Bob")
            let time = try await users[0].send("late", to: users[1])["data"]["time"]
            let socket = try await users[1].listen("?since=1")
            let notice = try await socket.nextPush()
            #expect(
                notice.object?.members.map(\.name) == ["data", "eventType", "fromUserId", "toUserId", "time"])
            #expect(notice["time"] == time)
        }
    }

    @Test func `a friend request, its answers and the end of the friendship`() async throws {
        try await withGateway { site in
            let (users, sockets) = try await listening(site, "Alice", "Bob", "Carol")
            let (alice, bob) = (users[0], users[1])
            let body: JSONValue = ["userId": .string(bob.id)]
            #expect(try await alice.code("/friend/del", body) == "0000")
            #expect(try await sockets[1].notice() == notice("friend_deleted", from: alice.id, to: bob))

            for agree in [false, true] {
                let request = try await alice.add(bob, remark: "please")
                #expect(
                    try await sockets[1].notice()
                        == notice(
                            "friend_add", from: alice.id, to: bob,
                            [
                                "friendApplyId": .string(request), "headImg": picture, "nickname": "Alice!",
                                "username": "Alice", "remark": "please", "sex": "1", "sign": "I am Alice",
                            ]))
                let reply: JSONValue = ["friendApplyId": .string(request), "agree": .bool(agree)]
                #expect(try await bob.code("/friend/add_reply", reply) == "0000")
                #expect(
                    try await sockets[0].notice()
                        == notice(
                            "friend_add_result", from: bob.id, to: alice,
                            [
                                "agree": .bool(agree), "headImg": picture, "nickname": "Bob!",
                                "userId": .string(bob.id), "username": "Bob", "sex": "1", "sign": "I am Bob",
                            ]))
                if agree { #expect(try await sockets[0].notice()["eventType"] == "chat_f2f") }
            }
            try await expectNothing(sockets, users)
        }
    }

    // MARK: - Groups

    /// What notices say of a group.
    private func names(_ group: String, _ handle: String) -> JSONObject {
        [
            "groupId": .string(group), "groupNickname": .string("Group " + handle), "groupName": .string(handle),
        ]
    }

    private func adding(_ object: JSONObject, _ more: JSONObject) -> JSONObject {
        JSONObject(object.members + more.members)
    }

    /// A group whose members are live in it.
    private func group(_ users: [SocketUser], _ sockets: [WebSocketClient], members: Int) async throws -> String {
        let group = try await users[0].createGroup("G", "about")
        for user in users[1..<members] { try await users[0].admit(user, to: group) }
        try await users[0].send("begin", toGroup: group)
        for socket in sockets[1..<members] { _ = try await socket.notices(before: "begin") }
        try await users[1].send("begun", toGroup: group)
        _ = try await sockets[0].notices(before: "begun")
        for socket in sockets[2..<max(2, members)] { _ = try await socket.notices(before: "begun") }
        return group
    }

    @Test func `a group message goes to every other member`() async throws {
        try await withGateway { site in
            let (users, sockets) = try await listening(site, "Alice", "Bob", "Carol", "Dave")
            let group = try await group(users, sockets, members: 3)
            let answer = try await users[1].send("all", toGroup: group)["data"]
            for index in [0, 2] {
                #expect(
                    try await sockets[index].notice()
                        == notice(
                            "chat_group", from: users[1].id, to: users[index],
                            [
                                "msg": "all", "toGroupId": .string(group), "messageId": answer["messageId"],
                                "seq": answer["seq"],
                            ]))
            }
            try await expectNothing(sockets, users)
        }
    }

    @Test func `an application goes to owner and admins, its refusal to the applicant`() async throws {
        try await withGateway { site in
            let (users, sockets) = try await listening(site, "Alice", "Bob", "Carol", "Dave")
            let group = try await group(users, sockets, members: 3)
            let appointment: JSONValue = [
                "conversationId": .string(group), "adminIds": [.string(users[1].id)],
            ]
            #expect(
                try await users[0].classic.ask("POST", "/conversation/appoint_admin", appointment).status == 200)
            for index in 0..<3 {
                #expect(
                    try await sockets[index].notice()
                        == notice(
                            "group_role_change", from: users[1].id, to: users[index],
                            adding(names(group, "G"), ["userId": .string(users[1].id), "role": "admin"])))
            }
            let request = try await users[3].ask(
                "/group/add", ["groupId": .string(group), "remark": "let me in"])["data"]["groupApplyId"]
            for index in 0..<2 {
                #expect(
                    try await sockets[index].notice()
                        == notice(
                            "group_add", from: users[3].id, to: users[index],
                            adding(
                                names(group, "G"),
                                [
                                    "groupApplyId": request, "groupHeadImg": picture, "userId": .string(users[3].id),
                                    "nickname": "Dave!", "headImg": picture, "username": "Dave",
                                    "remark": "let me in", "introduction": "about",
                                ])))
            }
            #expect(try await users[1].code("/group/add_reply", ["groupApplyId": request, "agree": false]) == "0000")
            #expect(
                try await sockets[3].notice()
                    == notice(
                        "group_add_result", from: users[1].id, to: users[3],
                        adding(
                            names(group, "G"),
                            [
                                "agree": false, "groupHeadImg": picture, "ownerUserId": .string(users[0].id),
                                "introduction": "about",
                            ])))
            try await expectNothing(sockets, users)
        }
    }

    @Test func `an admission is told to the applicant and to those already there`() async throws {
        try await withGateway { site in
            let (users, sockets) = try await listening(site, "Alice", "Bob", "Carol", "Dave")
            let group = try await group(users, sockets, members: 2)
            let request = try await users[2].ask("/group/add", ["groupId": .string(group)])["data"]["groupApplyId"]
            #expect(try await sockets[0].notice()["eventType"] == "group_add")
            #expect(try await users[0].code("/group/add_reply", ["groupApplyId": request, "agree": true]) == "0000")
            let group2 = adding(
                names(group, "G"),
                ["groupHeadImg": picture, "ownerUserId": .string(users[0].id), "introduction": "about"])
            for index in 0..<2 {
                #expect(
                    try await sockets[index].notice()
                        == notice(
                            "group_join", from: users[0].id, to: users[index],
                            adding(
                                group2,
                                [
                                    "userId": .string(users[2].id), "username": "Carol", "nickname": "Carol!",
                                    "sex": "1", "headImg": picture, "sign": "I am Carol",
                                ])))
            }
            #expect(
                try await sockets[2].notice()
                    == notice("group_add_result", from: users[0].id, to: users[2], adding(group2, ["agree": true])))
            try await expectNothing(sockets, users)
        }
    }

    @Test func `whom another brought in is told by whom, and the inviter how it ended`() async throws {
        try await withGateway { site in
            let (users, sockets) = try await listening(site, "Alice", "Bob", "Carol", "Dave")
            let group = try await group(users, sockets, members: 2)
            for agree in [false, true] {
                let invitation: JSONValue = [
                    "conversationId": .string(group), "newMemberIds": [.string(users[2].id)],
                ]
                #expect(
                    try await users[1].classic.ask("POST", "/conversation/invite_new_member", invitation).status == 200)
                let asked = try await sockets[0].notice()
                #expect(asked["eventType"] == "group_add" && asked["fromUserId"] == .string(users[1].id))
                #expect(asked["data"]["userId"] == .string(users[2].id) && asked["data"]["username"] == "Carol")
                let reply: JSONValue = ["groupApplyId": asked["data"]["groupApplyId"], "agree": .bool(agree)]
                #expect(try await users[0].code("/group/add_reply", reply) == "0000")
                #expect(
                    try await sockets[1].notice()
                        == notice(
                            "group_invite_result", from: users[0].id, to: users[1],
                            adding(
                                names(group, "G"),
                                [
                                    "agree": .bool(agree), "userId": .string(users[2].id), "username": "Carol",
                                    "nickname": "Carol!",
                                ])))
            }
            #expect(
                try await sockets[2].notice()
                    == notice(
                        "group_invite", from: users[1].id, to: users[2],
                        adding(
                            names(group, "G"),
                            [
                                "groupHeadImg": picture, "introduction": "about",
                                "inviterUserId": .string(users[1].id), "inviterUsername": "Bob",
                                "inviterNickname": "Bob!",
                            ])))
            for index in 0..<2 { #expect(try await sockets[index].notice()["eventType"] == "group_join") }
            try await expectNothing(sockets, users)
        }
    }

    @Test func `one decision ends every request for somebody, and each who asked hears of it`() async throws {
        try await withGateway { site in
            let (users, sockets) = try await listening(site, "Alice", "Bob", "Carol", "Dave")
            let group = try await group(users, sockets, members: 3)
            for inviter in users[1...2] {
                let invitation: JSONValue = [
                    "conversationId": .string(group), "newMemberIds": [.string(users[3].id)],
                ]
                #expect(
                    try await inviter.classic.ask("POST", "/conversation/invite_new_member", invitation).status == 200)
            }
            let request = try await users[3].ask("/group/add", ["groupId": .string(group)])["data"]["groupApplyId"]
            for _ in 0..<3 { #expect(try await sockets[0].notice()["eventType"] == "group_add") }
            #expect(try await users[0].code("/group/add_reply", ["groupApplyId": request, "agree": true]) == "0000")
            for index in 1...2 {
                #expect(try await sockets[index].notice()["eventType"] == "group_invite_result")
                #expect(try await sockets[index].notice()["eventType"] == "group_join")
            }
            #expect(try await sockets[0].notice()["eventType"] == "group_join")
            let invitation = try await sockets[3].notice()
            // The first who asked for him.
            #expect(invitation["eventType"] == "group_invite" && invitation["fromUserId"] == .string(users[1].id))
            #expect(try await sockets[3].notice()["eventType"] == "group_add_result")
            try await expectNothing(sockets, users)
        }
    }

    @Test func `a message taken back is told to everybody in the conversation`() async throws {
        try await withGateway { site in
            let (users, sockets) = try await listening(site, "Alice", "Bob", "Carol")
            let sent = try await users[0].send("oops", to: users[1])["data"]
            #expect(try await sockets[1].notice()["data"]["msg"] == "oops")
            let client = try await site.bus.client(of: .message)
            _ = try await client.call(
                MessageAPI.Recall(
                    account: AccountID(users[0].classic.id),
                    message: MessageID(try #require(Int64(sent["messageId"].text))), isModerator: false), .test())
            for index in 0...1 {
                #expect(
                    try await sockets[index].notice()
                        == notice(
                            "message_recalled", from: users[0].id, to: users[index],
                            ["messageId": sent["messageId"], "conversationId": sent["conversationId"]]))
            }
            try await expectNothing(sockets, users)
        }
    }

    @Test func `a group that begins with friends invites them in its creator's name`() async throws {
        try await withGateway { site in
            let (users, sockets) = try await listening(site, "Alice", "Bob", "Carol", "Dave")
            let body: JSONValue = [
                "friendIds": [.string(users[1].id), .string(users[2].id)], "conversationName": "Three",
            ]
            let reply = try await users[0].classic.ask("PUT", "/conversation/create_conversation", body)
            let group = try #require(reply["conversation_id"].integer)
            for index in 1...2 {
                #expect(
                    try await sockets[index].notice()
                        == notice(
                            "group_invite", from: users[0].id, to: users[index],
                            [
                                "groupId": .string("\(group)"), "groupNickname": "Three",
                                "groupName": .string("g\(group)"), "groupHeadImg": picture, "introduction": "",
                                "inviterUserId": .string(users[0].id), "inviterUsername": "Alice",
                                "inviterNickname": "Alice!",
                            ]))
            }
            try await expectNothing(sockets, users)
        }
    }

    @Test func `those who stay hear who left or was removed, and the removed by whom`() async throws {
        try await withGateway { site in
            let (users, sockets) = try await listening(site, "Alice", "Bob", "Carol", "Dave", "Eve")
            let group = try await group(users, sockets, members: 4)
            func left(_ leaver: SocketUser, kicked: Bool, to user: SocketUser) -> JSONValue {
                notice(
                    "group_leave", from: leaver.id, to: user,
                    adding(
                        names(group, "G"),
                        [
                            "userId": .string(leaver.id), "username": .string(leaver.name),
                            "nickname": .string(leaver.name + "!"), "kicked": .bool(kicked),
                        ]))
            }
            let removal: JSONValue = [
                "conversationId": .string(group), "removeMemberIds": [.string(users[1].id)],
            ]
            #expect(
                try await users[0].classic.ask("DELETE", "/conversation/remove_member", removal).status == 200)
            #expect(
                try await sockets[1].notice()
                    == notice(
                        "group_kicked_out", from: users[0].id, to: users[1],
                        adding(names(group, "G"), ["groupHeadImg": picture])))
            for index in [0, 2, 3] {
                #expect(try await sockets[index].notice() == left(users[1], kicked: true, to: users[index]))
            }
            let quit: JSONValue = ["conversationId": .string(group)]
            #expect(
                try await users[2].classic.ask("DELETE", "/conversation/quit_conversation", quit).status == 200)
            for index in [0, 3] {
                #expect(try await sockets[index].notice() == left(users[2], kicked: false, to: users[index]))
            }
            try await expectNothing(sockets, users)
        }
    }
}
