import Shared
import Synchronization

/// What services know about accounts and groups, by id: fetched in batches, forgotten when an event says it changed.
final class LookupCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    /// Asks the owner; ids nobody has are left out.
    typealias Fetch = @Sendable ([Key], CallContext) async throws(ServiceError) -> [Key: Value]

    private struct State {
        var values: [Key: Value] = [:]
        /// Grows with every change heard of: what was fetched before it may be stale and is not kept.
        var changes = 0
    }

    private let maxCount: Int
    private let batch: Int
    private let fetch: Fetch
    private let state = Mutex(State())

    /// - Parameters:
    ///   - maxCount: values kept.
    ///   - batch: ids of one fetch.
    init(maxCount: Int, batch: Int, fetch: @escaping Fetch) {
        self.maxCount = maxCount
        self.batch = batch
        self.fetch = fetch
    }

    /// What is in memory; `nil` may just mean that it has not been asked for.
    func cached(_ key: Key) -> Value? { state.withLock { $0.values[key] } }

    /// The values of ids; ids nobody has are left out.
    func values(of keys: some Sequence<Key>, _ context: CallContext) async throws(ServiceError) -> [Key: Value] {
        let wanted = Set(keys)
        var (found, changes) = state.withLock { state in
            var found: [Key: Value] = [:]
            for key in wanted { found[key] = state.values[key] }
            return (found, state.changes)
        }
        var missing = wanted.filter { found[$0] == nil }[...]
        while !missing.isEmpty {
            let fetched = try await fetch(Array(missing.prefix(batch)), context)
            missing = missing.dropFirst(batch)
            found.merge(fetched) { _, new in new }
            changes = keep(fetched, ifUnchangedSince: changes)
        }
        return found
    }

    func forget(_ key: Key) {
        state.withLock { state in
            state.values[key] = nil
            state.changes += 1
        }
    }

    func forgetAll() {
        state.withLock { state in
            state.values = [:]
            state.changes += 1
        }
    }

    private func keep(_ fetched: [Key: Value], ifUnchangedSince changes: Int) -> Int {
        state.withLock { state in
            guard state.changes == changes else { return state.changes }
            // Starting over is rare and costs one fetch per active id; an eviction order would cost every lookup.
            if state.values.count + fetched.count > maxCount { state.values = [:] }
            state.values.merge(fetched) { _, new in new }
            return changes
        }
    }
}

/// Profiles by account, from auth-svc.
typealias ProfileCache = LookupCache<AccountID, Profile>

extension LookupCache where Key == AccountID, Value == Profile {
    convenience init(auth: BusClient, maxCount: Int) {
        self.init(maxCount: maxCount, batch: 500) { accounts, context throws(ServiceError) in
            let reply = try await auth.call(AuthAPI.Profiles(accounts: accounts), context)
            return Dictionary(reply.profiles.map { ($0.account, $0) }) { first, _ in first }
        }
    }
}

/// Names of groups by conversation, from social-svc; a private conversation has none.
typealias GroupNameCache = LookupCache<ConversationID, String>

extension LookupCache where Key == ConversationID, Value == String {
    convenience init(social: BusClient, maxCount: Int) {
        self.init(maxCount: maxCount, batch: 500) { conversations, context throws(ServiceError) in
            let reply = try await social.call(SocialAPI.GroupNames(conversations: conversations), context)
            return Dictionary(reply.groups.map { ($0.conversation, $0.name) }) { first, _ in first }
        }
    }
}
