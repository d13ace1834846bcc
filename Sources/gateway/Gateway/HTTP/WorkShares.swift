import NIOCore

/// Shares an event loop between those who use it, however many connections each of them has.
///
/// In a turn of a millisecond an owner may begin so many requests and send and be sent so many bytes; what is beyond waits
/// for its next turn, and so many of its requests may be under way at once. Nobody who keeps within that ever waits, and
/// whoever does not holds up the others for no longer than a turn's work takes. Confined to the event loop.
final class WorkShares {
    /// Who uses the loop.
    enum Owner: Sendable, Hashable {
        /// Somebody whose account is not known, by network.
        case network(String)
        case account(Int64)
    }

    static let turn = TimeAmount.milliseconds(1)
    /// Requests that an owner begins in a turn.
    static let requestsPerTurn = 8
    /// Requests of one account under way at once. Those of a network may be of many people.
    static let maxUnderWay = 64

    /// How long an owner without a connection is remembered.
    static let memory = TimeAmount.seconds(1)

    /// What work is counted in: a small frame is one.
    static let unitsPerRequest = 128
    /// For one that was sent before its predecessor was answered: it is decoded, whenever it may begin.
    static let unitsPerWaitingRequest = 32
    static let unitsPerTurn = requestsPerTurn * unitsPerRequest
    static let bytesPerUnit = 128

    let eventLoop: any EventLoop
    private var shares: [Owner: WorkShare] = [:]
    /// Those with somebody waiting, in order.
    private var waiting: [WorkShare] = []
    private var isTurnDue = false

    init(eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    /// Owners who have a connection, or had one a moment ago.
    var count: Int { shares.count }

    /// The share of an owner, for one of its connections. Every call is followed by one ``leave(_:)``.
    func join(_ owner: Owner) -> WorkShare {
        let share = shares[owner] ?? WorkShare(owner, self)
        shares[owner] = share
        share.connections += 1
        return share
    }

    /// An owner without a connection is forgotten after a while: to come back at once begins no new share.
    func leave(_ share: WorkShare) {
        share.connections -= 1
        guard share.connections == 0 else { return }
        let bound = NIOLoopBound((self, share), eventLoop: eventLoop)
        eventLoop.scheduleTask(in: Self.memory) {
            let (this, share) = bound.value
            if share.connections == 0, this.shares[share.owner] === share { this.shares[share.owner] = nil }
        }
    }

    /// Has what waits in a share go on in the next turn.
    func enqueue(_ share: WorkShare) {
        waiting.append(share)
        scheduleTurn()
    }

    private func scheduleTurn() {
        guard !isTurnDue else { return }
        isTurnDue = true
        let this = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.scheduleTask(in: Self.turn) { this.value.takeTurn() }
    }

    private func takeTurn() {
        let shares = waiting
        waiting = []
        for share in shares { share.goOn() }
        // Behind what was begun just now: the loop looks for what others have sent before the next turn begins.
        let this = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.execute {
            this.value.isTurnDue = false
            if !this.value.waiting.isEmpty { this.value.scheduleTurn() }
        }
    }
}
