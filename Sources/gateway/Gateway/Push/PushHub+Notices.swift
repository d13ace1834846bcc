import Logging
import Shared

extension PushHub {
    /// Pause between two looks at what message-svc has not been told yet.
    private static let confirmInterval = Duration.seconds(1)

    /// How long and how often is looked whether a client acknowledges what it was sent last: longer than an
    /// acknowledgement may be delayed (RFC 9293, section 3.8.6.3: 0.5 s; on Linux 0.2 s).
    private static let settlingStep = Duration.milliseconds(10)
    private static let settlingSteps = 25

    /// Longest pause between two looks whether a client's side has the handshake.
    private static let longestArrivalStep = Duration.seconds(1)

    // MARK: - One connection per account

    /// Time social-svc has to give a claim before the connection is opened without one.
    private static let claimTimeout = Duration.seconds(1)

    /// Asks for the rank of a connection that is about to open. Before its client sees the handshake, so that of two
    /// connections opened one after the other, wherever that be, the later one has the greater claim. Nobody is displaced
    /// by it before the connection is open.
    ///
    /// - Returns: `nil` when social-svc could not be asked; an open connection without a claim asks again.
    func claimNotices(of account: AccountID, _ context: CallContext) async -> Int64? {
        do throws(ServiceError) {
            let context = CallContext(trace: context.trace, deadline: min(context.deadline, .after(Self.claimTimeout)))
            return try await backend.social.call(SocialAPI.ClaimNotices(account: account), context).claim
        } catch {
            logger.debug("a notice connection opens without a claim", metadata: ["reason": "\(error)"])
            return nil
        }
    }

    /// Puts a new connection in the place of the account's older ones of its dialect, unless another one's claim is known
    /// to be greater. Returns when nothing an older one was given can be given to this one again.
    ///
    /// The older ones stay until the new one's client has the handshake: one that has given up meanwhile, or has lost its
    /// network, takes nobody's place.
    func succeed(as connection: PushConnection) async {
        await arrival(of: connection)
        guard connection.socket.isOpen else { return }
        connection.hasArrived = true
        enforceClaim(of: connection)
        await predecessors(of: connection)
    }

    /// Returns when a client's side has the handshake, or never will.
    private func arrival(of connection: PushConnection) async {
        var pause = Self.settlingStep
        while connection.socket.isOpen, !connection.socket.isEstablished {
            // Ends early only with the process.
            try? await Task.sleep(for: pause)
            pause = min(pause * 2, Self.longestArrivalStep)
        }
    }

    /// Here the connection that was opened last stays, and has the greatest claim of those it displaces: so every gateway
    /// keeps the same one.
    private func enforceClaim(of connection: PushConnection) {
        let older = rivals(of: connection)
        if let claim = connection.claim {
            let greatest = older.compactMap(\.claim).reduce(claim, max)
            connection.claim = greatest
            enforce(greatest, of: connection)
            guard connection.socket.isOpen else { return }
        }
        for other in older { displace(other) }
        announceClaim(of: connection)
    }

    /// Has the other gateways told of a connection's claim; asks for one first when it has none.
    private func announceClaim(of connection: PushConnection) {
        let account = connection.session.account
        Task {
            await retrying(while: { connection.socket.isOpen }) { () async throws(ServiceError) in
                if connection.claim == nil {
                    let request = SocialAPI.ClaimNotices(account: account)
                    let claim = try await backend.social.call(request, CallContext(trace: "")).claim
                    guard connection.socket.isOpen else { return true }
                    connection.claim = claim
                    enforce(claim, of: connection)
                }
                guard connection.socket.isOpen, let claim = connection.claim else { return true }
                let request = SocialAPI.EnforceClaim(account: account, claim: claim)
                _ = try await backend.social.call(request, CallContext(trace: ""))
                return true
            }
        }
    }

    private func enforce(_ claim: Int64, of connection: PushConnection) {
        let account = connection.session.account
        if max(accounts[account]?.claim ?? 0, claims[account]) > claim {
            displace(connection)
        } else {
            accounts[account]?.claim = claim
        }
    }

    /// Takes note of a claim and closes the exclusive connections of its account whose claims are older.
    func take(_ claim: SocialAPI.NoticesClaimed) {
        claims.note(claim)
        guard let known = accounts[claim.account]?.claim, known < claim.claim else { return }
        accounts[claim.account]?.claim = claim.claim
        for connection in accounts[claim.account]?.connections ?? [] {
            if let own = connection.claim, own < claim.claim { displace(connection) }
        }
    }

    private func displace(_ connection: PushConnection) {
        guard let exclusivity = connection.dialect.exclusivity, connection.socket.isOpen else { return }
        connection.socket.send(exclusivity.farewell(connection.session.account))
        connection.socket.close(code: exclusivity.closeCode, reason: "another connection")
    }

    /// The older connections of the same account and dialect.
    private func rivals(of connection: PushConnection) -> [PushConnection] {
        (accounts[connection.session.account]?.connections ?? []).filter { other in
            other.id < connection.id && other.dialectName == connection.dialectName
        }
    }

    // MARK: - How far it was served

    /// Returns when nothing an older connection was given can be given to this one again.
    private func predecessors(of connection: PushConnection) async {
        let account = connection.session.account
        // Displaced ones leave in one of the next ticks.
        while connection.socket.isOpen, !rivals(of: connection).isEmpty { await Task.yield() }
        await settling[account]?.task.value
        if places.isBeingTold(account) { await telling?.value }
    }

    /// Notes that a connection was given everything up to a message.
    func note(_ connection: PushConnection, servedUpTo message: MessageID) {
        guard connection.isExclusive, message > connection.served.message else { return }
        connection.served = PushConnection.Place(message: message, bytes: connection.socket.queuedBytes)
        if !connection.awaitsConfirmation {
            connection.awaitsConfirmation = true
            unconfirmed.append(connection)
        }
    }

    /// Tells message-svc how far exclusive connections were served, until the task is cancelled.
    func confirmNoticesRegularly() async {
        while !Task.isCancelled {
            // Ends early only with the hub.
            try? await Task.sleep(for: Self.confirmInterval)
            let waiting = unconfirmed
            unconfirmed = []
            for connection in waiting where connection.socket.isOpen {
                confirmNotices(of: connection)
                connection.awaitsConfirmation = connection.served.message > connection.confirmed
                if connection.awaitsConfirmation { unconfirmed.append(connection) }
            }
            tellPlaces()
        }
    }

    /// Notes how far an account was served, as far as that has reached its client's side; the rest comes once more on the
    /// next connection.
    func confirmNotices(of connection: PushConnection) {
        let delivered = connection.delivered
        if delivered >= connection.mark.message { connection.mark = connection.served }
        guard delivered > connection.confirmed else { return }
        connection.confirmed = delivered
        places.note(delivered, of: connection.session.account)
    }

    /// Notes how far a connection that has ended was served. One that the gateway itself has closed gets a moment, in
    /// which a client that is there acknowledges what it was sent last.
    func settle(_ connection: PushConnection) {
        guard connection.served.message > connection.confirmed else { return }
        let account = connection.session.account
        let previous = settling[account]?.task
        let task = Task {
            await previous?.value
            var steps = Self.settlingSteps
            while steps > 0, connection.delivered < connection.served.message, !connection.socket.isDeliveryFinal {
                steps -= 1
                // Ends early only with the process.
                try? await Task.sleep(for: Self.settlingStep)
            }
            confirmNotices(of: connection)
            tellPlaces()
            if settling[account]?.connection == connection.id { settling[account] = nil }
        }
        settling[account] = (connection.id, task)
    }

    /// Tells message-svc what is noted, many accounts at a time and one call at a time.
    func tellPlaces() {
        guard telling == nil, !places.isEmpty else { return }
        telling = Task {
            while let batch = places.takeBatch() {
                do throws(ServiceError) {
                    _ = try await backend.message.call(
                        MessageAPI.ConfirmNotices(places: batch), CallContext(trace: ""))
                    places.finishBatch()
                } catch {
                    logger.debug("message-svc does not hear of notices", metadata: ["reason": "\(error)"])
                    places.returnBatch()
                    break
                }
            }
            telling = nil
        }
    }
}
