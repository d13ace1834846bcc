import Shared

/// What an operator may set for message-svc.
package struct MessageConfiguration: Sendable {
    /// Unicode scalars of the longest text.
    package var maxTextLength = 10_000
    /// Unicode scalars of the longest client message id.
    package var maxClientIDLength = 255
    /// Seconds for which a sender may take a message back; 0 for never.
    package var recallWindow = 120
    /// Participants that the writer keeps in memory, summed over conversations, before it starts afresh.
    package var maxCachedParticipants = 1_000_000
    /// Whether accounts are held to the rate of messages, over all gateways together.
    package var areRatesLimited = true

    package init() {}
}

extension MessageConfiguration {
    /// | key | meaning | default | range |
    /// |---|---|---|---|
    /// | `message.max-text-length` | characters of a message | 10000 | 1…100000 |
    /// | `message.recall-window` | seconds for which a sender may take a message back; 0 for never | 120 | 0…31536000 |
    /// | `message.max-cached-participants` | memory for participant checks and what they sent last, up to 200 bytes each | 1000000 | 1000…100000000 |
    /// | `rate.limits` | `on`, or `off` for load tests | `on` | |
    init(reading configuration: inout Configuration) throws {
        maxTextLength = try configuration.integer(
            "message.max-text-length", default: maxTextLength, in: 1...100_000)
        recallWindow = try configuration.integer(
            "message.recall-window", default: recallWindow, in: 0...31_536_000)
        maxCachedParticipants = try configuration.integer(
            "message.max-cached-participants", default: maxCachedParticipants, in: 1_000...100_000_000)
        areRatesLimited = try configuration.isOn("rate.limits", default: areRatesLimited)
    }
}
