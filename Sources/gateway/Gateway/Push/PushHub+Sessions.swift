import NIOCore
import Shared

/// A connection that pushes nothing: how it ends with its session.
struct GuestConnection {
    let id: UInt64
    let socket: WebSocketConnection
    let account: AccountID
    let sessionOver: WebSocketEnd
    let expiry: Scheduled<Void>
}

extension PushHub {
    /// Connections without pushes of one session.
    static let maxGuestsPerSession = 64

    /// Keeps a connection that pushes nothing while its session is live and its token good, and then closes it. One more
    /// than ``maxGuestsPerSession`` is closed at once, to be tried again later. Takes the connection's `onClose`.
    ///
    /// Must be called on the event loop.
    nonisolated func admit(_ socket: WebSocketConnection, _ session: Session, sessionOver: WebSocketEnd) {
        assumeIsolated { hub in
            // The session may have ended between the handshake and now.
            guard !hub.gate.isRevoked(session.id) else {
                return socket.close(sessionOver)
            }
            guard hub.guests[session.id, default: []].count < Self.maxGuestsPerSession else {
                return socket.close(code: .tryAgainLater, reason: "too many connections")
            }
            hub.lastConnection += 1
            let lifetime = Duration.seconds(max(0, session.expiresAt - WallClock.seconds))
            let guest = GuestConnection(
                id: hub.lastConnection, socket: socket, account: session.account, sessionOver: sessionOver,
                expiry: hub.close(socket, sessionOver, after: lifetime))
            hub.guests[session.id, default: []].append(guest)
            socket.onClose = { [self, id = guest.id] _ in assumeIsolated { $0.forgetGuest(id, of: session.id) } }
        }
    }

    private func forgetGuest(_ id: UInt64, of session: SessionID) {
        guests[session]?.removeAll { guest in
            guard guest.id == id else { return false }
            guest.expiry.cancel()
            return true
        }
        if guests[session]?.isEmpty == true { guests[session] = nil }
    }

    /// Closes the connections of a session that is over. Idempotent.
    func close(_ session: SessionID, of account: AccountID) {
        for connection in accounts[account]?.connections ?? [] where connection.session.id == session {
            connection.socket.close(connection.dialect.sessionOver)
        }
        for guest in guests[session] ?? [] {
            guest.socket.close(guest.sessionOver)
        }
    }

    /// Closes the connections of sessions whose end was heard of otherwise than by an event. Those that have outlived
    /// their token have to come back with another: revocations are listed only as long as there are tokens to refuse.
    func closeRevokedSessions() {
        let now = WallClock.seconds
        var sessions: [SessionID: AccountID] = [:]
        for (id, account) in accounts {
            for connection in account.connections {
                sessions[connection.session.id] = id
                guard connection.session.expiresAt <= now, !gate.isRevoked(connection.session.id) else { continue }
                connection.socket.close(code: .serviceRestart, reason: "resume with since")
            }
        }
        for (session, connections) in guests { sessions[session] = connections.first?.account }
        for (session, account) in sessions where gate.isRevoked(session) { close(session, of: account) }
    }

    /// Closes one connection when its time is up; others of its session may have more.
    func close(_ socket: WebSocketConnection, _ end: WebSocketEnd, after lifetime: Duration) -> Scheduled<Void> {
        eventLoop.scheduleTask(in: TimeAmount(lifetime)) { socket.close(end) }
    }
}
