import AuthService
import Shared
import SocialService
import Synchronization
import TestSupport
import Testing

@testable import Gateway

/// Services that are away, and clients that ask too often.
@Suite struct ClassicFailureTests {
    private let unavailable = "503 -6 Service unavailable"

    @Test func `what needs a service that is away is refused, the rest is not`() async throws {
        try await withGateway {
            $0.transport = .files
        } _: { site in
            let (alice, _, conversation) = try await site.friends()
            let message: JSONValue = ["conversationId": .integer(conversation), "message": "hi", "replyId": -1]
            #expect(try await alice.texts(of: conversation).count == 1)

            await site.stop(.auth)
            let login = try await site.ask("POST", "/user/login", ["userName": "Alice", "password": "123456"])
            #expect(login.outcome == unavailable)
            #expect(login.headers["retry-after"] == "1")
            #expect(try await site.register("New").outcome == unavailable)
            #expect(try await alice.ask("GET", "/user/pull_user_info?userName=Bob").outcome == unavailable)
            #expect(try await alice.ask("PUT", "/message/send_message", message).status == 200)
            #expect(try await alice.texts(of: conversation).count == 2)
            try await site.start(.auth)
            try await site.untilReady()
            #expect(try await alice.ask("GET", "/user/pull_user_info?userName=Bob").status == 200)

            await site.stop(.social)
            #expect(try await alice.ask("GET", "/friend/pull_friend_list").outcome == unavailable)
            #expect(try await alice.apply(to: "Bob").outcome == unavailable)
            #expect(try await alice.ask("PUT", "/message/send_message", message).status == 200)
            try await site.start(.social)
            try await site.untilReady()
            #expect(try await alice.ask("GET", "/friend/pull_friend_list").status == 200)

            await site.stop(.message)
            #expect(try await alice.ask("PUT", "/message/send_message", message).outcome == unavailable)
            #expect(try await alice.ask("GET", "/message/pull_user_chain").outcome == unavailable)
            #expect(try await alice.ask("GET", "/friend/pull_friend_list").status == 200)
            try await site.start(.message)
            try await site.untilReady()
            #expect(try await alice.texts(of: conversation).count == 3)
        }
    }

    @Test func `a service that does not answer in time leaves the outcome unknown`() async throws {
        let auth = try StubAuth()
        let held = Mutex<[Responder<AuthAPI.LogIn.Reply>]>([])
        try await withGateway {
            $0.gateway.requestTimeout = .milliseconds(100)
            $0.authRoutes = auth.routes {
                $0.onBusThread(AuthAPI.LogIn.self, from: [.gateway]) { _, _, respond in
                    held.withLock { $0.append(respond) }
                }
            }
        } _: { site in
            let reply = try await site.ask("POST", "/user/login", ["userName": "Alice", "password": "123456"])
            #expect(reply.outcome == "504 -8 Outcome unknown")
        }
    }

    @Test func `a defect is answered without its reasons`() async throws {
        let auth = try StubAuth()
        try await withGateway {
            $0.authRoutes = auth.routes {
                $0.on(AuthAPI.LogIn.self, from: [.gateway]) { _, _ throws(ServiceError) in
                    throw ServiceError(.internal, detail: "SELECT * FROM secrets")
                }
            }
        } _: { site in
            let reply = try await site.ask("POST", "/user/login", ["userName": "Alice", "password": "123456"])
            #expect(reply.outcome == "500 -7 Internal error")
            #expect(reply.headers["x-request-id"]?.isEmpty == false)
        }
    }

    // MARK: - Rates

    @Test func `failed log-ins are limited`() async throws {
        try await withGateway {
            $0.auth.areRatesLimited = true
        } _: { site in
            try await site.register("Alice")
            func logIn(_ password: JSONValue) async throws -> Reply {
                try await site.ask("POST", "/user/login", ["userName": "Alice", "password": password])
            }
            for _ in 1...10 { #expect(try await logIn("wrong").status == 401) }
            let reply = try await logIn("123456")
            #expect(reply.outcome == "429 -5 Too many requests")
            let seconds = try #require(reply.headers["retry-after"].flatMap { Int($0) })
            #expect((1...600).contains(seconds))
        }
    }

    @Test func `registrations of one address are limited`() async throws {
        try await withGateway {
            $0.auth.areRatesLimited = true
        } _: { site in
            for number in 1...20 { #expect(try await site.register("User\(number)").status == 200) }
            let reply = try await site.register("One")
            #expect(reply.outcome == "429 -5 Too many requests")
            #expect(reply.headers["retry-after"] != nil)
        }
    }

    @Test func `searches, friend requests and new groups of one account are limited`() async throws {
        try await withGateway {
            $0.gateway.limitsRates = true
            $0.social.friendRequestsPerMinute = 60
        } _: { site in
            let (alice, bob, _) = try await site.friends()
            let (carol, dan) = (try await site.person("Carol"), try await site.person("Dan"))
            for friend in [alice, bob] { _ = try await site.befriend(dan, friend) }
            func expectLimit(_ limit: Int, _ ask: (Person) async throws -> Reply) async throws {
                var accepted = 0
                var reply = try await ask(alice)
                while reply.status == 200, accepted < 2 * limit {
                    accepted += 1
                    reply = try await ask(alice)
                }
                #expect(accepted >= limit - 1)
                #expect(reply.outcome == "429 -5 Too many requests")
                #expect(reply.headers["retry-after"].flatMap { Int($0) }.map { (1...60).contains($0) } == true)
                #expect(try await ask(bob).status == 200)
            }
            try await expectLimit(60) { try await $0.ask("GET", "/user/pull_user_info?userName=Carol") }
            try await expectLimit(60) { try await $0.apply(to: carol.name) }
            try await expectLimit(60) { person in
                let friends = [alice.id, bob.id, dan.id].filter { $0 != person.id }.map { JSONValue.integer($0) }
                return try await person.ask(
                    "PUT", "/conversation/create_conversation", ["friendIds": .array(friends), "conversationName": "G"])
            }
        }
    }

    @Test func `messages of one account are limited to a burst of two hundred`() async throws {
        try await withGateway {
            $0.gateway.limitsRates = true
        } _: { site in
            let (alice, bob, conversation) = try await site.friends()
            let message: JSONValue = ["conversationId": .integer(conversation), "message": "hi", "replyId": -1]
            let outcomes = try await withThrowingTaskGroup(of: [String].self) { group in
                for _ in 0..<16 {
                    let person = alice.again
                    group.addTask {
                        var outcomes: [String] = []
                        for _ in 0..<50 {
                            outcomes.append(try await person.ask("PUT", "/message/send_message", message).outcome)
                        }
                        return outcomes
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            let accepted = outcomes.filter { $0 == "200 0 Succeed +message_id +reply_id" }.count
            #expect(accepted >= 200)
            #expect(outcomes.filter { $0 == "429 -5 Too many requests" }.count == 800 - accepted)
            #expect(accepted < 800)
            #expect(try await bob.ask("PUT", "/message/send_message", message).status == 200)
            #expect(try await alice.texts(of: conversation).count == accepted + 2)
        }
    }
}
