import Synchronization
import TestSupport

/// What the senders of one test know about each text they sent. Every text is unique.
final class SendJournal: Sendable {
    struct Entry: Sendable {
        let conversation: Int64
        let sender: Int64
        let text: String
        /// The id if it was stored, `nil` if it was refused.
        let id: Int64?
    }

    private struct State {
        var entries: [Entry] = []
        var stored = 0
        var refused = 0
        var unknown = 0
        var timeouts = 0
        var surprises: [String] = []
        var isClosed = false
        var onNextStored: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())

    /// What became of every text; complete when all senders have returned.
    var entries: [Entry] { state.withLock { $0.entries } }
    /// Answers so far that were an id.
    var stored: Int { state.withLock { $0.stored } }
    /// Answers so far that were not, by kind.
    var failures: (refused: Int, unknown: Int) { state.withLock { ($0.refused, $0.unknown) } }
    /// Answers so far that were 504.
    var timeouts: Int { state.withLock { $0.timeouts } }
    /// Answers that no fault explains.
    var surprises: [String] { state.withLock { $0.surprises } }

    /// Whether the senders are to return.
    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Has the senders return once the outcome of their last text is known.
    func close() { state.withLock { $0.isClosed = true } }

    /// Sends one text after the other until the journal is closed. A text whose outcome is unknown is sent again with
    /// its client id until it is stored; one that was refused is never sent again.
    ///
    /// - Parameter name: distinguishes the senders.
    func keepSending(_ client: ChatClient, to conversation: Int64, as name: String) async {
        var number = 0
        while !isClosed {
            number += 1
            let text = "\(name) \(number)"
            let id = await outcome(of: text, client, conversation)
            state.withLock { state in
                state.entries.append(Entry(conversation: conversation, sender: client.id, text: text, id: id))
            }
        }
    }

    private func outcome(of text: String, _ client: ChatClient, _ conversation: Int64) async -> Int64? {
        var isPerhapsStored = false
        while true {
            switch await client.send(text, to: conversation, clientID: text) {
            case .ok(let id):
                let action = state.withLock { state in
                    state.stored += 1
                    return state.onNextStored.take()
                }
                action?()
                return id
            case .unknown(let reason):
                isPerhapsStored = true
                state.withLock { state in
                    state.unknown += 1
                    if reason == "504" { state.timeouts += 1 }
                }
            case .refused(let status, let code):
                state.withLock { state in
                    state.refused += 1
                    if status != 0, status != 503 { state.surprises.append("\(text): \(status)/\(code)") }
                }
                if !isPerhapsStored { return nil }
            }
            // A client that is refused does not come back at once; cancelled only with the test.
            try? await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Waits until this many more texts were stored.
    func untilStored(_ count: Int, within limit: Duration = .seconds(20)) async throws {
        let goal = stored + count
        try await eventually("\(count) more messages are stored", within: limit) { stored >= goal }
    }

    /// Does something in the very moment in which the next OK arrives: what was promised must be true by then.
    func onNextStored(_ action: @escaping @Sendable () -> Void) {
        state.withLock { $0.onNextStored = action }
    }

    /// Waits for an answer that is no id.
    func untilOneFails(within limit: Duration = .seconds(10)) async throws {
        let before = failures
        try await eventually("a send fails", within: limit) { failures != before }
    }
}
