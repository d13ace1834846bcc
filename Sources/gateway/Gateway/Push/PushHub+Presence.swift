import Logging
import NIOCore
import Shared

/// What social-svc has not been told about who is connected here.
struct PresenceLedger {
    /// Accounts of one report.
    static let maxReported = 500_000

    /// Whether social-svc has to be told everything; so it is at first, and when it has forgotten.
    var isCompleteWanted = true
    private var changes: [AccountID: Bool] = [:]

    var isEmpty: Bool { !isCompleteWanted && changes.isEmpty }

    mutating func note(_ account: AccountID, isOnline: Bool) { changes[account] = isOnline }

    /// Takes the next report out of the ledger.
    ///
    /// - Parameter everybody: who is connected now.
    mutating func take(everybody: some Collection<AccountID>, gateway: Int64) -> SocialAPI.ReportPresence {
        if isCompleteWanted {
            isCompleteWanted = false
            // Those beyond one report follow as changes.
            changes = Dictionary(uniqueKeysWithValues: everybody.dropFirst(Self.maxReported).map { ($0, true) })
            return SocialAPI.ReportPresence(
                gateway: gateway, isComplete: true, online: Array(everybody.prefix(Self.maxReported)), offline: [])
        }
        let taken = changes.prefix(Self.maxReported)
        changes = Dictionary(uniqueKeysWithValues: changes.dropFirst(Self.maxReported).map { ($0.key, $0.value) })
        return SocialAPI.ReportPresence(
            gateway: gateway, isComplete: false, online: taken.filter(\.value).map(\.key),
            offline: taken.filter { !$0.value }.map(\.key))
    }
}

extension PushHub {
    /// Pause between two reports when nothing has changed: well within social-svc's lease.
    private static let renewalInterval = TimeAmount.seconds(3)

    /// Notes that an account's first connection has come, or its last one gone.
    func note(_ account: AccountID, isOnline: Bool) {
        presence.note(account, isOnline: isOnline)
        wakePresence()
    }

    /// Tells social-svc who is connected here, whenever that changes, until the task is cancelled.
    func reportPresence() async {
        var pause = Self.firstRetry
        while !Task.isCancelled {
            let report = presence.take(everybody: accounts.keys, gateway: gateway)
            do throws(ServiceError) {
                let reply = try await backend.social.call(report, CallContext(trace: ""))
                if !reply.isKnown { presence.isCompleteWanted = true }
                pause = Self.firstRetry
                if presence.isEmpty, !Task.isCancelled { await changeOfPresence(within: Self.renewalInterval) }
            } catch {
                // Whether it arrived or not, the complete list makes it right.
                presence.isCompleteWanted = true
                logger.debug("social-svc does not hear of presence", metadata: ["reason": "\(error)"])
                // Ends early only with the hub.
                try? await Task.sleep(for: pause)
                pause = min(pause * 2, Self.lastRetry)
            }
        }
    }

    /// Says that nobody is connected here any more: this gateway stops.
    func withdrawPresence() async {
        let report = SocialAPI.ReportPresence(gateway: gateway, isComplete: true, online: [], offline: [])
        do throws(ServiceError) {
            _ = try await backend.social.call(report, CallContext(trace: "", deadline: .after(.milliseconds(500))))
        } catch {
            logger.debug("presence ends with the lease", metadata: ["reason": "\(error)"])
        }
    }

    /// Ends the wait of ``reportPresence()``.
    func wakePresence() {
        presenceWaiter.take()?.resume()
    }

    private func changeOfPresence(within limit: TimeAmount) async {
        let timer = eventLoop.scheduleTask(in: limit) { [self] in
            assumeIsolated { $0.wakePresence() }
        }
        await withCheckedContinuation { presenceWaiter = $0 }
        timer.cancel()
    }
}
