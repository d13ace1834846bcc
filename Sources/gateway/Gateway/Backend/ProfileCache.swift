import Shared
import Synchronization

/// Profiles by account, fetched in batches and forgotten when auth-svc says that they changed.
final class ProfileCache: Sendable {
    /// Accounts of one fetch (the limit of `AuthAPI.Profiles`).
    private static let batch = 500

    private struct State {
        var profiles: [AccountID: Profile] = [:]
        /// Counts the changes heard of: an answer asked for before one of its account's may be older than that.
        var lastChange = 0
        var lastChangeOfAll = 0
        /// The last change of each account that changed while a fetch was under way.
        var changes: [AccountID: Int] = [:]
        var fetches = 0
    }

    private let auth: BusClient
    private let maxCount: Int
    private let state = Mutex(State())

    init(auth: BusClient, maxCount: Int) {
        self.auth = auth
        self.maxCount = maxCount
    }

    /// What is in memory; `nil` may just mean that it has not been asked for.
    func cached(_ account: AccountID) -> Profile? { state.withLock { $0.profiles[account] } }

    /// The profiles of accounts; ids nobody has are left out.
    func profiles(
        of accounts: some Sequence<AccountID>, _ context: CallContext
    ) async throws(ServiceError) -> [AccountID: Profile] {
        let wanted = Set(accounts)
        var found = state.withLock { $0.profiles.filter(wanted) }
        var missing = Array(wanted.filter { found[$0] == nil })
        while !missing.isEmpty {
            let batch = Array(missing.prefix(Self.batch))
            missing.removeFirst(batch.count)
            for profile in try await fetch(batch, context) { found[profile.account] = profile }
        }
        return found
    }

    func forget(_ account: AccountID) {
        state.withLock { state in
            state.profiles[account] = nil
            state.lastChange += 1
            if state.fetches > 0 { state.changes[account] = state.lastChange }
        }
    }

    func forgetAll() {
        state.withLock { state in
            state.profiles = [:]
            state.lastChange += 1
            state.lastChangeOfAll = state.lastChange
        }
    }

    private func fetch(_ batch: [AccountID], _ context: CallContext) async throws(ServiceError) -> [Profile] {
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
        let profiles = try await auth.call(AuthAPI.Profiles(accounts: batch), context).profiles
        state.withLock { state in
            // Starting over is rare and costs one fetch per active account; an eviction order would cost every lookup.
            if state.profiles.count + profiles.count > maxCount { state.profiles = [:] }
            for profile in profiles where max(state.lastChangeOfAll, state.changes[profile.account] ?? 0) <= start {
                state.profiles[profile.account] = profile
            }
        }
        return profiles
    }
}

extension [AccountID: Profile] {
    fileprivate func filter(_ wanted: Set<AccountID>) -> Self {
        var found: Self = [:]
        for account in wanted { found[account] = self[account] }
        return found
    }
}
