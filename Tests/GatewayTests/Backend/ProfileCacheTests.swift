import Shared
import Synchronization
import TestSupport
import Testing

@testable import Gateway

@Suite struct ProfileCacheTests {
    /// auth-svc with names that a test can change, and whose answers it can hold up.
    private final class Names: Sendable {
        struct State {
            var names: [Int64: String] = [:]
            var requests: [[Int64]] = []
        }
        let state = Mutex(State())
        let gate: @Sendable () async -> Void

        init(_ names: [Int64: String], gate: @escaping @Sendable () async -> Void = {}) {
            state.withLock { $0.names = names }
            self.gate = gate
        }

        var requests: [[Int64]] { state.withLock { $0.requests } }

        var routes: BusRoutes {
            var routes = BusRoutes()
            routes.on(AuthAPI.Profiles.self, from: [.gateway]) { [self] request, _ throws(ServiceError) in
                let ids = request.accounts.map(\.rawValue)
                let profiles = state.withLock { state in
                    state.requests.append(ids)
                    return ids.compactMap { id in state.names[id].map { Profile.test(id, $0) } }
                }
                await gate()
                return AuthAPI.Profiles.Reply(profiles: profiles)
            }
            return routes
        }
    }

    private func accounts(_ ids: Int64...) -> [AccountID] { ids.map { AccountID($0) } }

    @Test func `a profile is fetched once and unknown ids are left out`() async throws {
        let names = Names([1: "Alice", 2: "Bob"])
        try await withStub(of: .auth, names.routes) { client in
            let cache = ProfileCache(auth: client, maxCount: 100)
            #expect(cache.cached(AccountID(1)) == nil)
            let found = try await cache.values(of: accounts(1, 2, 3, 1), .test())
            #expect(found.mapValues(\.userName) == [AccountID(1): "Alice", AccountID(2): "Bob"])
            #expect(try await cache.values(of: accounts(2, 1), .test()).count == 2)
            #expect(cache.cached(AccountID(2))?.userName == "Bob")
            #expect(names.requests.map { $0.sorted() } == [[1, 2, 3]])
            #expect(try await cache.values(of: [], .test()).isEmpty)
        }
    }

    @Test func `more than a batch is fetched in batches`() async throws {
        let ids = Array(1...1_200 as ClosedRange<Int64>)
        let names = Names(Dictionary(uniqueKeysWithValues: ids.map { ($0, "User\($0)") }))
        try await withStub(of: .auth, names.routes) { client async throws in
            let cache = ProfileCache(auth: client, maxCount: 10_000)
            #expect(try await cache.values(of: ids.map { AccountID($0) }, .test()).count == 1_200)
            #expect(names.requests.map(\.count) == [500, 500, 200])
        }
    }

    @Test func `what changed is forgotten`() async throws {
        let names = Names([1: "Old", 2: "Bob"])
        try await withStub(of: .auth, names.routes) { client in
            let cache = ProfileCache(auth: client, maxCount: 100)
            _ = try await cache.values(of: accounts(1, 2), .test())
            names.state.withLock { $0.names[1] = "New" }
            cache.forget(AccountID(1))
            #expect(cache.cached(AccountID(1)) == nil)
            #expect(cache.cached(AccountID(2)) != nil)
            #expect(try await cache.values(of: accounts(1), .test())[AccountID(1)]?.userName == "New")
            cache.forgetAll()
            #expect(cache.cached(AccountID(2)) == nil)
        }
    }

    @Test func `an answer that a change has overtaken is not kept`() async throws {
        let (asked, answer) = (Signal<Void>(), Signal<Void>())
        let names = Names([1: "Old"]) {
            asked.set(())
            await answer.value
        }
        try await withStub(of: .auth, names.routes) { client in
            let cache = ProfileCache(auth: client, maxCount: 100)
            async let fetched = cache.values(of: accounts(1), .test())
            await asked.value
            cache.forget(AccountID(1))
            answer.set(())
            _ = try await fetched
            #expect(cache.cached(AccountID(1)) == nil)
            names.state.withLock { $0.names[1] = "New" }
            #expect(try await cache.values(of: accounts(1), .test())[AccountID(1)]?.userName == "New")
            #expect(cache.cached(AccountID(1))?.userName == "New")
        }
    }

    @Test func `a change of somebody else does not void an answer`() async throws {
        let (asked, answer) = (Signal<Void>(), Signal<Void>())
        let names = Names([1: "Alice"]) {
            asked.set(())
            await answer.value
        }
        try await withStub(of: .auth, names.routes) { client in
            let cache = ProfileCache(auth: client, maxCount: 100)
            async let fetched = cache.values(of: accounts(1), .test())
            await asked.value
            cache.forget(AccountID(2))
            answer.set(())
            _ = try await fetched
            #expect(cache.cached(AccountID(1))?.userName == "Alice")
        }
    }

    @Test func `the cache keeps to its size`() async throws {
        let ids = Array(1...30 as ClosedRange<Int64>)
        let names = Names(Dictionary(uniqueKeysWithValues: ids.map { ($0, "User\($0)") }))
        try await withStub(of: .auth, names.routes) { client in
            let cache = ProfileCache(auth: client, maxCount: 10)
            for id in ids { _ = try await cache.values(of: accounts(id), .test()) }
            #expect(ids.filter { cache.cached(AccountID($0)) != nil }.count <= 10)
            #expect(cache.cached(AccountID(30)) != nil)
        }
    }
}
