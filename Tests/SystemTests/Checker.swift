import TestSupport
import Testing

/// Conversations of two, as a fault test uses them: everyone sends and everyone listens.
struct Pair: Sendable {
    let one: ChatClient
    let other: ChatClient
    let conversation: Int64

    /// Signs up two new people and makes them friends.
    static func make(_ name: String, port: Int) async throws -> Pair {
        let one = try await ChatClient.signUp("\(name)One", port: port)
        let other = try await ChatClient.signUp("\(name)Other", port: port)
        return Pair(one: one, other: other, conversation: try await one.befriend(other))
    }
}

/// Compares what senders were told, what the conversations hold and what readers were pushed.
struct Checker {
    let journal: SendJournal

    /// Every OK exactly once, nothing refused, numbers without holes, ids ascending and used once.
    func check(_ pairs: [Pair]) async throws {
        #expect(journal.surprises.isEmpty)
        var chains: [Int64: [ChatMessage]] = [:]
        for pair in pairs {
            let chain = try await pair.one.reconnected().chain(of: pair.conversation)
            chains[pair.conversation] = chain
            #expect(chain.map(\.sequence) == Array(1...Int64(chain.count)), "the sequence has holes")
            #expect(zip(chain, chain.dropFirst()).allSatisfy { $0.id < $1.id }, "ids do not ascend")
            // The greeting comes first and is in nobody's journal.
            let found = chain.dropFirst().map { [$0.id, $0.sender] }
            let told = journal.entries.filter { $0.conversation == pair.conversation }
            let stored = told.compactMap { entry in entry.id.map { [$0, entry.sender] } }
            #expect(found == stored.sorted { $0[0] < $1[0] }, "what was stored is not what was told")
            let texts = Dictionary(grouping: chain, by: \.text)
            for entry in told {
                let ids = texts[entry.text]?.map(\.id)
                #expect(ids == entry.id.map { [$0] }, "\(entry.text) should be there once, or never")
            }
        }
        let ids = chains.values.flatMap { $0.map(\.id) }
        #expect(Set(ids).count == ids.count, "an id was used twice")
    }

    /// A reader was pushed a conversation whole, in order, once.
    func check(_ follower: PushFollower, of reader: ChatClient, in pair: Pair) async throws {
        let chain = try await reader.reconnected().chain(of: pair.conversation)
        try await eventually("\(reader.userName) was pushed everything") {
            follower.messages.count >= chain.count || follower.failure != nil
        }
        #expect(follower.failure == nil)
        #expect(follower.messages == chain, "what was pushed is not what is stored")
    }
}
