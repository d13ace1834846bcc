import NIOCore
import Shared

/// An event that means more frames than may leave at once, as far as it has not been told.
///
/// It goes account by account, so that a connection that hears much of it is written to once.
struct FanOut {
    let number: Int64
    private let pushes: [(dialect: Dialect, push: Push, accounts: Set<AccountID>?)]
    /// Each is encoded for the first one it concerns.
    private var frames: [PushFrame?]
    /// Those it has not come to.
    private var rest: ArraySlice<AccountID>

    init(_ pushes: [(dialect: Dialect, push: Push)], to accounts: Set<AccountID>, number: Int64) {
        self.number = number
        self.pushes = pushes.map { dialect, push in
            guard case .accounts(let accounts) = push.audience else { return (dialect, push, nil) }
            return (dialect, push, Set(accounts))
        }
        frames = Array(repeating: nil, count: pushes.count)
        rest = Array(accounts)[...]
    }

    /// - Returns: `nil` when everybody was told.
    fileprivate mutating func nextAccount() -> AccountID? { rest.popFirst() }

    /// What it says to an account in a dialect.
    ///
    /// - Parameter members: those who take part in a conversation.
    fileprivate mutating func frames(
        for account: AccountID, in dialect: Dialect, members: [ConversationID: Set<AccountID>]
    ) -> [WebSocketFrameBytes] {
        pushes.indices.compactMap { index in
            let (spoken, push, accounts) = pushes[index]
            guard spoken == dialect else { return nil }
            switch push.audience {
            case .accounts: guard accounts?.contains(account) == true else { return nil }
            case .members(let conversation, let besides):
                guard members[conversation]?.contains(account) == true, !besides.contains(account) else { return nil }
            }
            let frame = frames[index] ?? push.frame()
            frames[index] = frame
            return frame.bytes(for: account)
        }
    }
}

extension PushHub {
    /// Frames that changes of conversations may mean in one tick; of more, the rest leaves in later ones, so that one call
    /// that admits hundreds to a group does not hold up everybody. Messages do not count: each is one frame for each of
    /// its readers, whom it must not cost more.
    static let maxFramesPerTick = 5_000
    /// Pause after them, in which the event loop turns to its sockets.
    private static let breath = TimeAmount.milliseconds(1)

    /// Says what dialects say about a change of a conversation, which may be very many frames.
    ///
    /// - Returns: what could not leave in this tick.
    func pushChange(_ event: BackendEvent, number: Int64, _ names: PushNames) -> FanOut? {
        var names = names
        names.keep(event.subjects)
        let pushes = dialects.flatMap { spoken in
            spoken.dialect.pushes(about: event, names).map { (dialect: spoken.dialect.name, push: $0) }
        }
        if mayLeaveNow(pushes.reduce(0) { $0 + reach(of: $1.push.audience).count }) {
            for (dialect, push) in pushes { send(push, in: dialect, number: number) }
            return nil
        }
        let concerned = event.audience.reduce(into: Set<AccountID>()) { $0.formUnion(reach(of: $1)) }
        return FanOut(pushes, to: concerned, number: number)
    }

    /// Those connected here whom something concerns, as often as it does.
    private func reach(of audience: Audience) -> any Collection<AccountID> {
        switch audience {
        case .accounts(let candidates): candidates.filter { accounts[$0] != nil }
        case .members(let conversation, _): members[conversation] ?? []
        }
    }

    /// Takes frames out of what may leave in this tick.
    ///
    /// - Returns: `false` when there are fewer left.
    private func mayLeaveNow(_ frames: Int) -> Bool {
        guard frames <= framesLeft else { return false }
        take(frames)
        return true
    }

    private func take(_ frames: Int) {
        guard frames > 0 else { return }
        if framesLeft == Self.maxFramesPerTick {
            eventLoop.scheduleTask(in: Self.breath) { [self] in
                assumeIsolated { $0.framesLeft = Self.maxFramesPerTick }
            }
        }
        framesLeft -= frames
    }

    /// Goes on with what a service's lane holds of an event, a while from now.
    func goOnLater(_ service: ServiceName) {
        eventLoop.scheduleTask(in: Self.breath) { [self] in assumeIsolated { $0.goOn(service) } }
    }

    private func goOn(_ service: ServiceName) {
        guard var fanOut = lanes[service]?.fanOut else { return }
        // Nothing else holds it meanwhile: it is not copied.
        lanes[service]?.fanOut = nil
        while framesLeft > 0 {
            guard let account = fanOut.nextAccount() else {
                lanes[service]?.isWaiting = false
                return workOff(service)
            }
            take(send(&fanOut, to: account))
        }
        lanes[service]?.fanOut = fanOut
        goOnLater(service)
    }

    /// - Returns: the frames sent.
    private func send(_ fanOut: inout FanOut, to account: AccountID) -> Int {
        var count = 0
        for connection in accounts[account]?.connections ?? [] {
            guard let position = connection.position, position < fanOut.number else { continue }
            for frame in fanOut.frames(for: account, in: connection.dialectName, members: members) {
                if connection.socket.send(frame) { note(connection, servedUpTo: lastMessage) }
                count += 1
            }
        }
        return count
    }
}
