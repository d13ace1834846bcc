import Shared
import Testing

@testable import SocialService

@Suite struct SocialConfigurationTests {
    private func read(_ environment: [String: String]) throws -> SocialConfiguration {
        var configuration = try Configuration(arguments: [], environment: environment)
        return try SocialConfiguration(reading: &configuration)
    }

    @Test func `the defaults are those of the contract`() throws {
        let configuration = try read([:])

        #expect(configuration.limits == SocialLimits())
        #expect(configuration.limits.maxFriends == 5_000)
        #expect(configuration.limits.maxGroupMembers == 5_000)
        #expect(configuration.limits.maxRequestMessage == 255)
        #expect(configuration.limits.maxName == 255)
        #expect(configuration.limits.maxAnnouncement == 10_000)
        #expect(configuration.limits.maxBlocks == 5_000)
        #expect(configuration.limits.maxRemark == 255)
        #expect(configuration.limits.maxIntroduction == 255)
        #expect(configuration.presence.lease == .seconds(10))
        #expect(configuration.presence.grace == .seconds(3))
        #expect(configuration.friendRequestsPerMinute == 60)
    }

    @Test func `an operator may set limits and lift the rate`() throws {
        let configuration = try read([
            "MARTLET_SOCIAL_MAX_FRIENDS": "7", "MARTLET_SOCIAL_MAX_REQUEST_MESSAGE": "8",
            "MARTLET_SOCIAL_FRIEND_REQUESTS_PER_MINUTE": "9", "MARTLET_SOCIAL_MAX_FRIEND_GROUPS": "10",
            "MARTLET_SOCIAL_MAX_GROUP_MEMBERS": "11", "MARTLET_SOCIAL_MAX_NAME": "12",
            "MARTLET_SOCIAL_MAX_ANNOUNCEMENT": "13", "MARTLET_SOCIAL_MAX_BLOCKS": "14",
            "MARTLET_SOCIAL_MAX_REMARK": "15", "MARTLET_SOCIAL_MAX_INTRODUCTION": "16",
        ])
        var limits = SocialLimits()
        limits.maxFriends = 7
        limits.maxRequestMessage = 8
        limits.maxFriendGroups = 10
        limits.maxGroupMembers = 11
        limits.maxName = 12
        limits.maxAnnouncement = 13
        limits.maxBlocks = 14
        limits.maxRemark = 15
        limits.maxIntroduction = 16

        #expect(configuration.limits == limits)
        #expect(configuration.friendRequestsPerMinute == 9)
        #expect(try read(["MARTLET_RATE_LIMITS": "off"]).friendRequestsPerMinute == nil)
    }

    @Test func `a friend list may have as many groups as its answer holds with the longest names`() throws {
        #expect(try read(["MARTLET_SOCIAL_MAX_FRIEND_GROUPS": "500"]).limits.maxFriendGroups == 500)
        #expect {
            try read(["MARTLET_SOCIAL_MAX_FRIEND_GROUPS": "501"])
        } throws: { error in
            "\(error)".contains("MARTLET_SOCIAL_MAX_FRIEND_GROUPS")
        }
    }

    @Test(arguments: ["MARTLET_SOCIAL_MAX_FRIENDS", "MARTLET_SOCIAL_MAX_NAME", "MARTLET_RATE_LIMITS"])
    func `a value that cannot be used is refused by its name`(key: String) {
        #expect {
            try read([key: "many"])
        } throws: { error in
            "\(error)".contains(key)
        }
    }
}
