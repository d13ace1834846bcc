import Shared

/// How long what is known of presence lasts.
package struct PresenceTiming: Sendable, Hashable {
    /// Time after which a gateway that says nothing has nobody online. As long as this after its own start social-svc
    /// waits for all of them before it tells what has changed meanwhile.
    package var lease = Duration.seconds(10)
    /// Time for a return that nobody hears of, such as the reload of a page.
    package var grace = Duration.seconds(3)

    /// The defaults.
    package init() {}
}

/// Who has push connections at which gateway, and what friends have been told of it. No clock of its own, no I/O.
///
/// Who is online is kept in memory: a restart learns it anew from the gateways. What friends have to be told is the
/// difference between who is online and whom they were told to be, so that an announcement that fails is simply due
/// again, and so is one that a restart came before.
///
/// | online | told | |
/// |---|---|---|
/// | ✓ | – | has arrived: due at once |
/// | – | ✓ | is leaving: due after the grace, unless he returns |
///
/// After a start behind which there was somebody online nothing is due for the time of a lease: by then every gateway
/// that lives has said whom it has, those who have to be told as well.
struct Presence {
    /// What friends have to be told of an account.
    struct Change: Sendable, Hashable {
        var account: AccountID
        var isOnline: Bool
    }

    private struct Gateway {
        var leaseEnd: MonotonicTime
        var accounts: Set<AccountID> = []
    }

    /// Gateways known at a time; one that is started again has another number until the lease of the old one ends.
    static let maxGateways = 256

    private let timing: PresenceTiming
    /// Until when gateways are waited for that knew us before our start; `nil` when that is over.
    private var learningEnd: MonotonicTime?
    private var gateways: [Int64: Gateway] = [:]
    /// Those whose friends were told that they are online.
    private var told: Set<AccountID>
    private var arrived: Set<AccountID> = []
    /// When those who are leaving will be gone.
    private var leaving: [AccountID: MonotonicTime]

    /// Nobody is online yet.
    ///
    /// - Parameter told: those of whom friends heard last, before `start`, that they are online.
    init(_ timing: PresenceTiming, start: MonotonicTime, told: Set<AccountID>) {
        self.timing = timing
        self.told = told
        let learningEnd = start + timing.lease
        self.learningEnd = told.isEmpty ? nil : learningEnd
        leaving = Dictionary(uniqueKeysWithValues: told.map { ($0, learningEnd) })
    }

    /// When something may become due that is not due yet; `nil` when nothing will.
    var nextMoment: MonotonicTime? {
        if let learningEnd { return learningEnd }
        return [gateways.values.lazy.map(\.leaseEnd).min(), leaving.values.min()].compactMap { $0 }.min()
    }

    /// Those of some accounts who have a push connection.
    func online(among accounts: [AccountID], now: MonotonicTime) -> [AccountID] {
        let alive = gateways.values.filter { $0.leaseEnd > now }
        return accounts.filter { account in alive.contains { $0.accounts.contains(account) } }
    }

    /// Takes note of what a gateway says of its connections and renews its lease.
    ///
    /// - Returns: `false`, and nothing has changed, when changes come from a gateway that is not known.
    /// - Throws: ``ServiceError/Code/limitReached`` when there are too many gateways.
    mutating func take(_ report: SocialAPI.ReportPresence, now: MonotonicTime) throws(ServiceError) -> Bool {
        endLeases(now: now)
        let changed: Set<AccountID>
        if report.isComplete {
            guard gateways[report.gateway] != nil || gateways.count < Self.maxGateways else {
                throw ServiceError(.limitReached, detail: "\(Self.maxGateways)")
            }
            let online = Set(report.online)
            changed = online.symmetricDifference(gateways[report.gateway]?.accounts ?? [])
            gateways[report.gateway] = Gateway(leaseEnd: now + timing.lease, accounts: online)
        } else {
            guard gateways[report.gateway] != nil else { return false }
            changed = Set(report.offline + report.online)
            // In place: a gateway may have very many accounts and changes of one.
            gateways[report.gateway]?.leaseEnd = now + timing.lease
            gateways[report.gateway]?.accounts.subtract(report.offline)
            gateways[report.gateway]?.accounts.formUnion(report.online)
        }
        for account in changed { settle(account, at: now) }
        return true
    }

    /// What friends have to be told now, at most so much at a time; due again until it is noted as told.
    mutating func due(atMost limit: Int, now: MonotonicTime) -> [Change] {
        endLeases(now: now)
        guard learningEnd == nil else { return [] }
        let gone = leaving.lazy.filter { $0.value <= now }.prefix(limit).map(\.key)
        let come = arrived.prefix(limit - gone.count)
        return gone.sorted().map { Change(account: $0, isOnline: false) }
            + come.sorted().map { Change(account: $0, isOnline: true) }
    }

    /// Takes note of what friends have been told, whatever has happened since it was due.
    mutating func noteTold(_ changes: [Change], now: MonotonicTime) {
        for change in changes {
            if change.isOnline {
                told.insert(change.account)
                arrived.remove(change.account)
            } else {
                told.remove(change.account)
                leaving[change.account] = nil
            }
            settle(change.account, at: now)
        }
    }

    /// Takes gateways that have said nothing for the time of their lease as gone since its end.
    private mutating func endLeases(now: MonotonicTime) {
        if let end = learningEnd, now >= end { learningEnd = nil }
        let ended = gateways.filter { $0.value.leaseEnd <= now }.sorted { $0.value.leaseEnd < $1.value.leaseEnd }
        for (number, gateway) in ended {
            gateways[number] = nil
            for account in gateway.accounts { settle(account, at: gateway.leaseEnd) }
        }
    }

    /// Puts an account where its state belongs.
    private mutating func settle(_ account: AccountID, at moment: MonotonicTime) {
        let isOnline = gateways.values.contains { $0.accounts.contains(account) }
        switch (isOnline, told.contains(account)) {
        case (true, true): leaving[account] = nil
        case (true, false): arrived.insert(account)
        case (false, true): leaving[account] = leaving[account] ?? moment + timing.grace
        case (false, false): arrived.remove(account)
        }
    }
}
