import NIOCore

/// What one owner has used of the loop, and what of its work waits.
final class WorkShare {
    let owner: WorkShares.Owner
    /// Connections that take their work from it.
    var connections = 0
    private let shares: WorkShares
    private let maxUnderWay: Int
    /// Units used since the turn began, and those of earlier turns that were too many.
    private var units = 0
    private var turnStart: NIODeadline
    private var underWay = 0
    private var waiting: CircularBuffer<() -> Void> = []
    private var isEnqueued = false

    /// One for each owner, made by ``WorkShares``.
    init(_ owner: WorkShares.Owner, _ shares: WorkShares) {
        self.owner = owner
        self.shares = shares
        turnStart = shares.eventLoop.now
        maxUnderWay = if case .account = owner { WorkShares.maxUnderWay } else { .max }
    }

    /// Begins a request now, or when its turn comes. Every one that has begun is followed by one ``end()``.
    func begin(_ request: @escaping () -> Void) {
        guard waiting.isEmpty, mayBegin(now: shares.eventLoop.now) else {
            return wait { [self] in
                underWay += 1
                request()
            }
        }
        count()
        request()
    }

    /// Counts a request that begins without waiting, as those may who ask ``mayBegin(now:)`` first. Every one is followed by
    /// one ``end()``.
    func count() {
        underWay += 1
        units += WorkShares.unitsPerRequest
    }

    /// Takes note that a request was answered.
    func end() {
        underWay -= 1
        enqueue()
    }

    /// Whether another request may begin.
    func mayBegin(now: NIODeadline) -> Bool { underWay < maxUnderWay && hasRoom(now: now) }

    /// Whether there is room in this turn for more.
    func hasRoom(now: NIODeadline) -> Bool {
        let time = now - turnStart
        if time >= WorkShares.turn {
            let turns = Int(clamping: time.nanoseconds / WorkShares.turn.nanoseconds)
            units -= min(units, min(turns, units) * WorkShares.unitsPerTurn)
            turnStart = now
        }
        return units < WorkShares.unitsPerTurn
    }

    /// Counts work that is done already; what is too much for this turn is taken from the next ones.
    func use(units: Int = 0, bytes: Int = 0) { self.units += units + bytes / WorkShares.bytesPerUnit }

    /// Calls `work`, which counts as a request's, when its turn has come.
    func wait(_ work: @escaping () -> Void) {
        waiting.append(work)
        enqueue()
    }

    /// Does what waits, as far as there is room.
    func goOn() {
        isEnqueued = false
        while !waiting.isEmpty, mayBegin(now: shares.eventLoop.now) {
            units += WorkShares.unitsPerRequest
            waiting.removeFirst()()
        }
        enqueue()
    }

    private func enqueue() {
        // With as many requests under way as may be, an answer makes it go on.
        guard !waiting.isEmpty, !isEnqueued, underWay < maxUnderWay else { return }
        isEnqueued = true
        shares.enqueue(self)
    }
}
