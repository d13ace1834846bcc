import NIOCore

/// Following answers until it is known what became of them; see ``HTTPDeliveries``.
extension HTTPConnectionHandler {
    /// Pause before the kernel is asked for the first time whether an answer has arrived; doubles up to the last one.
    private static let firstLookPause = TimeAmount.milliseconds(10)
    private static let lastLookPause = TimeAmount.seconds(1)
    /// How long a connection whose client has ended its side behind an answer may still be reset: a client that ended its
    /// side, looked at nothing and then went does so within this time.
    private static let endGrace = TimeAmount.milliseconds(100)

    /// Takes note that the kernel has the whole of an answer.
    func noteWritten() {
        deliveries.noteWritten()
        look(again: Self.firstLookPause)
    }

    /// The client asks for something else: it has done with what its side has acknowledged.
    func settleBeforeRequest() {
        guard !deliveries.isEmpty, !hasLastAnswer else { return }
        let now = server.eventLoop.now
        lookWhatArrived(takenBy: now)
        deliveries.settle(now: now)
    }

    /// The client has ended its side: in order, if it has what was written.
    func settleBeforeEnd() {
        guard !deliveries.isEmpty else { return }
        lookWhatArrived(takenBy: server.eventLoop.now + Self.endGrace)
        look(again: Self.firstLookPause)
    }

    /// The server ends the connection: what has arrived has arrived.
    func settleAtClose() {
        guard !deliveries.isEmpty else { return }
        let now = server.eventLoop.now
        lookWhatArrived(takenBy: now)
        deliveries.settle(now: now)
    }

    /// Asks the kernel whether the client's side has everything.
    func lookWhatArrived(takenBy deadline: NIODeadline) {
        guard !deliveries.isEmpty, let context,
            ChannelSocket(context.channel, takesShortcut: false).unacknowledgedBytes == 0
        else { return }
        deliveries.noteAcknowledged(takenBy: deadline)
    }

    /// Looks now, and again until nothing is left to be known.
    private func look(again pause: TimeAmount) {
        let now = server.eventLoop.now
        if deliveries.awaitsAcknowledgement { lookWhatArrived(takenBy: now + server.configuration.deliveryGrace) }
        deliveries.settle(now: now)
        guard !deliveries.isEmpty else { return deliveriesSettled() }
        nextLook?.cancel()
        let next = deliveries.awaitsAcknowledgement ? now + pause : deliveries.nextTaken
        guard let next else { return }  // One is still being written.
        let this = NIOLoopBound(self, eventLoop: server.eventLoop)
        nextLook = server.eventLoop.scheduleTask(deadline: next) {
            this.value.look(again: min(pause + pause, Self.lastLookPause))
        }
    }
}
