import Shared
import SharedStorage

/// The table of contents of message-svc.
struct MessageRoutes: Sendable {
    /// Messages of one page of history or hand-over.
    static let maxPage: Int32 = 1_000
    /// Messages a push connection is given in one read of what it missed.
    static let maxMissed = 500

    let configuration: MessageConfiguration
    let store: MessageStore
    private let desk = HandOverDesk()

    init(configuration: MessageConfiguration, store: MessageStore) {
        self.configuration = configuration
        self.store = store
    }

    var routes: BusRoutes {
        var routes = BusRoutes()
        routes.onBusThread(MessageAPI.Send.self, from: [.gateway], handler: send)
        routes.on(MessageAPI.PullHandOver.self, from: [.gateway], handler: pullHandOver)
        routes.on(MessageAPI.SettleHandOver.self, from: [.gateway], handler: settleHandOver)
        routes.on(MessageAPI.History.self, from: [.gateway], handler: history)
        routes.on(MessageAPI.Conversations.self, from: [.gateway], handler: conversations)
        routes.on(MessageAPI.Attach.self, from: [.gateway], handler: attach)
        return routes
    }

    /// The hot path: decided on the bus thread and the writer's, without a task in between.
    @Sendable private func send(
        _ request: MessageAPI.Send, _ call: BusCall, respond: Responder<MessageAPI.Send.Reply>
    ) {
        if let refusal = refusal(of: request) { return respond(.failure(refusal)) }
        store.database.submit { transaction in
            // Nobody waits for it any more: the caller has been told that the outcome is unknown.
            if call.deadline.hasPassed { throw ServiceError(.unavailable) }
            return try store.append(request, transaction)
        } completion: { result in
            respond(result)
        }
    }

    private static func page(_ limit: Int32) -> Int32 { min(max(limit, 1), maxPage) }

    private func refusal(of request: MessageAPI.Send) -> ServiceError? {
        let limit = configuration.maxTextLength
        if request.text.isEmpty || (request.text.utf8.count > limit && request.text.unicodeScalars.count > limit) {
            return ServiceError(.invalidText, detail: "\(limit)")
        }
        if let clientID = request.clientID,
            clientID.isEmpty || clientID.unicodeScalars.count > configuration.maxClientIDLength
                || clientID.contains("\0")
        {
            return ServiceError(.badRequest, detail: "client id")
        }
        return nil
    }

    @Sendable private func pullHandOver(
        _ request: MessageAPI.PullHandOver, _ call: BusCall
    ) async throws(ServiceError) -> MessageAPI.PullHandOver.Reply {
        let limit = Int(Self.page(request.limit))
        if let acknowledged = request.acknowledged {
            try await store.confirmHandOver(to: request.account, upTo: acknowledged)
            let page = try await store.messages(of: request.account, after: acknowledged, limit: limit)
            return MessageAPI.PullHandOver.Reply(messages: page.messages, hasMore: page.hasMore, receipt: 0)
        }
        let lease = try await desk.open(for: request.account)
        do throws(ServiceError) {
            // A pull that waited past its deadline has nobody to hand anything to.
            guard !call.deadline.hasPassed else { throw ServiceError(.unavailable) }
            var page = try await store.handOver(to: request.account, limit: limit)
            while page.messages.isEmpty, page.hasMore {
                // A page of messages this account has hidden or that were recalled: nothing to hand over, go on.
                try await store.confirmHandOver(to: request.account, upTo: page.last)
                page = try await store.handOver(to: request.account, limit: limit)
            }
            guard !page.messages.isEmpty else {
                await desk.close(lease, of: request.account)
                return MessageAPI.PullHandOver.Reply(messages: [], hasMore: false, receipt: 0)
            }
            return MessageAPI.PullHandOver.Reply(
                messages: page.messages, hasMore: page.hasMore, receipt: page.last.rawValue)
        } catch {
            await desk.close(lease, of: request.account)
            throw error
        }
    }

    /// The receipt is the cursor's next place, so that even one from before a restart is honoured.
    @Sendable private func settleHandOver(
        _ request: MessageAPI.SettleHandOver, _ call: BusCall
    ) async throws(ServiceError) -> Done {
        if request.delivered {
            try await store.confirmHandOver(to: request.account, upTo: MessageID(request.receipt))
        }
        await desk.close(of: request.account)
        return Done()
    }

    @Sendable private func history(
        _ request: MessageAPI.History, _ call: BusCall
    ) async throws(ServiceError) -> MessageAPI.History.Reply {
        var request = request
        request.limit = Self.page(request.limit)
        return try await store.history(request)
    }

    @Sendable private func conversations(
        _ request: MessageAPI.Conversations, _ call: BusCall
    ) async throws(ServiceError) -> MessageAPI.Conversations.Reply {
        MessageAPI.Conversations.Reply(conversations: try await store.conversations(of: request.account))
    }

    @Sendable private func attach(
        _ request: MessageAPI.Attach, _ call: BusCall
    ) async throws(ServiceError) -> MessageAPI.Attach.Reply {
        try await store.attach(request, limit: Self.maxMissed)
    }
}
