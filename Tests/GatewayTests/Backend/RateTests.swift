import MessageService
import Shared
import TestSupport
import Testing

@testable import Gateway

/// What is counted against an account's rates, and where.
@Suite struct RateTests {
    private func withRates(_ body: (Site) async throws -> Void) async throws {
        try await withGateway(
            {
                $0.gateway.limitsRates = true
                $0.message.areRatesLimited = true
            }, body)
    }

    @Test(arguments: ["{}", "no JSON", #"{"conversationId":1,"message":1,"replyId":-1}"#])
    func `sends that are refused count in classic`(body: String) async throws {
        try await withRates { site in
            let alice = try await site.person("Alice")
            var statuses: [Int: Int] = [:]
            for _ in 1...400 {
                let reply = try await alice.http.request(
                    "PUT", "/message/send_message", headers: ["Authorization": alice.token], body: body)
                statuses[reply.status, default: 0] += 1
            }
            #expect(statuses[400, default: 0] >= 200)
            #expect(statuses[429, default: 0] > 0)
            #expect(statuses.count == 2)
        }
    }

    @Test(arguments: ["{}", "no JSON"]) func `sends that are refused count in rest`(body: String) async throws {
        try await withRates { site in
            let alice = try await site.restPerson("Alice")
            var statuses: [Int: Int] = [:]
            for _ in 1...400 {
                let reply = try await alice.http.request(
                    "POST", "/auth/messages", headers: ["Authorization": alice.token], body: body)
                statuses[reply.status, default: 0] += 1
            }
            #expect(statuses[400, default: 0] >= 200)
            #expect(statuses[429, default: 0] > 0)
            #expect(statuses.count == 2)
        }
    }

    @Test(arguments: ["{}", "no JSON"]) func `sends that are refused count in socket`(text: String) async throws {
        try await withRates { site in
            let alice = try await site.socketUser("Alice")
            let socket = try await alice.open("/ws/chat/send_msg")
            let frame = WebSocketClient.encode(opcode: 1, payload: Array(text.utf8))
            try await socket.send(raw: (1...400).flatMap { _ in frame })
            var codes: [String: Int] = [:]
            for _ in 1...400 { codes[try await socket.nextPush()["code"].text, default: 0] += 1 }
            #expect(codes["9997", default: 0] >= 200)
            #expect(codes["9998", default: 0] > 0)
            #expect(codes.count == 2)
        }
    }

    @Test func `messages of one account are counted over all gateways`() async throws {
        try await withRates { site in
            let (alice, bob, conversation) = try await site.friends()
            let ports = [site.port, try await site.startGateway()]
            let alices = ports.flatMap { port in (1...4).map { _ in port } }.map { port in
                Person(site: site, name: alice.name, id: alice.id, token: alice.token, http: HTTPClient(port: port))
            }
            let message: JSONValue = ["conversationId": .integer(conversation), "message": "hi", "replyId": -1]
            let start = MonotonicTime.now
            let statuses = try await withThrowingTaskGroup(of: [Int].self) { group in
                for person in alices {
                    group.addTask {
                        var statuses: [Int] = []
                        for _ in 1...48 {
                            statuses.append(try await person.ask("PUT", "/message/send_message", message).status)
                        }
                        return statuses
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            let seconds = Int((MonotonicTime.now.nanoseconds - start.nanoseconds) / 1_000_000_000) + 1
            let accepted = statuses.count { $0 == 200 }
            #expect(accepted >= 200 && accepted <= 200 + 50 * seconds)
            #expect(statuses.allSatisfy { [200, 429].contains($0) })
            #expect(try await bob.ask("PUT", "/message/send_message", message).status == 200)
        }
    }

    @Test func `a success names its message, or it is none`() async throws {
        for message in [0, -1] as [Int64] {
            var routes = BusRoutes()
            routes.on(MessageAPI.Send.self, from: [.gateway]) { _, _ throws(ServiceError) in
                MessageAPI.Send.Reply(
                    conversation: ConversationID(1), message: MessageID(message), sequence: 1, sentAt: 1)
            }
            try await withGateway { [routes] in
                $0.messageRoutes = routes
            } _: { site in
                let alice = try await site.person("Alice")
                let classic = try await alice.ask(
                    "PUT", "/message/send_message", ["conversationId": 1, "message": "hi", "replyId": -1])
                #expect(classic.status == 500)
                let rest = try await site.restPerson("Bob")
                #expect(try await rest.ask("POST", "/messages", ["conversation_id": 1, "content": "x"]).status == 500)
                let socket = try await site.socketUser("Carol").open("/ws/chat/send_msg")
                try await socket.sendText(#"{"toGroupId":"1","msg":"x"}"#)
                #expect(try await socket.nextPush()["code"] == "9998")
            }
        }
    }
}
