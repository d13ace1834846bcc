import Logging
import NIOCore
import Shared

/// The events of one service that are not worked off yet.
struct Lane {
    var events: [(number: Int64, event: BackendEvent)] = []
    /// What is left of the event before them.
    var fanOut: FanOut?
    /// Whether the first one waits for a name, or all of them for what is left of the one before.
    var isWaiting = false
}

extension PushHub {
    /// How long pushes are held up for a name: longer than a restart of the service that knows it takes.
    private static let maxNameWait = Duration.seconds(3)
    /// Events of one service that may wait for a name; beyond it they go without.
    private static let maxWaitingEvents = 10_000
    /// Events whose names are asked for together.
    private static let maxEventsOfOneFetch = 500

    /// Takes what a subscription says; from the bus thread, in order.
    nonisolated func receive(_ change: Subscription, from service: ServiceName) {
        eventLoop.execute { [self] in
            assumeIsolated { hub in
                switch change {
                case .events(let events): hub.enqueue(events, from: service)
                case .startAfresh(let position): hub.startAfresh(service, at: position)
                }
            }
        }
    }

    private func enqueue(_ events: [NumberedEvent], from service: ServiceName) {
        let names = PushNames(profiles: profiles, groups: groups)
        for numbered in events {
            let event = decode(numbered, from: service)
            if lanes[service] == nil, !shouldWait(event, names) {
                guard let rest = apply(event, number: numbered.number, from: service) else { continue }
                lanes[service] = Lane(fanOut: rest, isWaiting: true)
                goOnLater(service)
            } else {
                lanes[service, default: Lane()].events.append((numbered.number, event))
            }
        }
        workOff(service)
    }

    /// An event that cannot be read still has its number, which the others count on.
    private func decode(_ event: NumberedEvent, from service: ServiceName) -> BackendEvent {
        do throws(WireError) {
            return try BackendEvent(event)
        } catch {
            logger.error(
                "an event could not be read",
                metadata: ["from": "\(service)", "kind": "\(event.kind)", "reason": "\(error)"])
            return .other
        }
    }

    /// Everything heard from a service is void: its state is read anew, and connections that lived on it start over.
    private func startAfresh(_ service: ServiceName, at position: Int64) {
        lanes[service]?.events = []
        switch service {
        case .auth:
            profiles.forgetAll()
            synchronization?.cancel()
            synchronization = Task {
                await gate.synchronize()
                closeRevokedSessions()
            }
        case .message:
            recent.restart(at: position)
            groups.forgetAll()
            for connection in accounts.values.flatMap(\.connections) {
                connection.socket.close(code: .serviceRestart, reason: "resume with since")
            }
        case .social:
            groups.forgetAll()
            presence.isCompleteWanted = true
            wakePresence()
        case .gateway:
            break
        }
    }

    func workOff(_ service: ServiceName) {
        guard var lane = lanes[service], !lane.isWaiting else { return }
        let names = PushNames(profiles: profiles, groups: groups)
        var done = 0
        for (number, event) in lane.events {
            if lane.events.count - done < Self.maxWaitingEvents, shouldWait(event, names) {
                lane.isWaiting = true
                let behind = lane.events.dropFirst(done).prefix(Self.maxEventsOfOneFetch).map(\.event)
                Task {
                    var names = names
                    await fetch(names.missing(for: behind.map(\.subjects)), into: &names)
                    resume(service, with: number)
                }
                break
            }
            done += 1
            guard let rest = apply(event, number: number, from: service) else { continue }
            lane.fanOut = rest
            lane.isWaiting = true
            goOnLater(service)
            break
        }
        lane.events.removeFirst(done)
        lanes[service] = lane.isWaiting ? lane : nil
    }

    /// Whether a dialect spoken here shows a name with an event that is not in memory and worth waiting for.
    private func shouldWait(_ event: BackendEvent, _ names: PushNames) -> Bool {
        dialects.contains { names.lacksSome(of: $0.dialect.subjects(of: event)) } && namesAwaited.hasPassed
            && concernsSomebody(event)
    }

    /// The first event has waited for its name: it goes now, with or without it.
    private func resume(_ service: ServiceName, with number: Int64) {
        guard var lane = lanes[service] else { return }
        lane.isWaiting = false
        // The lane may have been emptied meanwhile, and then what is first has not waited.
        let first = lane.events.first?.number == number ? lane.events.removeFirst() : nil
        if let first, let rest = apply(first.event, number: first.number, from: service) {
            lane.fanOut = rest
            lane.isWaiting = true
            goOnLater(service)
        }
        lanes[service] = lane
        workOff(service)
    }

    /// - Returns: what could not leave in this tick; whatever is behind it has to wait.
    private func apply(_ event: BackendEvent, number: Int64, from service: ServiceName) -> FanOut? {
        if service == .message { recent.append(event, number: number) }
        switch event {
        case .messageSent(let message): lastMessage = message.id
        case .conversationChanged(let change): follow(change)
        case .noticesClaimed(let claim): take(claim)
        case .sessionRevoked(let revocation):
            gate.revoke(revocation.session, expiresAt: revocation.expiresAt)
            close(revocation.session, of: revocation.account)
        case .profileChanged(let change): profiles.forget(change.account)
        default: break
        }
        let rest = push(event, number: service == .message ? number : nil)
        if case .conversationChanged(let change) = event, case .roleChanged(let role) = change.reason,
            role.role == .owner
        {
            groups.forget(change.conversation)
        }
        return rest
    }

    private func follow(_ change: MessageAPI.ConversationChanged) {
        for account in change.joined where accounts[account]?.conversations != nil {
            accounts[account]?.conversations?.insert(change.conversation)
            join(change.conversation, account)
        }
        for account in change.left where accounts[account]?.conversations != nil {
            accounts[account]?.conversations?.remove(change.conversation)
            leave(change.conversation, account)
        }
    }

    // MARK: - Fan-out

    private func concernsSomebody(_ event: BackendEvent) -> Bool {
        event.audience.contains { audience in
            switch audience {
            case .accounts(let candidates): candidates.contains { accounts[$0] != nil }
            case .members(let conversation, _): members[conversation] != nil
            }
        }
    }

    /// - Parameter number: for message-svc's events, which starting connections find among the recent ones.
    /// - Returns: what could not leave in this tick.
    private func push(_ event: BackendEvent, number: Int64?) -> FanOut? {
        if number == nil { keepForStarting(event) }
        guard !dialects.isEmpty, concernsSomebody(event) else { return nil }
        let names = PushNames(profiles: profiles, groups: groups)
        if case .conversationChanged = event, let number { return pushChange(event, number: number, names) }
        for (dialect, _) in dialects {
            for push in dialect.pushes(about: event, names) { send(push, in: dialect.name, number: number) }
        }
        return nil
    }

    private func keepForStarting(_ event: BackendEvent) {
        guard !starting.isEmpty, !event.audience.isEmpty else { return }
        for connection in starting.values where connection.early.count < Self.maxEarlyEvents {
            connection.early.append(event)
        }
    }

    func send(_ push: Push, in dialect: Dialect, number: Int64?) {
        var encoded: PushFrame?
        func send(to account: AccountID) {
            for connection in accounts[account]?.connections ?? [] where connection.dialectName == dialect {
                guard let position = connection.position, position < number ?? .max else { continue }
                let frame = encoded ?? push.frame()
                encoded = frame
                if connection.socket.send(frame.bytes(for: account)) { note(connection, servedUpTo: lastMessage) }
            }
        }
        switch push.audience {
        case .accounts(let accounts):
            for account in Set(accounts) { send(to: account) }
        case .members(let conversation, let besides):
            for account in members[conversation] ?? [] where !besides.contains(account) { send(to: account) }
        }
    }

    // MARK: - Names

    /// What pushes about events need to show.
    func names(of events: [BackendEvent], in dialect: any PushDialect) async -> PushNames {
        var names = PushNames(profiles: profiles, groups: groups)
        await fetch(names.missing(for: events.map(dialect.subjects)), into: &names)
        return names
    }

    /// Asks for names once; those that nobody has or nobody could tell are not asked for again.
    func fetch(_ missing: PushNames.Missing, into names: inout PushNames) async {
        let people = await found(missing.people, in: profiles)
        let groups = await found(missing.groups, in: groups)
        names.add(people, groups, for: missing)
    }

    /// Asks until the names are in memory, nobody has the ids, or ``maxNameWait`` is over.
    ///
    /// When whoever knows them is away, the pushes behind do not wait for him again and again.
    private func found<Key, Value>(_ wanted: Set<Key>, in cache: LookupCache<Key, Value>) async -> [Key: Value] {
        let deadline = MonotonicTime.after(Self.maxNameWait)
        while true {
            do throws(ServiceError) {
                let found = try await cache.values(of: wanted, CallContext(trace: "", deadline: deadline))
                // What changed while it was fetched is not kept, and asked for anew.
                if found.keys.allSatisfy({ cache.cached($0) != nil }) || deadline.hasPassed { return found }
            } catch {
                guard !deadline.hasPassed, namesAwaited.hasPassed, !accounts.isEmpty else {
                    namesAwaited = .after(Self.maxNameWait)
                    logger.warning("pushes go without names", metadata: ["reason": "\(error)"])
                    let known = wanted.compactMap { key in cache.cached(key).map { (key, $0) } }
                    return Dictionary(known) { first, _ in first }
                }
                // Nothing cancels this task.
                try? await Task.sleep(for: Self.firstRetry)
            }
        }
    }
}
