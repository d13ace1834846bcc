package import Shared

/// What an operator may set for social-svc. Whatever it is, every answer fits on the bus: a friend list is whole with the
/// greatest numbers of friends and groups and the longest names, and what is longer is cut by its bytes.
///
/// | key | meaning | range | default |
/// |---|---|---|---|
/// | `social.max-friends` | friends of one account | 1–100,000 | 5,000 |
/// | `social.max-friend-groups` | groups of one account's friend list | 1–500 | 500 |
/// | `social.max-blocks` | accounts one account has blocked | 1–100,000 | 5,000 |
/// | `social.max-group-members` | members of a group | 3–100,000 | 5,000 |
/// | `social.max-request-message` | characters of the message of a request | 0–10,000 | 255 |
/// | `social.max-remark` | characters of the remark on a friend | 0–1,000 | 255 |
/// | `social.max-name` | characters of the name or handle of a group, or the name of a friend group | 1–1,000 | 255 |
/// | `social.max-introduction` | characters of the introduction of a group | 0–1,000 | 255 |
/// | `social.max-announcement` | characters of an announcement | 1–100,000 | 10,000 |
/// | `social.friend-requests-per-minute` | friend requests and requests to join of one account in a minute | 1–100,000 | 60 |
/// | `rate.limits` | `off` lifts the rate, for load tests | `on`, `off` | `on` |
package struct SocialConfiguration: Sendable {
    /// How many and how long things may be.
    package var limits = SocialLimits()
    /// Friend requests and requests to join of one account in a minute; `nil` for any number.
    package var friendRequestsPerMinute: Int? = 60
    /// How long presence lasts; no setting, because the gateway counts on it.
    package var presence = PresenceTiming()

    /// The defaults.
    package init() {}

    /// Reads and checks the settings.
    package init(reading configuration: inout Configuration) throws {
        let settings: [(key: String, limit: WritableKeyPath<SocialLimits, Int>, range: ClosedRange<Int>)] = [
            ("social.max-friends", \.maxFriends, 1...100_000),
            ("social.max-friend-groups", \.maxFriendGroups, 1...500),
            ("social.max-blocks", \.maxBlocks, 1...100_000),
            ("social.max-group-members", \.maxGroupMembers, 3...100_000),
            ("social.max-request-message", \.maxRequestMessage, 0...10_000),
            ("social.max-remark", \.maxRemark, 0...1_000),
            ("social.max-name", \.maxName, 1...1_000),
            ("social.max-introduction", \.maxIntroduction, 0...1_000),
            ("social.max-announcement", \.maxAnnouncement, 1...100_000),
        ]
        for setting in settings {
            limits[keyPath: setting.limit] = try configuration.integer(
                setting.key, default: limits[keyPath: setting.limit], in: setting.range)
        }
        let rate = try configuration.integer("social.friend-requests-per-minute", default: 60, in: 1...100_000)
        friendRequestsPerMinute = try configuration.isOn("rate.limits", default: true) ? rate : nil
    }
}
