import Shared

/// Lets one hand-over per account be open at a time, so that two pulls at once do not hand out the same messages.
///
/// A hand-over that is never settled (its gateway died) gives way after ``leaseTime``.
actor HandOverDesk {
    static let leaseTime = Duration.seconds(10)
    /// Pulls of one account that may wait; one more is refused.
    static let maxWaiting = 32

    private struct Desk {
        var lease: Int
        var waiting: [CheckedContinuation<Int, Never>] = []
    }

    private var desks: [AccountID: Desk] = [:]
    private var lastLease = 0

    /// Opens a hand-over, after those that came first. Every success is followed by one ``close(_:of:)``.
    func open(for account: AccountID) async throws(ServiceError) -> Int {
        guard let waiting = desks[account]?.waiting.count else {
            let lease = nextLease()
            desks[account] = Desk(lease: lease)
            expire(lease, of: account)
            return lease
        }
        guard waiting < Self.maxWaiting else { throw ServiceError(.unavailable) }
        return await withCheckedContinuation { desks[account]?.waiting.append($0) }
    }

    /// Ends a hand-over and lets the next one begin. Idempotent: a lease that is over already is ignored.
    func close(_ lease: Int, of account: AccountID) {
        guard desks[account]?.lease == lease else { return }
        passOn(account)
    }

    /// Ends whichever hand-over of the account is open.
    func close(of account: AccountID) {
        if desks[account] != nil { passOn(account) }
    }

    private func passOn(_ account: AccountID) {
        guard var desk = desks[account], !desk.waiting.isEmpty else {
            desks[account] = nil
            return
        }
        desk.lease = nextLease()
        let next = desk.waiting.removeFirst()
        desks[account] = desk
        expire(desk.lease, of: account)
        next.resume(returning: desk.lease)
    }

    private func nextLease() -> Int {
        lastLease += 1
        return lastLease
    }

    private func expire(_ lease: Int, of account: AccountID) {
        Task {
            // Nothing cancels this task.
            try? await Task.sleep(for: Self.leaseTime)
            close(lease, of: account)
        }
    }
}
