import MessageService
import Shared
import TestSupport

/// message-svc on a bus of its own, as the gateway and social-svc see it.
struct MessageHarness: Sendable {
    let bus: TestBus
    let gateway: BusClient
    let social: BusClient
    private let effectNumbers = Counter()

    /// Opens a private conversation as social-svc does; with a greeting from the first participant when one is given.
    func openConversation(
        _ id: Int64, _ participants: [Int64], kind: ConversationKind = .private, greeting: String = ""
    )
        async throws
    {
        try await apply(
            MessageAPI.OpenConversation(
                conversation: ConversationID(id), conversationKind: kind,
                participants: participants.map { AccountID($0) },
                greeting: greeting, greeter: AccountID(participants[0])))
    }

    func apply(_ effect: some BusEffect) async throws {
        let number = await effectNumbers.next()
        _ = try await social.call(
            EffectAPI.Apply(
                sender: .social, epoch: 1,
                effects: [
                    EffectAPI.Effect(number: number, kind: type(of: effect).kind, payload: Blob(effect.wireBytes))
                ]),
            .test())
    }

    @discardableResult
    func send(
        _ text: String, from sender: Int64, to conversation: Int64, replyTo: MessageID? = nil, clientID: String? = nil
    ) async throws(ServiceError) -> MessageAPI.Send.Reply {
        try await gateway.call(
            MessageAPI.Send(
                sender: AccountID(sender), conversation: ConversationID(conversation), text: text, replyTo: replyTo,
                clientID: clientID), .test())
    }

    func pull(_ account: Int64, acknowledging: MessageID? = nil, limit: Int32 = 1_000) async throws(ServiceError)
        -> MessageAPI.PullHandOver.Reply
    {
        try await gateway.call(
            MessageAPI.PullHandOver(account: AccountID(account), acknowledged: acknowledging, limit: limit), .test())
    }

    func settle(_ account: Int64, _ pulled: MessageAPI.PullHandOver.Reply, delivered: Bool) async throws(ServiceError) {
        _ = try await gateway.call(
            MessageAPI.SettleHandOver(account: AccountID(account), receipt: pulled.receipt, delivered: delivered),
            .test())
    }

    func history(of conversation: Int64, for account: Int64, before: MessageID? = nil, limit: Int32 = 1_000)
        async throws(ServiceError) -> MessageAPI.History.Reply
    {
        try await gateway.call(
            MessageAPI.History(
                account: AccountID(account), conversation: ConversationID(conversation), before: before, limit: limit),
            .test())
    }
}

actor Counter {
    private var value: Int64 = 0
    func next() -> Int64 {
        value += 1
        return value
    }
}

/// Starts the service, runs the body and stops the service, whatever happened.
func withMessageService(
    on bus: TestBus? = nil, _ body: (MessageHarness) async throws -> Void
) async throws {
    let bus = try bus ?? TestBus()
    let service = MessageService(
        MessageConfiguration(), bus: bus.configuration, context: bus.context, logger: bus.logger)
    try await service.start()
    do {
        try await body(
            MessageHarness(
                bus: bus, gateway: try await bus.client(of: .message),
                social: try await bus.client(of: .message, as: .social)))
    } catch {
        await service.stop()
        throw error
    }
    await service.stop()
}
