package import Shared

/// What an operator may set for social-svc.
///
/// | key | meaning | range | default |
/// |---|---|---|---|
/// | `social.max-friends` | friends of one account | 1–100,000 | 5,000 |
/// | `social.max-request-message` | characters of the message of a friend request | 0–10,000 | 255 |
/// | `social.friend-requests-per-minute` | friend requests of one account in a minute | 1–100,000 | 60 |
/// | `rate.limits` | `off` lifts the rate, for load tests | `on`, `off` | `on` |
package struct SocialConfiguration: Sendable {
    /// How many friends an account may have, and how long the message of a request may be.
    package var limits = FriendshipLimits(maxFriends: 5_000, maxMessageCharacters: 255)
    /// Friend requests of one account in a minute; `nil` for any number.
    package var friendRequestsPerMinute: Int? = 60

    /// The defaults.
    package init() {}

    /// Reads and checks the settings.
    package init(reading configuration: inout Configuration) throws {
        limits.maxFriends = try configuration.integer(
            "social.max-friends", default: limits.maxFriends, in: 1...100_000)
        limits.maxMessageCharacters = try configuration.integer(
            "social.max-request-message", default: limits.maxMessageCharacters, in: 0...10_000)
        let rate = try configuration.integer("social.friend-requests-per-minute", default: 60, in: 1...100_000)
        friendRequestsPerMinute = try configuration.isOn("rate.limits", default: true) ? rate : nil
    }
}
