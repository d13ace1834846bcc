import Shared
import Synchronization

/// Profiles by account, fetched in batches and forgotten when auth-svc says that they changed.
final class ProfileCache: Sendable {
    /// Accounts of one fetch (the limit of `AuthAPI.Profiles`).
    private static let batch = 500

    private struct State {
        var profiles: [AccountID: Profile] = [:]
        /// Grows with every change heard of: what was fetched before it may be stale and is not kept.
        var changes = 0
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
        var (found, changes) = state.withLock { state in
            (state.profiles.filter(wanted), state.changes)
        }
        var missing = Array(wanted.filter { found[$0] == nil })
        while !missing.isEmpty {
            let batch = Array(missing.prefix(Self.batch))
            missing.removeFirst(batch.count)
            let reply = try await auth.call(AuthAPI.Profiles(accounts: batch), context)
            for profile in reply.profiles { found[profile.account] = profile }
            changes = keep(reply.profiles, ifUnchangedSince: changes)
        }
        return found
    }

    func forget(_ account: AccountID) {
        state.withLock { state in
            state.profiles[account] = nil
            state.changes += 1
        }
    }

    func forgetAll() {
        state.withLock { state in
            state.profiles = [:]
            state.changes += 1
        }
    }

    private func keep(_ profiles: [Profile], ifUnchangedSince changes: Int) -> Int {
        state.withLock { state in
            guard state.changes == changes else { return state.changes }
            // Starting over is rare and costs one fetch per active account; an eviction order would cost every lookup.
            if state.profiles.count + profiles.count > maxCount { state.profiles = [:] }
            for profile in profiles { state.profiles[profile.account] = profile }
            return changes
        }
    }
}

extension [AccountID: Profile] {
    fileprivate func filter(_ wanted: Set<AccountID>) -> Self {
        var found: Self = [:]
        for account in wanted { found[account] = self[account] }
        return found
    }
}
