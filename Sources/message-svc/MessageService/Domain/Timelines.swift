import Shared
import Synchronization

/// One conversation as the writer sees it: who takes part and where the sequence stands.
struct Timeline: Sendable {
    let kind: ConversationKind
    var participants: Set<AccountID>
    var lastSequence: Int64
}

/// The writer's memory: timelines loaded on first use and the counters that go over all of them.
///
/// The database is the truth. What is here was read from it or committed by the one writer after; a group that is rolled
/// back voids all of it.
final class Timelines: Sendable {
    struct State {
        var byConversation: [ConversationID: Timeline] = [:]
        var cachedParticipants = 0
        var lastMessage: MessageID?
        /// Send times never go back, whatever the wall clock does.
        var lastSentAt: Int64 = 0
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
            state.cachedParticipants = 0
        }
        state.byConversation[conversation] = timeline
        state.cachedParticipants += timeline.participants.count
    }

    /// Follows a change of participants that was just written; does nothing for a timeline that is not in memory.
    func change(_ conversation: ConversationID, joined: [AccountID], left: [AccountID], in state: inout State) {
        guard var timeline = forget(conversation, in: &state) else { return }
        timeline.participants.formUnion(joined)
        timeline.participants.subtract(left)
        keep(timeline, for: conversation, in: &state)
    }

    /// Forgets one timeline: its conversation was closed.
    @discardableResult
    func forget(_ conversation: ConversationID, in state: inout State) -> Timeline? {
        guard let timeline = state.byConversation.removeValue(forKey: conversation) else { return nil }
        state.cachedParticipants -= timeline.participants.count
        return timeline
    }
}
