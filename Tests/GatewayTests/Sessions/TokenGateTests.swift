import Shared
import SharedCrypto
import Synchronization
import TestSupport
import Testing

@testable import Gateway

@Suite struct TokenGateTests {
    private func withGate(
        _ auth: StubAuth, isSynchronized: Bool = true, _ body: (TokenGate) async throws -> Void
    ) async throws {
        try await withStub(of: .auth, auth.routes()) { client in
            let gate = TokenGate(auth: client, logger: .silent)
            if isSynchronized { await gate.synchronize() }
            try await body(gate)
        }
    }

    @Test func `nothing can be judged before keys and revocations are known`() async throws {
        let auth = try StubAuth()
        try await withGate(auth, isSynchronized: false) { gate async throws in
            let token = try auth.token()
            #expect(!gate.isReady)
            #expect(await gate.judge(token, .test()) == .unavailable)
            await gate.synchronize()
            #expect(gate.isReady)
            guard case .live(let session) = await gate.judge(token, .test()) else {
                Issue.record("not live")
                return
            }
            #expect(session.account.rawValue == 1)
            #expect(session.id.rawValue == 1)
        }
    }

    @Test func `a token is live, over or invalid`() async throws {
        let auth = try StubAuth()
        auth.revoke(2)
        try await withGate(auth) { gate async throws in
            for _ in 1...2 {
                #expect(try await gate.judge(auth.token(session: 1), .test()).name == "live")
                #expect(try await gate.judge(auth.token(session: 2), .test()).name == "over")
                #expect(try await gate.judge(auth.token(session: 3, lifetime: 0), .test()).name == "over")
                #expect(try await gate.judge(auth.token(session: 2, lifetime: 0), .test()).name == "over")
                #expect(await gate.judge("", .test()).name == "invalid")
                #expect(await gate.judge("a.b.c", .test()).name == "invalid")
            }
        }
    }

    @Test func `a revocation ends what was live, whether the token was seen before or not`() async throws {
        let auth = try StubAuth()
        try await withGate(auth) { gate in
            let (seen, unseen) = (try auth.token(session: 1), try auth.token(session: 1, lifetime: 2_000))
            #expect(await gate.judge(seen, .test()).name == "live")
            gate.revoke(SessionID(1), expiresAt: WallClock.seconds + 1_000)
            gate.revoke(SessionID(1), expiresAt: WallClock.seconds + 1_000)
            #expect(gate.isRevoked(SessionID(1)))
            #expect(await gate.judge(seen, .test()).name == "over")
            #expect(await gate.judge(unseen, .test()).name == "over")
            // What an event said stays although the list that is read afterwards does not know it.
            await gate.synchronize()
            #expect(await gate.judge(seen, .test()).name == "over")
        }
    }

    @Test func `a revocation heard of before the first list counts`() async throws {
        let auth = try StubAuth()
        try await withGate(auth, isSynchronized: false) { gate async throws in
            gate.revoke(SessionID(1), expiresAt: WallClock.seconds + 1_000)
            #expect(gate.isRevoked(SessionID(1)))
            #expect(!gate.isReady)
            await gate.synchronize()
            #expect(try await gate.judge(auth.token(session: 1), .test()).name == "over")
            #expect(try await gate.judge(auth.token(session: 2), .test()).name == "live")
        }
    }

    @Test func `a revocation told with two expiries is kept until the later one`() async throws {
        try await withGate(try StubAuth()) { gate in
            let now = WallClock.seconds
            for expiry in [now + 1_000, now - 1] { gate.revoke(SessionID(1), expiresAt: expiry) }
            for expiry in [now - 1, now + 1_000] { gate.revoke(SessionID(2), expiresAt: expiry) }
            // So many that expired ones are looked for.
            for session in 3...4_096 { gate.revoke(SessionID(Int64(session)), expiresAt: now - 1) }
            #expect(gate.isRevoked(SessionID(1)) && gate.isRevoked(SessionID(2)))
            #expect(!gate.isRevoked(SessionID(3)))
        }
    }

    @Test func `a token that expires while it is remembered is over`() async throws {
        let auth = try StubAuth()
        try await withGate(auth) { gate in
            let token = try auth.token(lifetime: 1)
            #expect(await gate.judge(token, .test()).name == "live")
            try await eventually("it has expired") { await gate.judge(token, .test()).name != "live" }
            #expect(await gate.judge(token, .test()).name == "over")
        }
    }

    @Test func `tokens are judged by the time auth-svc tells, whatever the wall clock shows`() async throws {
        let auth = try StubAuth()
        let ahead = Mutex<Int64>(0)
        var routes = BusRoutes()
        routes.on(AuthAPI.SigningKeys.self, from: [.gateway]) { _, _ throws(ServiceError) in Self.keys(auth) }
        routes.on(AuthAPI.RevokedSessions.self, from: [.gateway]) { _, _ throws(ServiceError) in
            AuthAPI.RevokedSessions.Reply(
                revocations: [], position: 0, hasMore: false,
                now: WallClock.milliseconds + 1_000 * ahead.withLock { $0 })
        }
        routes.on(AuthAPI.NoteSeen.self, from: [.gateway]) { _, _ throws(ServiceError) in
            AuthAPI.NoteSeen.Reply(now: WallClock.milliseconds + 1_000 * ahead.withLock { $0 })
        }
        try await withStub(of: .auth, routes) { client async throws in
            let gate = TokenGate(auth: client, logger: .silent)
            let token = try auth.token(session: 1, lifetime: 86_400)
            // Set back by an hour, the wall clock shows less than the clock that made a token, and more after the return.
            for hours in [1, -1] as [Int64] {
                ahead.withLock { $0 = hours * 3_600 }
                await gate.synchronize()
                #expect(await gate.judge(token, .test()).name == "live")
                #expect(
                    try await gate.judge(auth.token(session: 2, lifetime: 1_800), .test()).name
                        == (hours > 0 ? "over" : "live"))
            }
            ahead.withLock { $0 = 2 * 86_400 }
            await gate.reportSeen()
            #expect(await gate.judge(token, .test()).name == "over")
        }
    }

    @Test func `auth-svc is told which sessions were used, and what it missed with the next report`() async throws {
        let auth = try StubAuth()
        let heard = Mutex<[[Int64]]>([])
        let isAway = Mutex(true)
        let routes = auth.routes {
            $0.on(AuthAPI.NoteSeen.self, from: [.gateway]) { request, _ throws(ServiceError) in
                if isAway.withLock({ $0 }) { throw ServiceError(.unavailable) }
                heard.withLock { $0.append(request.sessions.map(\.rawValue)) }
                return AuthAPI.NoteSeen.Reply(now: WallClock.milliseconds)
            }
        }
        auth.revoke(3)
        try await withStub(of: .auth, routes) { client async throws in
            let gate = TokenGate(auth: client, logger: .silent)
            await gate.synchronize()
            // Seen first, seen again, revoked, expired, nobody's.
            for session in [1, 1, 3] { _ = try await gate.judge(auth.token(session: Int64(session)), .test()) }
            _ = try await gate.judge(auth.token(session: 4, lifetime: 0), .test())
            _ = await gate.judge("a.b.c", .test())
            await gate.reportSeen()
            isAway.withLock { $0 = false }
            for session in 2_000..<3_500 { _ = try await gate.judge(auth.token(session: Int64(session)), .test()) }
            await gate.reportSeen()
            await gate.reportSeen()
        }
        let reports = heard.withLock { $0 }
        // The last one only asks for the time.
        #expect(reports.map(\.count) == [1_000, 501, 0])
        #expect(Set(reports.joined()) == Set([1] + (2_000..<3_500)))
    }

    @Test func `an unknown key is asked for, and not with every token`() async throws {
        let (auth, other) = (try StubAuth(), try StubAuth())
        let keys = Mutex([auth.key.publicKey])
        let fetches = Mutex(0)
        var routes = BusRoutes()
        routes.on(AuthAPI.SigningKeys.self, from: [.gateway]) { _, _ throws(ServiceError) in
            fetches.withLock { $0 += 1 }
            return AuthAPI.SigningKeys.Reply(
                keys: keys.withLock { $0 }.map { .init(id: $0.keyID, publicKey: Blob($0.rawBytes)) })
        }
        routes.on(AuthAPI.RevokedSessions.self, from: [.gateway]) { _, _ throws(ServiceError) in
            AuthAPI.RevokedSessions.Reply(
                revocations: [], position: 0, hasMore: false, now: WallClock.milliseconds)
        }
        try await withStub(of: .auth, routes) { client in
            let gate = TokenGate(auth: client, logger: .silent)
            await gate.synchronize()
            let before = fetches.withLock { $0 }
            let start = MonotonicTime.now
            for _ in 1...50 { #expect(try await gate.judge(other.token(), .test()).name == "invalid") }
            // One at once, and one more for each second that may have passed meanwhile.
            let seconds = (MonotonicTime.now.nanoseconds - start.nanoseconds) / 1_000_000_000
            #expect(fetches.withLock { $0 } - before <= 1 + Int(seconds))

            keys.withLock { $0.append(other.key.publicKey) }
            try await eventually("the new key is known") {
                try await gate.judge(other.token(), .test()).name != "invalid"
            }
            #expect(try await gate.judge(other.token(), .test()).name == "live")
            #expect(try await gate.judge(auth.token(), .test()).name == "live")
        }
    }

    @Test func `while a key is being asked for nobody's token is taken for invalid`() async throws {
        let (auth, other) = (try StubAuth(), try StubAuth())
        let isNew = Mutex(false)
        let held = Signal<Responder<AuthAPI.SigningKeys.Reply>>()
        var routes = BusRoutes()
        routes.onBusThread(AuthAPI.SigningKeys.self, from: [.gateway]) { _, _, respond in
            if isNew.withLock({ $0 }) { return held.set(respond) }
            respond(.success(Self.keys(auth)))
        }
        routes.on(AuthAPI.RevokedSessions.self, from: [.gateway]) { _, _ throws(ServiceError) in
            AuthAPI.RevokedSessions.Reply(
                revocations: [], position: 0, hasMore: false, now: WallClock.milliseconds)
        }
        try await withStub(of: .auth, routes) { client in
            let gate = TokenGate(auth: client, logger: .silent)
            await gate.synchronize()
            isNew.withLock { $0 = true }
            let token = try other.token()
            let (begun, begin) = AsyncStream.makeStream(of: Void.self)
            let verdicts = await withTaskGroup(of: String.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        begin.yield()
                        return await gate.judge(token, .test()).name
                    }
                }
                let respond = await held.value
                var starts = begun.makeAsyncIterator()
                for _ in 0..<8 { await starts.next() }
                respond(.success(Self.keys(auth, other)))
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(verdicts == [String](repeating: "live", count: 8))
        }
    }

    private static func keys(_ owners: StubAuth...) -> AuthAPI.SigningKeys.Reply {
        AuthAPI.SigningKeys.Reply(
            keys: owners.map { .init(id: $0.key.publicKey.keyID, publicKey: Blob($0.key.publicKey.rawBytes)) })
    }

    @Test func `revocations are read to the last page`() async throws {
        let auth = try StubAuth()
        let pages: [Int64: [Int64]] = [0: [1, 2], 2: [4, 5], 5: [7]]
        var routes = BusRoutes()
        routes.on(AuthAPI.SigningKeys.self, from: [.gateway]) { _, _ throws(ServiceError) in Self.keys(auth) }
        routes.on(AuthAPI.RevokedSessions.self, from: [.gateway]) { request, _ throws(ServiceError) in
            let page = pages[request.after?.rawValue ?? 0] ?? []
            let revocations = page.map {
                StubAuth.Revocation(session: SessionID($0), expiresAt: WallClock.seconds + 1_000)
            }
            return AuthAPI.RevokedSessions.Reply(
                revocations: revocations, position: 0, hasMore: page != [7], now: WallClock.milliseconds)
        }
        try await withStub(of: .auth, routes) { client async throws in
            let gate = TokenGate(auth: client, logger: .silent)
            await gate.synchronize()
            #expect((1...8).filter { gate.isRevoked(SessionID($0)) } == [1, 2, 4, 5, 7])
        }
    }

    @Test func `an unknown key is no verdict while auth-svc is away`() async throws {
        let (auth, other) = (try StubAuth(), try StubAuth())
        let isAway = Mutex(false)
        let routes = auth.routes()
        var failing = BusRoutes()
        failing.on(AuthAPI.SigningKeys.self, from: [.gateway]) { _, _ throws(ServiceError) in
            if isAway.withLock({ $0 }) { throw ServiceError(.unavailable) }
            return AuthAPI.SigningKeys.Reply(
                keys: [.init(id: auth.key.publicKey.keyID, publicKey: Blob(auth.key.publicKey.rawBytes))])
        }
        failing.on(AuthAPI.RevokedSessions.self, from: [.gateway]) { _, _ throws(ServiceError) in
            AuthAPI.RevokedSessions.Reply(
                revocations: [], position: 0, hasMore: false, now: WallClock.milliseconds)
        }
        #expect(routes.names.count == failing.names.count)
        try await withStub(of: .auth, failing) { client async throws in
            let gate = TokenGate(auth: client, logger: .silent)
            await gate.synchronize()
            isAway.withLock { $0 = true }
            for _ in 1...3 { #expect(try await gate.judge(other.token(), .test()) == .unavailable) }
            #expect(try await gate.judge(auth.token(), .test()).name == "live")
        }
    }
}

extension TokenGate.Verdict {
    fileprivate var name: String {
        switch self {
        case .live: "live"
        case .over: "over"
        case .invalid: "invalid"
        case .unavailable: "unavailable"
        }
    }
}
