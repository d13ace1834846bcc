import Shared
import SharedStorage
import TestSupport
import Testing

@testable import SocialService

/// What happens to a friendship while message-svc, or social-svc itself, is away.
@Suite(.timeLimit(.minutes(5))) struct DeliveryTests {
    let ann = AccountID(1)
    let bob = AccountID(2)
    /// Long enough for the commit, short enough to wait for.
    let short = Duration.milliseconds(600)

    @Test func `an acceptance is answered only when the conversation is open`() async throws {
        try await withBothServices { social, messages in
            try await social.apply(ann, to: bob)
            messages.set(.holding)

            async let conversation = social.accept(ann, by: bob)
            let held = await messages.arrivals.first { _ in true }

            #expect(held?.reason?.content is SocialAPI.FriendshipBegan)
            #expect(try await messages.effects.isEmpty)
            messages.release()
            #expect(try await conversation == held?.conversation)
        }
    }

    @Test func `while message-svc is away the outcome is unknown and later the conversation opens once`() async throws {
        let bus = try TestBus()
        try await withSocialService(on: bus) { social in
            try await social.apply(ann, to: bob)

            #expect(
                await social.refusal(
                    of: SocialAPI.Decide(account: bob, applicant: ann, accepts: true), timeout: short)
                    == ServiceError(.outcomeUnknown))

            #expect(
                await social.refusal(of: SocialAPI.Decide(account: bob, applicant: ann, accepts: true))
                    == ServiceError(.alreadyFriends), "repeating the call is harmless")
            try await withFakeMessageService(on: bus) { messages in
                let friends = try await social.friendList(of: ann).flatMap(\.friends)
                #expect(friends.map(\.account) == [bob])
                try await eventually("the conversation is open") { try await !messages.opened.isEmpty }
                #expect(try await messages.opened.map(\.conversation) == friends.map(\.conversation))
            }
        }
    }

    @Test func `effects that are refused for a while arrive in the order of the friendships`() async throws {
        try await withBothServices { social, messages in
            messages.set(.refusing)
            let applicants = (11...15).map { AccountID($0) }
            for applicant in applicants { try await social.apply(applicant, to: bob) }
            await withTaskGroup { group in
                for applicant in applicants {
                    let decision = SocialAPI.Decide(account: bob, applicant: applicant, accepts: true)
                    group.addTask {
                        #expect(await social.refusal(of: decision, timeout: short) == ServiceError(.outcomeUnknown))
                    }
                }
            }
            #expect(try await messages.opened.isEmpty)

            messages.set(.applying)

            let told = try await social.news(SocialAPI.FriendshipBegan.self).map(\.conversation)
            let friends = try await social.friendList(of: bob).flatMap(\.friends)
            #expect(told == told.sorted())
            #expect(try await messages.opened.map(\.conversation) == told)
            #expect(friends.map(\.conversation) == told)
            #expect(Set(friends.map(\.account)) == Set(applicants))
        }
    }

    @Test func `what was committed before a restart is delivered after it`() async throws {
        let bus = try TestBus()
        // The first life has a bus of its own: there is no message-svc on it.
        try await withSocialService(on: try TestBus(), dataPath: bus.configuration.dataPath) { social in
            try await social.apply(ann, to: bob)
            #expect(
                await social.refusal(
                    of: SocialAPI.Decide(account: bob, applicant: ann, accepts: true), timeout: short)
                    == ServiceError(.outcomeUnknown))
        }

        try await withSocialService(on: bus) { social in
            try await withFakeMessageService(on: bus) { messages in
                try await eventually("the conversation is open") { try await !messages.opened.isEmpty }

                let opened = try await messages.opened
                let friends = try await social.friendList(of: ann).flatMap(\.friends)
                #expect(opened.map(\.conversation) == friends.map(\.conversation))
                #expect(opened.map(\.greeter) == [bob])
                // A new friendship gets a new conversation: numbers are not used twice.
                #expect(try await social.befriend(AccountID(3), bob) > opened[0].conversation)
            }
        }
    }

    @Test func `a stop lets an acceptance under way come to its end`() async throws {
        try await withBothServices { social, messages in
            try await social.apply(ann, to: bob)
            messages.set(.holding)
            async let conversation = social.accept(ann, by: bob)
            let held = await messages.arrivals.first { _ in true }

            async let stopped: Void = social.service.stop()
            // It drains as soon as it refuses what is new.
            let reading = SocialAPI.PendingRequests(account: bob, includesHandedOver: true)
            while await social.refusal(of: reading) == nil {}
            messages.release()

            #expect(try await conversation == held?.conversation)
            await stopped
        }
    }

    @Test func `a second service cannot take the folder and does not disturb the first`() async throws {
        try await withSocialService { social in
            let stranger = try TestBus()
            let second = SocialService(
                SocialConfiguration(), bus: stranger.configuration(dataPath: social.bus.configuration.dataPath),
                context: stranger.context, logger: stranger.logger)

            await #expect(throws: DataDirectory.Refusal.self) { try await second.start() }

            await second.stop()
            try await social.apply(ann, to: bob)
            #expect(try await social.pending(bob).count == 1)
        }
    }
}
