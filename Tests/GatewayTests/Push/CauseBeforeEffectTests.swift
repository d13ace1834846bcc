import Shared
import TestSupport
import Testing

@testable import Gateway

/// Nothing is pushed of a conversation before the push that tells of it, nor after the one that takes it away: in every
/// dialect, live and on every way of resuming.
@Suite(.timeLimit(.minutes(5))) struct CauseBeforeEffectTests {
    @Test func `what begins and ends while a socket listens is told in its order`() async throws {
        try await withGateway { site in
            let circle = try await Circle(of: site)
            let listeners = try await circle.listeners()
            for round in 1...8 { try await circle.liveThrough(round, parting: round.isMultiple(of: 2)) }
            try await circle.expectOrder(listeners, opened: 16)
        }
    }

    @Test(arguments: ["?since=0", "?since=", ""])
    func `what began while nobody listened is told before its messages`(_ query: String) async throws {
        try await withGateway { site in
            let circle = try await Circle(of: site)
            // A notice connection goes on where the last one was.
            let before = try await circle.listeners()
            try await circle.expectOrder(before, opened: 0)
            let last = try await circle.zoe.send("last", to: circle.home)
            for listener in before { try await listener.untilSent("last") }
            for listener in before { listener.socket.cut() }
            for round in 1...3 { try await circle.liveThrough(round, parting: round == 2) }

            let dialects: [Dialect] = query.isEmpty ? [.socket] : [.classic, .rest, .socket]
            let listeners = try await circle.listeners(query == "?since=" ? "?since=\(last)" : query, dialects)
            // What had begun before is known, or told again.
            try await circle.expectOrder(listeners, opened: 4)
        }
    }

    @Test func `who comes into and out of a group again and again never hears of it from outside`() async throws {
        try await withGateway { site in
            let circle = try await Circle(of: site)
            let (alice, bob) = (circle.alice, circle.bob)
            let group = try await bob.createGroup("G", with: [circle.carol, circle.zoe])
            let live = try await circle.listeners()
            let noise = Task {
                let noisy = bob.again
                while !Task.isCancelled { try await noisy.send("noise", to: group) }
            }
            let comings = Task {
                let inviter = circle.zoe.again
                for _ in 1...12 {
                    #expect(try await inviter.invite([alice], to: group) == "200 0 Succeed")
                    #expect(try await bob.decideJoin(of: [alice], to: group).hasPrefix("200"))
                    try await bob.send("inside", to: group)
                    #expect(try await bob.remove([alice], from: group) == "200 0 Succeed")
                }
            }
            // Others come while that goes on: nothing is known to those who want everything.
            for number in 1...6 {
                let listeners = try await circle.listeners("?since=0", [.classic, .rest])
                try await circle.zoe.send("late \(number)", to: circle.home)
                for listener in listeners {
                    let story = try await listener.untilSent("late \(number)")
                    #expect(story.violations == [], "\(listener.dialect)")
                    #expect(story.opened > 0, "\(listener.dialect)")
                    listener.socket.cut()
                }
            }
            try await comings.value
            noise.cancel()
            _ = await noise.result
            try await circle.expectOrder(live, opened: 1)
        }
    }
}

/// Alice, who listens, and those who befriend her, bring her into groups and take her out again.
private struct Circle {
    let site: Site
    let alice: Person
    let bob: Person
    let carol: Person
    /// Whose conversation with Alice never ends: a message there ends a look.
    let zoe: Person
    let home: Int64

    init(of site: Site) async throws {
        self.site = site
        alice = try await site.person("Alice")
        bob = try await site.person("Bob")
        carol = try await site.person("Carol")
        zoe = try await site.person("Zoe")
        home = try await site.befriend(alice, zoe)
        _ = try await site.befriend(bob, carol)
        _ = try await site.befriend(bob, zoe)
    }

    /// A friendship and a group begin, with a first message at once; if that is wanted, both end behind a last one.
    func liveThrough(_ round: Int, parting: Bool) async throws {
        let dave = try await site.person("Dave\(round)")
        let talk = try await site.befriend(alice, dave)
        try await dave.send("hello", to: talk)
        _ = try await site.befriend(dave, carol)
        let group = try await dave.createGroup("Group \(round)", with: [alice, carol])
        try await dave.send("welcome", to: group)
        guard parting else { return }
        try await dave.send("farewell", to: group)
        #expect(try await dave.remove([alice], from: group) == "200 0 Succeed")
        try await dave.send("alone", to: group)
        try await dave.send("bye", to: talk)
        let ending: JSONValue = ["friendUserId": .integer(alice.id)]
        #expect(try await dave.ask("DELETE", "/friend/delete_friend", ending).status == 200)
    }

    /// Alice's connections; her token is good in every dialect.
    func listeners(
        _ query: String = "", _ dialects: [Dialect] = [.classic, .rest, .socket]
    ) async throws -> [Listener] {
        let paths: [Dialect: String] = [.classic: "/ws/", .rest: "/api/auth/ws", .socket: "/ws/notice/event"]
        var listeners: [Listener] = []
        for dialect in dialects {
            let socket = try await WebSocketClient.connect(
                port: site.port, path: try #require(paths[dialect]) + query, headers: ["Authorization": alice.token])
            listeners.append(Listener(dialect, socket, home: [home, -zoe.id]))
        }
        return listeners
    }

    /// Has every connection hear a last message, and nothing out of order before it.
    ///
    /// - Parameter opened: the conversations that each is told of, at least.
    func expectOrder(
        _ listeners: [Listener], opened: Int, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        try await zoe.send("the end", to: home)
        for listener in listeners {
            let story = try await listener.untilSent("the end")
            #expect(story.violations == [], "\(listener.dialect)", sourceLocation: sourceLocation)
            #expect(story.opened >= opened, "\(listener.dialect)", sourceLocation: sourceLocation)
        }
    }
}

/// One push connection, and what it has been told of conversations.
private final class Listener {
    struct Story {
        var opened = 0
        var violations: [String] = []
        /// The conversations of which it has been told, as ``subject(of:)`` calls them.
        fileprivate var known: Set<Int64>
    }

    /// What a push says of a conversation.
    private enum Kind {
        case opening
        case end
        case other
    }

    let dialect: Dialect
    let socket: WebSocketClient
    private var story: Story

    init(_ dialect: Dialect, _ socket: WebSocketClient, home: Set<Int64>) {
        self.dialect = dialect
        self.socket = socket
        story = Story(known: home)
    }

    /// Reads up to a message.
    @discardableResult
    func untilSent(_ text: String) async throws -> Story {
        while try await next() != text {}
        return story
    }

    /// - Returns: the text of the next push if it is a message.
    private func next() async throws -> String? {
        let push = try await socket.nextPush()
        if let (conversation, kind) = subject(of: push) {
            switch kind {
            case .opening:
                story.known.insert(conversation)
                story.opened += 1
            case .end: story.known.remove(conversation)
            case .other:
                if !story.known.contains(conversation) { story.violations.append(push.text) }
            }
        }
        return ["message", "content", "msg"].lazy.compactMap { self.content(of: push)[$0].string }.first
    }

    private func content(of push: JSONValue) -> JSONValue { dialect == .classic ? push["message"] : push["data"] }

    /// The conversation a push is about; minus the friend's account where the dialect calls it by him.
    private func subject(of push: JSONValue) -> (conversation: Int64, kind: Kind)? {
        let content = content(of: push)
        func number(_ value: JSONValue) -> Int64? { value.integer ?? value.string.flatMap { Int64($0) } }
        let type = (dialect == .socket ? push["eventType"] : push["type"]).text
        let conversation: Int64?
        switch dialect {
        case .socket where ["chat_f2f", "friend_add_result", "friend_deleted"].contains(type):
            conversation = number(push["fromUserId"]).map { -$0 }
        case .socket: conversation = number(content["groupId"]) ?? number(content["toGroupId"])
        case .classic, .rest: conversation = number(content["conversation_id"])
        }
        guard let conversation else { return nil }
        return (conversation, kind(type, content))
    }

    private func kind(_ type: String, _ content: JSONValue) -> Kind {
        switch (dialect, type, content["change"].string) {
        case (.classic, "friend_application_agreed", _), (.classic, "invited_to_conversation", _),
            (.rest, "friend_request_decided", _), (.rest, "conversation_changed", "joined"),
            (.socket, "friend_add_result", _), (.socket, "group_invite", _):
            .opening
        case (.classic, "friend_deleted", _), (.classic, "removed_from_conversation", _),
            (.rest, "conversation_changed", "left"), (.socket, "friend_deleted", _), (.socket, "group_kicked_out", _):
            .end
        default: .other
        }
    }
}
