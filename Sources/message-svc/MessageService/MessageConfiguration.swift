import Shared

/// What an operator may set for message-svc.
package struct MessageConfiguration: Sendable {
    /// Unicode scalars of the longest text.
    package var maxTextLength = 10_000
    /// Unicode scalars of the longest client message id.
    package var maxClientIDLength = 255
    /// Participants that the writer keeps in memory, summed over conversations, before it starts afresh.
    package var maxCachedParticipants = 1_000_000

    package init() {}
}

extension MessageConfiguration {
    /// | key | meaning | default | range |
    /// |---|---|---|---|
    /// | `message.max-text-length` | characters of a message | 10000 | 1…100000 |
    /// | `message.max-cached-participants` | memory for participant checks, about 40 bytes each | 1000000 | 1000…100000000 |
    init(reading configuration: inout Configuration) throws {
        maxTextLength = try configuration.integer(
            "message.max-text-length", default: maxTextLength, in: 1...100_000)
        maxCachedParticipants = try configuration.integer(
            "message.max-cached-participants", default: maxCachedParticipants, in: 1_000...100_000_000)
    }
}
