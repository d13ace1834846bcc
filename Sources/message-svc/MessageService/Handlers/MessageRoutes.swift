import Shared
import SharedStorage

/// The table of contents of message-svc.
struct MessageRoutes: Sendable {
    /// Messages of one page of history or hand-over.
    static let maxPage: Int32 = 1_000
    /// Time kept back from a caller's deadline, so that "unavailable" reaches him while he still listens.
    static let answerMargin = Duration.milliseconds(200)
    /// Messages a push connection is given in one read of what it missed.
    static let maxMissed = 500
    /// Places noted with one request.
    static let maxPlaces = 1_000
    /// Senders a history may be filtered by.
    static let maxSenders = 500

    let configuration: MessageConfiguration
    let store: MessageStore
    /// One hand-over per account at a time, so that two pulls at once do not hand out the same messages.
    private let turns = Turns<AccountID>()
    /// How often an account sends, by whichever gateways; `nil` where rates are off.
    private let rate: RateLimiter?

    init(configuration: MessageConfiguration, store: MessageStore) {
        self.configuration = configuration
        self.store = store
        rate = configuration.areRatesLimited ? .messages : nil
    }

    var routes: BusRoutes {
        let database = store.database
        var routes = BusRoutes()
        routes.onBusThread(MessageAPI.Send.self, from: [.gateway], handler: send)
        routes.on(MessageAPI.Recall.self, from: [.gateway], handler: recall)
        routes.on(MessageAPI.PullHandOver.self, from: [.gateway], handler: pullHandOver)
        routes.on(MessageAPI.SettleHandOver.self, from: [.gateway], handler: settleHandOver)
        routes.on(MessageAPI.History.self, from: [.gateway], reading: database, handler: history)
        routes.on(MessageAPI.Conversations.self, from: [.gateway], reading: database, handler: conversations)
        routes.on(MessageAPI.Attach.self, from: [.gateway], reading: database, handler: attach)
        routes.on(MessageAPI.ConfirmNotices.self, from: [.gateway], handler: confirmNotices)
        routes.on(MessageAPI.MarkRead.self, from: [.gateway], handler: markRead)
        routes.on(MessageAPI.MessageDetails.self, from: [.gateway], reading: database, handler: MessageStore.details)
        routes.on(MessageAPI.HideMessage.self, from: [.gateway], handler: hide)
        return routes
    }

    /// The hot path: decided on the bus thread and the writer's, without a task in between.
    @Sendable private func send(
        _ request: MessageAPI.Send, _ call: BusCall, respond: Responder<MessageAPI.Send.Reply>
    ) {
        do throws(ServiceError) {
            try rate?.admit(request.sender)
        } catch {
            return respond(.failure(error))
        }
        if let clientID = request.clientID, !isValid(clientID: clientID) {
            return respond(.failure(ServiceError(.badRequest, detail: "client id")))
        }
        let isTextValid = isValid(text: request.text)
        let maxTextLength = configuration.maxTextLength
        store.database.submit(until: call.deadline) { transaction in
            try store.append(request, transaction) {
                // The contract's order of checks: who, to what, and only then the text itself.
                if !isTextValid { throw ServiceError(.invalidText, detail: "\(maxTextLength)") }
            }
        } completion: { result in
            respond(result)
        }
    }

    private static func page(_ limit: Int32) -> Int32 { min(max(limit, 1), maxPage) }

    private func isValid(text: String) -> Bool {
        let limit = configuration.maxTextLength
        return !text.isEmpty && (text.utf8.count <= limit || text.unicodeScalars.count <= limit)
    }

    private func isValid(clientID: String) -> Bool {
        !clientID.isEmpty && clientID.unicodeScalars.count <= configuration.maxClientIDLength
            && !clientID.contains("\0")
    }

    @Sendable private func recall(
        _ request: MessageAPI.Recall, _ call: BusCall
    ) async throws(ServiceError) -> Done {
        let rules = RecallRules(window: Int64(configuration.recallWindow) * 1_000)
        try await store.recall(request, rules: rules, now: WallClock.milliseconds, deadline: call.deadline)
        return Done()
    }

    @Sendable private func pullHandOver(
        _ request: MessageAPI.PullHandOver, _ call: BusCall
    ) async throws(ServiceError) -> MessageAPI.PullHandOver.Reply {
        let limit = Int(Self.page(request.limit))
        if let acknowledged = request.acknowledged {
            try await store.confirm(.handOver, upTo: [(request.account, acknowledged)])
            let page = try await store.messages(
                of: request.account, after: acknowledged, limit: limit, until: call.deadline)
            return MessageAPI.PullHandOver.Reply(messages: page.messages, hasMore: page.hasMore, receipt: nil)
        }
        let turn = try await turns.begin(request.account, until: call.deadline + (.zero - Self.answerMargin))
        do throws(ServiceError) {
            // A pull that waited past its deadline has nobody to hand anything to.
            let (page, cursor) = try await store.handOver(to: request.account, limit: limit, until: call.deadline)
            guard !page.messages.isEmpty else {
                if page.last > cursor {
                    // All of them hidden or recalled: nobody needs to look at them again.
                    try await store.confirm(.handOver, upTo: [(request.account, page.last)])
                }
                await turns.end(turn, of: request.account)
                return MessageAPI.PullHandOver.Reply(messages: [], hasMore: false, receipt: nil)
            }
            return MessageAPI.PullHandOver.Reply(
                messages: page.messages, hasMore: page.hasMore,
                receipt: MessageAPI.HandOverReceipt(turn: turn, last: page.last))
        } catch {
            await turns.end(turn, of: request.account)
            throw error
        }
    }

    @Sendable private func settleHandOver(
        _ request: MessageAPI.SettleHandOver, _ call: BusCall
    ) async throws(ServiceError) -> Done {
        if request.delivered {
            try await store.confirm(.handOver, upTo: [(request.account, request.receipt.last)])
        }
        await turns.end(request.receipt.turn, of: request.account)
        return Done()
    }

    @Sendable private func history(_ request: MessageAPI.History, _ db: Snapshot) throws -> MessageAPI.History.Reply {
        guard request.senders?.count ?? 0 <= Self.maxSenders else {
            throw ServiceError(.badRequest, detail: "more than \(Self.maxSenders) senders")
        }
        var request = request
        request.limit = Self.page(request.limit)
        return try MessageStore.history(request, db)
    }

    @Sendable private func conversations(
        _ request: MessageAPI.Conversations, _ db: Snapshot
    ) throws -> MessageAPI.Conversations.Reply {
        MessageAPI.Conversations.Reply(
            conversations: try MessageStore.conversations(
                of: request.account, includesLast: request.includesLast, db))
    }

    @Sendable private func attach(_ request: MessageAPI.Attach, _ db: Snapshot) throws -> MessageAPI.Attach.Reply {
        try MessageStore.attach(request, limit: Self.maxMissed, db)
    }

    @Sendable private func confirmNotices(
        _ request: MessageAPI.ConfirmNotices, _ call: BusCall
    ) async throws(ServiceError) -> Done {
        guard request.places.count <= Self.maxPlaces else {
            throw ServiceError(.badRequest, detail: "more than \(Self.maxPlaces) places")
        }
        try await store.confirm(.notice, upTo: request.places.map { ($0.account, $0.message) })
        return Done()
    }

    @Sendable private func markRead(
        _ request: MessageAPI.MarkRead, _ call: BusCall
    ) async throws(ServiceError) -> Done {
        try await store.markRead(request, deadline: call.deadline)
        return Done()
    }

    @Sendable private func hide(
        _ request: MessageAPI.HideMessage, _ call: BusCall
    ) async throws(ServiceError) -> Done {
        try await store.hide(request, deadline: call.deadline)
        return Done()
    }
}
