import Shared

/// How far accounts were served on their notice connections: what message-svc is being told, and what it will be told.
struct NoticePlaces {
    /// Accounts of one call.
    static let maxBatch = 1_000

    private var waiting: [AccountID: MessageID] = [:]
    private var underWay: [AccountID: MessageID] = [:]

    var isEmpty: Bool { waiting.isEmpty }

    /// Whether message-svc does not know an account's place yet.
    func isBeingTold(_ account: AccountID) -> Bool { waiting[account] != nil || underWay[account] != nil }

    mutating func note(_ message: MessageID, of account: AccountID) {
        waiting[account] = max(message, waiting[account] ?? message)
    }

    /// What to tell next; `nil` when there is nothing.
    mutating func takeBatch() -> [MessageAPI.NoticePlace]? {
        guard !waiting.isEmpty else { return nil }
        underWay = Dictionary(uniqueKeysWithValues: waiting.prefix(Self.maxBatch).map { ($0.key, $0.value) })
        for account in underWay.keys { waiting[account] = nil }
        return underWay.map { MessageAPI.NoticePlace(account: $0.key, message: $0.value) }
    }

    /// Message-svc knows what was taken.
    mutating func finishBatch() { underWay = [:] }

    /// Message-svc may not know what was taken: it will be told again.
    mutating func returnBatch() {
        for (account, message) in underWay { note(message, of: account) }
        underWay = [:]
    }
}
