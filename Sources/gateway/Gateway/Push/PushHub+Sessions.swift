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

    /// Keeps a connection that pushes nothing for as long as its session is live, and then closes it. One more than
    /// ``maxGuestsPerSession`` is closed at once, to be tried again later. Takes the connection's `onClose`.
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
            let guest = GuestConnection(
                id: hub.lastConnection, socket: socket, account: session.account, sessionOver: sessionOver,
                expiry: hub.closeAtExpiry(of: session))
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

    /// Closes the connections of sessions whose end was heard of otherwise than by an event.
    func closeRevokedSessions() {
        var sessions: [SessionID: AccountID] = [:]
        for (id, account) in accounts {
            for connection in account.connections { sessions[connection.session.id] = id }
        }
        for (session, connections) in guests { sessions[session] = connections.first?.account }
        for (session, account) in sessions where gate.isRevoked(session) { close(session, of: account) }
    }

    /// Closes the connections of a session when its token expires.
    func closeAtExpiry(of session: Session) -> Scheduled<Void> {
        let secondsLeft = session.expiresAt - WallClock.seconds
        return eventLoop.scheduleTask(in: .seconds(max(0, secondsLeft))) { [self] in
            assumeIsolated { $0.close(session.id, of: session.account) }
        }
    }
}
