import Shared
import Synchronization

/// What services know about accounts and groups, by id: fetched in batches, forgotten when an event says it changed.
final class LookupCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    /// Asks the owner; ids nobody has are left out.
    typealias Fetch = @Sendable ([Key], CallContext) async throws(ServiceError) -> [Key: Value]

    private struct State {
        var values: [Key: Value] = [:]
        /// Counts the changes heard of: an answer asked for before one of its ids' may be older than that.
        var lastChange = 0
        var lastChangeOfAll = 0
        /// The last change of each id that changed while a fetch was under way.
        var changes: [Key: Int] = [:]
        var fetches = 0
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

    /// Values in memory.
    var count: Int { state.withLock { $0.values.count } }

    /// What is in memory; `nil` may just mean that it has not been asked for.
    func cached(_ key: Key) -> Value? { state.withLock { $0.values[key] } }

    /// The values of ids; ids nobody has are left out.
    func values(of keys: some Sequence<Key>, _ context: CallContext) async throws(ServiceError) -> [Key: Value] {
        let wanted = Set(keys)
        var found = state.withLock { state in
            var found: [Key: Value] = [:]
            for key in wanted { found[key] = state.values[key] }
            return found
        }
        var missing = wanted.filter { found[$0] == nil }[...]
        while !missing.isEmpty {
            found.merge(try await fetchAndKeep(Array(missing.prefix(batch)), context)) { _, new in new }
            missing = missing.dropFirst(batch)
        }
        return found
    }

    func forget(_ key: Key) {
        state.withLock { state in
            state.values[key] = nil
            state.lastChange += 1
            if state.fetches > 0 { state.changes[key] = state.lastChange }
        }
    }

    func forgetAll() {
        state.withLock { state in
            state.values = [:]
            state.lastChange += 1
            state.lastChangeOfAll = state.lastChange
        }
    }

    private func fetchAndKeep(_ keys: [Key], _ context: CallContext) async throws(ServiceError) -> [Key: Value] {
        let start = state.withLock { state in
            state.fetches += 1
            return state.lastChange
        }
        defer {
            state.withLock { state in
                state.fetches -= 1
                if state.fetches == 0 { state.changes = [:] }
            }
        }
        let fetched = try await fetch(keys, context)
        state.withLock { state in
            // Starting over is rare and costs one fetch per active id; an eviction order would cost every lookup.
            if state.values.count + fetched.count > maxCount { state.values = [:] }
            for (key, value) in fetched where max(state.lastChangeOfAll, state.changes[key] ?? 0) <= start {
                state.values[key] = value
            }
        }
        return fetched
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

/// What anybody may know of groups, by conversation, from social-svc; a private conversation is none. Its numbers of members
/// are as old as the entry.
typealias GroupCache = LookupCache<ConversationID, SocialAPI.GroupInfo>

extension LookupCache where Key == ConversationID, Value == SocialAPI.GroupInfo {
    convenience init(social: BusClient, maxCount: Int) {
        self.init(maxCount: maxCount, batch: 500) { conversations, context throws(ServiceError) in
            let reply = try await social.call(SocialAPI.Groups(conversations: conversations), context)
            return Dictionary(reply.groups.map { ($0.conversation, $0) }) { first, _ in first }
        }
    }
}
