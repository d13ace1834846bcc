import Shared
import TestSupport
import Testing

@testable import MessageService

@Suite struct RandomHistoryTests {
    @Test(arguments: SeededGenerator.seeds(8))
    func `whatever happens in whatever order, the service agrees with the model`(seed: UInt64) async throws {
        var configuration = MessageConfiguration.unlimited
        // Half of the runs forget nearly everything nearly always.
        if seed.isMultiple(of: 2) { configuration.maxCachedParticipants = 5 }
        try await withMessageService(configuration: configuration) { service in
            var run = Run(service: service, random: SeededGenerator(seed: seed))
            try await run.open()
            try await run.open()
            for _ in 0..<250 {
                try await run.step()
                try await run.compare(Run.accounts.randomElement(using: &run.random) ?? 1)
            }
            for account in Run.accounts { try await run.compare(account) }
            try await run.compareAllDetails()
        }
    }
}

/// One random history, in the service and in the model.
private struct Run {
    static let accounts: ClosedRange<Int64> = 1...5

    let service: MessageHarness
    var random: SeededGenerator
    var model = MessageModel()

    private mutating func account() -> Int64 { .random(in: Self.accounts, using: &random) }

    /// Any conversation there is or was, or none.
    private mutating func conversation() -> Int64 {
        let all = model.conversations.keys.sorted() + model.conversations.keys.sorted() + model.closed + [99]
        return all.randomElement(using: &random) ?? 99
    }

    /// Any message there is, and some that are not.
    private mutating func message() -> MessageID { MessageID(.random(in: 0...model.lastMessage + 2, using: &random)) }

    mutating func step() async throws {
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<40: try await send()
        case 40..<50: try await mark()
        case 50..<56: try await hide()
        case 56..<64: try await recall()
        case 64..<75: try await changeParticipants()
        case 75..<82: try await silence()
        case 82..<93: try await pull()
        case 93..<96: try await confirmNotices()
        case 96..<98: try await close()
        default: try await open()
        }
    }

    mutating func open() async throws {
        let id = Int64(model.conversations.count + model.closed.count + 1)
        let kind: ConversationKind = Bool.random(using: &random) ? .group : .private
        let count = kind == .group ? Int.random(in: 2...4, using: &random) : 2
        let members = Set((0..<count).map { _ in account() })
        try await service.openConversation(id, members.sorted(), kind: kind)
        let member = MessageModel.Member(joinedAfter: model.lastMessage)
        model.conversations[id] = MessageModel.Conversation(
            kind: kind, founders: members, members: Dictionary(uniqueKeysWithValues: members.map { ($0, member) }))
    }

    private mutating func close() async throws {
        let id = conversation()
        try await service.close(id)
        if model.conversations.removeValue(forKey: id) != nil { model.closed.append(id) }
    }

    private mutating func send() async throws {
        let sender = account()
        let destination: MessageAPI.Destination =
            switch Int.random(in: 0..<4, using: &random) {
            case 0: .group(conversation())
            case 1: .friend(account())
            default: .conversation(conversation())
            }
        let target = Bool.random(using: &random) ? message() : nil
        let text = "\(model.lastMessage + 1)"
        func expectRefusal(_ code: ServiceError.Code) async {
            await expect(code) { () throws(ServiceError) in
                try await service.send(text, from: sender, to: destination, replyTo: target)
            }
        }
        let id: Int64
        do throws(ServiceError) {
            id = try model.place(of: destination, for: sender)
        } catch {
            return await expectRefusal(error.code)
        }
        var conversation = try #require(model.conversations[id])
        if let target, model.recalled.contains(target) || !conversation.messages.contains(where: { $0.id == target }) {
            return await expectRefusal(.invalidReply)
        }
        let reply = try await service.send(text, from: sender, to: destination, replyTo: target)
        let message = Message(
            id: MessageID(model.lastMessage + 1), conversation: ConversationID(id),
            conversationKind: conversation.kind, sequence: Int64(conversation.messages.count + 1),
            sender: AccountID(sender), text: text, replyTo: target, sentAt: reply.sentAt)
        #expect(reply.conversation == message.conversation)
        #expect(reply.message == message.id)
        #expect(reply.sequence == message.sequence)
        #expect(reply.sentAt >= model.everyMessage.last?.sentAt ?? 0)
        conversation.messages.append(message)
        model.conversations[id] = conversation
        model.everyMessage.append(message)
    }

    private mutating func mark() async throws {
        let (reader, id, message) = (account(), conversation(), message())
        guard let conversation = model.conversations[id], let member = conversation.members[reader] else {
            return await expect(.notParticipant) { () throws(ServiceError) in
                try await service.markRead(id, by: reader, upTo: message)
            }
        }
        try await service.markRead(id, by: reader, upTo: message)
        let reached = conversation.messages.last { $0.id <= message }?.id.rawValue ?? 0
        model.conversations[id]?.members[reader]?.readIndex = max(member.readIndex, reached)
    }

    private mutating func hide() async throws {
        let (account, id) = (account(), message())
        guard let message = model.everyMessage.first(where: { $0.id == id }) else {
            return await expect(.invalidMessage) { () throws(ServiceError) in try await service.hide(id, from: account)
            }
        }
        guard model.conversations[message.conversation.rawValue]?.members[account] != nil else {
            return await expect(.notParticipant) { () throws(ServiceError) in try await service.hide(id, from: account)
            }
        }
        try await service.hide(id, from: account)
        model.hidden.insert(MessageModel.Hidden(account: account, message: id))
    }

    private mutating func recall() async throws {
        let (account, id, isModerator) = (account(), message(), Bool.random(using: &random))
        let code: ServiceError.Code? =
            switch model.message(id, for: account) {
            case nil: .invalidMessage
            case _? where model.recalled.contains(id): .alreadyRecalled
            case (let message, let conversation)?:
                message.sender.rawValue == account || isModerator && conversation.kind == .group ? nil : .notAllowed
            }
        let request = MessageAPI.Recall(account: AccountID(account), message: id, isModerator: isModerator)
        #expect(await service.code(of: request) == code)
        if code == nil { model.recalled.insert(id) }
    }

    private mutating func silence() async throws {
        let (account, id, isSilenced) = (account(), conversation(), Bool.random(using: &random))
        try await service.silence(account, in: id, isSilenced)
        model.conversations[id]?.members[account]?.isSilenced = isSilenced
    }

    private mutating func confirmNotices() async throws {
        let (account, message) = (account(), message())
        try await service.confirmNotices(account, upTo: message)
        model.noticed[account] = max(
            model.noticed[account] ?? MessageID(0), min(message, MessageID(model.lastMessage)))
    }

    private mutating func changeParticipants() async throws {
        let (joining, leaving, id) = (account(), account(), conversation())
        let joined = Bool.random(using: &random) ? [joining] : []
        let left = Bool.random(using: &random) ? [leaving] : []
        try await service.change(id, joined: joined, left: left)
        guard joined != left, var conversation = model.conversations[id] else { return }
        for account in joined where conversation.members[account] == nil {
            conversation.members[account] = MessageModel.Member(joinedAfter: model.lastMessage)
        }
        for account in left { conversation.members[account] = nil }
        model.conversations[id] = conversation
    }

    private mutating func pull() async throws {
        let account = account()
        let limit = Int32.random(in: 1...6, using: &random)
        let pending = model.pending(for: account, after: model.cursors[account] ?? MessageID(0))
        let pulled = try await service.pull(account, limit: limit)
        let messages = pulled.messages.map(\.message)
        #expect(messages == Array(pending.prefix(messages.count)))
        #expect(messages.isEmpty == pending.isEmpty)
        #expect(messages.count <= limit)
        if !pulled.hasMore { #expect(messages.count == pending.count) }
        guard !messages.isEmpty else {
            #expect(pulled.receipt == nil)
            return
        }
        let receipt = try #require(pulled.receipt)
        #expect(pending.filter { $0.id <= receipt.last } == messages)
        let isDelivered = Int.random(in: 0..<3, using: &random) > 0
        try await service.settle(account, pulled, delivered: isDelivered)
        if isDelivered { model.cursors[account] = receipt.last }
    }

    // MARK: - Comparing

    /// Everything one account can ask for.
    mutating func compare(_ account: Int64) async throws {
        let memberships = model.memberships(of: account)
        #expect(
            try await service.conversations(of: account, includesLast: true)
                == memberships.map { id, conversation, _ in
                    let others = conversation.members.keys.filter { $0 != account }
                    return MessageAPI.Conversations.Entry(
                        conversation: ConversationID(id), kind: conversation.kind,
                        peer: conversation.kind == .private ? others.min().map { AccountID($0) } : nil,
                        unreadCount: model.unreadCount(of: account, in: conversation),
                        last: model.last(in: conversation, for: account))
                })
        let since = message()
        let attached = try await service.attach(account, .after(since))
        #expect(attached.conversations.map(\.rawValue).sorted() == memberships.map(\.id))
        #expect(attached.missed == model.pending(for: account, after: since))
        #expect(attached.last == MessageID(model.lastMessage))
        let noticed = model.noticed[account] ?? MessageID(0)
        #expect(try await service.attach(account, .unnoticed).missed == model.pending(for: account, after: noticed))
        try await compareHistory(account)
        try await compareDetails(of: message(), for: account)
    }

    private mutating func compareHistory(_ account: Int64) async throws {
        let times = model.everyMessage.map(\.sentAt)
        func some<Value>(_ value: Value?) -> Value? { Bool.random(using: &random) ? value : nil }
        let request = MessageAPI.History(
            account: AccountID(account), conversation: ConversationID(conversation()), before: some(message()),
            limit: .random(in: 1...10, using: &random), sentFrom: some(times.randomElement(using: &random)),
            sentUntil: some(times.randomElement(using: &random)),
            senders: some([self.account(), self.account()].map { AccountID($0) }), includesUnread: true)
        guard let expected = model.history(request),
            let conversation = model.conversations[request.conversation.rawValue]
        else {
            #expect(await service.code(of: request) == .notParticipant)
            return
        }
        let page = try await service.gateway.call(request, .test())
        #expect(page.messages.map(\.message) == expected.messages)
        #expect(page.messages.map(\.replyCount) == expected.messages.map { model.replyCount(of: $0.id) })
        #expect(page.hasMore == expected.hasMore)
        #expect(page.unreadCount == model.unreadCount(of: account, in: conversation))
        #expect(
            page.readIndexes
                == conversation.members.sorted { $0.key < $1.key }.map {
                    ReadIndex(account: AccountID($0.key), message: MessageID($0.value.readIndex))
                })
    }

    private func compareDetails(of id: MessageID, for account: Int64) async throws {
        guard let (message, conversation) = model.message(id, for: account), !model.recalled.contains(id) else {
            return await expect(.invalidMessage) { () throws(ServiceError) in
                try await service.details(of: id, for: account)
            }
        }
        let details = try await service.details(of: id, for: account)
        #expect(details.conversation == message.conversation)
        #expect(details.conversationKind == conversation.kind)
        #expect(details.replyCount == model.replyCount(of: id))
        #expect(details.readers == model.readers(of: message, in: conversation))
    }

    func compareAllDetails() async throws {
        for message in model.everyMessage {
            for account in Self.accounts { try await compareDetails(of: message.id, for: account) }
        }
    }

    private func expect<Value>(
        _ code: ServiceError.Code, _ body: () async throws(ServiceError) -> Value
    ) async {
        #expect(await refusal(body)?.code == code)
    }
}
