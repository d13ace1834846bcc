import Shared

/// How often accounts may ask: so many times in the minute that begins with the first of them. No clock of its own.
///
/// Kept in memory, because a restart that forgives a minute is no harm, and bounded, because accounts are many.
struct RequestRate {
    private struct Window {
        var end: MonotonicTime
        var count: Int
    }

    static let window = Duration.seconds(60)
    /// Accounts counted at a time.
    static let maxAccounts = 65_536

    let perMinute: Int
    private let maxAccounts: Int
    private var windows: [AccountID: Window] = [:]

    init(perMinute: Int, maxAccounts: Int = RequestRate.maxAccounts) {
        self.perMinute = perMinute
        self.maxAccounts = maxAccounts
    }

    /// Accounts counted now.
    var accountCount: Int { windows.count }

    /// Counts one more request of an account.
    ///
    /// - Throws: ``ServiceError/Code/rateLimited`` with the seconds until the account may ask again.
    mutating func admit(_ account: AccountID, now: MonotonicTime) throws(ServiceError) {
        if var window = windows[account], window.end > now {
            guard window.count < perMinute else {
                let seconds = (window.end.nanoseconds - now.nanoseconds + 999_999_999) / 1_000_000_000
                throw ServiceError(.rateLimited, detail: "\(seconds)")
            }
            window.count += 1
            windows[account] = window
        } else {
            if windows.count >= maxAccounts { makeRoom(now: now) }
            windows[account] = Window(end: now + Self.window, count: 1)
        }
    }

    private mutating func makeRoom(now: MonotonicTime) {
        windows = windows.filter { $0.value.end > now }
        // With half the table still live the next sweep would come too soon to pay; so many askers at once are a crowd,
        // not one account in a hurry, and forgetting errs in their favour.
        if windows.count > maxAccounts / 2 { windows = [:] }
    }
}
