import NIOCore
import NIOEmbedded
import NIOHTTP1
import Synchronization
import TestSupport
import Testing

@testable import Gateway

/// Who waits when somebody asks too much of the event loop.
@Suite struct WorkSharesTests {
    /// Shares on a loop whose time is in the hands of the test.
    private final class Fixture {
        let loop = EmbeddedEventLoop()
        let shares: WorkShares
        private(set) var begun: [String] = []

        init() { shares = WorkShares(eventLoop: loop) }

        func begin(_ count: Int, _ name: String, in share: WorkShare, ends: Bool = true) {
            for _ in 0..<count {
                share.begin { [unowned self] in
                    begun.append(name)
                    if ends { share.end() }
                }
            }
        }

        func count(_ name: String) -> Int { begun.count { $0 == name } }

        func nextTurn() { loop.advanceTime(by: WorkShares.turn) }
    }

    private let perTurn = WorkShares.requestsPerTurn

    @Test func `who keeps within a turn never waits`() {
        let fixture = Fixture()
        let share = fixture.shares.join(.account(1))
        for turn in 1...20 {
            fixture.begin(perTurn, "a", in: share)
            #expect(fixture.count("a") == turn * perTurn)
            fixture.nextTurn()
        }
    }

    @Test func `what is too much for a turn waits for the next ones, and others do not wait for it`() {
        let fixture = Fixture()
        let (greedy, quiet) = (fixture.shares.join(.account(1)), fixture.shares.join(.account(2)))
        fixture.begin(10 * perTurn, "greedy", in: greedy)
        #expect(fixture.count("greedy") == perTurn)
        for turn in 2...10 {
            fixture.begin(1, "quiet", in: quiet)
            #expect(fixture.begun.last == "quiet")
            fixture.nextTurn()
            #expect(fixture.count("greedy") == turn * perTurn)
        }
        fixture.nextTurn()
        fixture.begin(1, "greedy", in: greedy)
        #expect(fixture.count("greedy") == 10 * perTurn + 1)
    }

    @Test func `what comes later waits behind what waits`() {
        let fixture = Fixture()
        let share = fixture.shares.join(.account(1))
        fixture.begin(perTurn + 1, "first", in: share)
        fixture.begin(1, "second", in: share)
        fixture.nextTurn()
        #expect(fixture.begun.suffix(2) == ["first", "second"])
    }

    @Test func `all connections of an account have one share, and those of a network`() {
        let fixture = Fixture()
        for owner in [WorkShares.Owner.account(1), .network("192.0.2.1")] {
            let shares = (1...10).map { _ in fixture.shares.join(owner) }
            for share in shares { fixture.begin(perTurn, "\(owner)", in: share) }
            #expect(fixture.count("\(owner)") == perTurn)
            for _ in 1...10 { fixture.nextTurn() }
            for share in shares { fixture.shares.leave(share) }
        }
        fixture.loop.advanceTime(by: WorkShares.memory)
        #expect(fixture.shares.count == 0)
    }

    @Test func `who goes and comes back has no new share`() {
        let fixture = Fixture()
        for _ in 1...5 {
            let share = fixture.shares.join(.network("192.0.2.1"))
            fixture.begin(perTurn, "a", in: share)
            fixture.shares.leave(share)
        }
        #expect(fixture.count("a") == perTurn)
        fixture.nextTurn()
        #expect(fixture.count("a") == 2 * perTurn)
    }

    @Test func `an account has so many requests under way, and an answer lets the next one begin`() {
        let fixture = Fixture()
        let share = fixture.shares.join(.account(1))
        fixture.begin(WorkShares.maxUnderWay + 5, "a", in: share, ends: false)
        for _ in 1...10 { fixture.nextTurn() }
        #expect(fixture.count("a") == WorkShares.maxUnderWay)
        for answered in 1...5 {
            share.end()
            fixture.nextTurn()
            #expect(fixture.count("a") == WorkShares.maxUnderWay + answered)
        }
        // A network may be many people's, whose requests may take long.
        let network = fixture.shares.join(.network("192.0.2.1"))
        fixture.begin(3 * WorkShares.maxUnderWay, "n", in: network, ends: false)
        for _ in 1...30 { fixture.nextTurn() }
        #expect(fixture.count("n") == 3 * WorkShares.maxUnderWay)
    }

    @Test func `what is done already is paid for in later turns`() {
        let fixture = Fixture()
        let share = fixture.shares.join(.account(1))
        share.use(bytes: 4 * WorkShares.unitsPerTurn * WorkShares.bytesPerUnit)
        fixture.begin(1, "a", in: share)
        for _ in 1...3 { fixture.nextTurn() }
        #expect(fixture.count("a") == 0)
        fixture.nextTurn()
        #expect(fixture.count("a") == 1)
    }

    // MARK: On connections

    @Test func `a flood of one account over many connections does not keep another from its answer`() async throws {
        let answered = Atomic(0)
        let application = TestApplication(
            respond: { request in
                if request.path == "/flood" { answered.add(1, ordering: .relaxed) }
                return HTTPResponse(status: .ok)
            }, account: { $0.headers.first(name: "Authorization").flatMap { Int64($0) } })

        try await withEdge(application) { port, _ in
            let request = "GET /flood HTTP/1.1\r\nHost: a\r\nAuthorization: 1\r\n\r\n"
            let flood = (1...10).map { _ in HTTPClient(port: port) }
            for client in flood { try await client.send(raw: String(repeating: request, count: 500)) }
            let quiet = HTTPClient(port: port)
            for _ in 1...3 {
                #expect(try await quiet.request("GET", "/", headers: ["Authorization": "2"]).status == 200)
            }
            #expect(answered.load(ordering: .relaxed) < 5_000)
            for client in flood {
                for _ in 1...500 { #expect(try await client.response().status == 200) }
            }
        }
    }

    @Test func `a large body is taken piece by piece, and all of it`() async throws {
        try await withEdge(TestApplication(account: { _ in 1 })) { port, _ in
            let clients = (1...4).map { _ in HTTPClient(port: port) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for client in clients {
                    group.addTask {
                        let body = [UInt8](repeating: 0x61, count: 2_000_000)
                        let response = try await client.request("POST", "/", body: body)
                        #expect(try response.body.json["bodyBytes"] == 2_000_000)
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test func `refused requests on sockets do not hold up others, and are all answered`() async throws {
        try await withGateway { site in
            let users = try await site.socketFriends("Alice", "Bob")
            var flood: [WebSocketClient] = []
            for _ in 1...4 { flood.append(try await users[0].open("/ws/chat/send_msg")) }
            let quiet = try await users[1].open("/ws/chat/send_msg")
            let frames = (1...2_000).flatMap { _ in WebSocketClient.encode(opcode: 1, payload: Array("{}".utf8)) }
            for socket in flood { try await socket.send(raw: frames) }
            try await quiet.sendText(#"{"toUserId":"\#(users[0].id)","msg":"x"}"#)
            #expect(try await quiet.nextPush()["data"]["messageId"].string != nil)
            for socket in flood {
                for _ in 1...2_000 { #expect(try await socket.nextPush()["code"] == "9997") }
            }
        }
    }
}
