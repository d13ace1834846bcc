import Shared
import Synchronization

/// One conversation as the writer sees it: who takes part, who may write and where the sequence stands.
struct Timeline: Sendable {
    let kind: ConversationKind
    /// For whom a private conversation was opened.
    var pair: AccountPair?
    var participants: Set<AccountID>
    /// Those who may read but not write.
    var silenced: Set<AccountID> = []
    var lastSequence: Int64
    /// How many messages each account has sent in the block that is not full yet; loaded with the next message.
    var sentInBlock: [AccountID: Int64]?

    func maySend(_ account: AccountID) -> Bool { participants.contains(account) && !silenced.contains(account) }
}

/// The writer's memory: timelines loaded on first use and the counters that go over all of them.
///
/// The database is the truth. What is here was read from it or committed by the one writer after; a group that is rolled
/// back voids all of it.
final class Timelines: Sendable {
    struct State {
        var byConversation: [ConversationID: Timeline] = [:]
        /// Where two accounts talk in private; every conversation here is in `byConversation` too, so that the limit of
        /// that one holds for both.
        fileprivate(set) var byPair: [AccountPair: ConversationID] = [:]
        var cachedParticipants = 0
        var lastMessage: MessageID?
        /// Stamps messages; loaded with `lastMessage`.
        var clock = SteadyClock(at: 0, since: .now)
    }

    private let state = Mutex(State())
    private let maxCachedParticipants: Int

    init(maxCachedParticipants: Int) { self.maxCachedParticipants = maxCachedParticipants }

    /// Reads and changes the memory; only the writer's thread calls this.
    func withState<Value: ~Copyable>(_ body: (inout State) throws -> sending Value) rethrows -> sending Value {
        try state.withLock { try body(&$0) }
    }

    func forgetAll() { state.withLock { $0 = State() } }

    /// Keeps a timeline that was just loaded or opened, within the memory's limit.
    func keep(_ timeline: Timeline, for conversation: ConversationID, in state: inout State) {
        if state.cachedParticipants + timeline.participants.count > maxCachedParticipants {
            state.byConversation = [:]
            state.byPair = [:]
            state.cachedParticipants = 0
        }
        state.byConversation[conversation] = timeline
        state.cachedParticipants += timeline.participants.count
    }

    /// Remembers where a pair talks; does nothing for a timeline that is not in memory.
    func keep(_ pair: AccountPair, at conversation: ConversationID, in state: inout State) {
        guard state.byConversation[conversation]?.pair == pair else { return }
        state.byPair[pair] = conversation
    }

    /// Forgets where a pair talks: it has another conversation.
    func forget(_ pair: AccountPair, in state: inout State) { state.byPair[pair] = nil }

    /// Follows a change of participants that was just written; does nothing for a timeline that is not in memory.
    func change(_ conversation: ConversationID, joined: [AccountID], left: [AccountID], in state: inout State) {
        guard var timeline = forget(conversation, in: &state) else { return }
        timeline.participants.formUnion(joined)
        timeline.participants.subtract(left)
        timeline.silenced.subtract(left)
        keep(timeline, for: conversation, in: &state)
    }

    /// Follows a silence that was just written; does nothing for a timeline that is not in memory.
    func change(_ conversation: ConversationID, _ account: AccountID, isSilenced: Bool, in state: inout State) {
        if isSilenced {
            state.byConversation[conversation]?.silenced.insert(account)
        } else {
            state.byConversation[conversation]?.silenced.remove(account)
        }
    }

    /// Forgets one timeline: its conversation was closed.
    @discardableResult
    func forget(_ conversation: ConversationID, in state: inout State) -> Timeline? {
        guard let timeline = state.byConversation.removeValue(forKey: conversation) else { return nil }
        if let pair = timeline.pair, state.byPair[pair] == conversation { state.byPair[pair] = nil }
        state.cachedParticipants -= timeline.participants.count
        return timeline
    }
}
