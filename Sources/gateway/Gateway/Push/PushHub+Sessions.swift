import NIOCore
import Shared

/// A connection that pushes nothing: how it ends with its session.
struct GuestConnection {
    let id: UInt64
    let socket: WebSocketConnection
    let session: SessionID
    let sessionOver: WebSocketEnd
    let expiry: Scheduled<Void>
}

extension PushHub {
    /// Connections without pushes of one account.
    static let maxGuestsPerAccount = 64

    /// Keeps a connection that pushes nothing while its session is live and its token good, and then closes it. One more
    /// than ``maxGuestsPerAccount`` is closed at once, to be tried again later. Takes the connection's `onClose`.
    ///
    /// Must be called on the event loop.
    nonisolated func admit(_ socket: WebSocketConnection, _ session: Session, sessionOver: WebSocketEnd) {
        assumeIsolated { hub in
            socket.belongs(to: session.account.rawValue)
            // The session may have ended between the handshake and now.
            guard !hub.gate.isRevoked(session.id) else {
                return socket.close(sessionOver)
            }
            guard hub.guests[session.account, default: []].count < Self.maxGuestsPerAccount else {
                return socket.close(code: .tryAgainLater, reason: "too many connections")
            }
            hub.lastConnection += 1
            let lifetime = Duration.seconds(hub.gate.secondsLeft(of: session))
            let guest = GuestConnection(
                id: hub.lastConnection, socket: socket, session: session.id, sessionOver: sessionOver,
                expiry: hub.close(socket, sessionOver, after: lifetime))
            hub.guests[session.account, default: []].append(guest)
            socket.onClose = { [self, id = guest.id] _ in assumeIsolated { $0.forgetGuest(id, of: session.account) } }
        }
    }

    private func forgetGuest(_ id: UInt64, of account: AccountID) {
        guests[account]?.removeAll { guest in
            guard guest.id == id else { return false }
            guest.expiry.cancel()
            return true
        }
        if guests[account]?.isEmpty == true { guests[account] = nil }
    }

    /// Closes the connections of a session that is over. Idempotent.
    func close(_ session: SessionID, of account: AccountID) {
        for connection in accounts[account]?.connections ?? [] where connection.session.id == session {
            connection.socket.close(connection.dialect.sessionOver)
        }
        for guest in guests[account] ?? [] where guest.session == session { guest.socket.close(guest.sessionOver) }
    }

    /// Closes the connections of sessions whose end was heard of otherwise than by an event. Those that have outlived
    /// their token have to come back with another: revocations are listed only as long as there are tokens to refuse.
    func closeRevokedSessions() {
        var sessions: [SessionID: AccountID] = [:]
        for (id, account) in accounts {
            for connection in account.connections {
                sessions[connection.session.id] = id
                guard gate.secondsLeft(of: connection.session) == 0, !gate.isRevoked(connection.session.id) else {
                    continue
                }
                connection.socket.close(code: .serviceRestart, reason: "resume with since")
            }
        }
        for (account, guests) in guests {
            for guest in guests { sessions[guest.session] = account }
        }
        for (session, account) in sessions where gate.isRevoked(session) { close(session, of: account) }
    }

    /// Closes one connection when its time is up; others of its session may have more.
    func close(_ socket: WebSocketConnection, _ end: WebSocketEnd, after lifetime: Duration) -> Scheduled<Void> {
        eventLoop.scheduleTask(in: TimeAmount(lifetime)) { socket.close(end) }
    }
}
