import Shared
import TestSupport
import Testing

@testable import SocialService

/// Who is online and what friends are told, moment by moment; seconds are those after the start of the service.
@Suite struct PresenceTests {
    /// What happens at a moment.
    enum Step: Sendable {
        case complete(Int64, [AccountID])
        case change(Int64, online: [AccountID], offline: [AccountID])
        /// A report that says nothing new.
        case renew(Int64)
        case nothing
    }

    /// A moment, what happens, and what friends are told then: + for online, - for offline.
    struct Moment: Sendable {
        let seconds: Double
        let step: Step
        let told: String
        var online: [AccountID]?

        init(_ seconds: Double, _ step: Step, tells told: String = "", online: [AccountID]? = nil) {
            self.seconds = seconds
            self.step = step
            self.told = told
            self.online = online
        }
    }

    struct Story: Sendable, CustomTestStringConvertible {
        let name: String
        /// Those of whom friends heard before the start that they are online.
        var told: Set<AccountID> = []
        let moments: [Moment]
        var testDescription: String { name }
    }

    private static func time(_ seconds: Double) -> MonotonicTime {
        MonotonicTime(nanoseconds: 1_000_000_000_000 + Int64(seconds * 1_000_000_000))
    }

    static let stories: [Story] = [
        Story(
            name: "online is told at once and offline after the grace",
            moments: [
                Moment(0, .complete(1, []), online: []),
                Moment(1, .change(1, online: [.ann], offline: []), tells: "+1", online: [.ann]),
                Moment(2, .change(1, online: [], offline: [.ann]), online: []),
                Moment(4.999, .nothing),
                Moment(5, .nothing, tells: "-1"),
                Moment(9, .nothing),
            ]),
        Story(
            name: "a return within the grace is told to nobody",
            moments: [
                Moment(0, .complete(1, [])),
                Moment(1, .change(1, online: [.ann], offline: []), tells: "+1"),
                Moment(2, .change(1, online: [], offline: [.ann]), online: []),
                Moment(4.9, .change(1, online: [.ann], offline: []), online: [.ann]),
                Moment(8, .nothing),
            ]),
        Story(
            name: "every leaving has a grace of its own",
            moments: [
                Moment(0, .complete(1, [])),
                Moment(1, .change(1, online: [.ann], offline: []), tells: "+1"),
                Moment(2, .change(1, online: [], offline: [.ann])),
                Moment(4, .change(1, online: [.ann], offline: [])),
                Moment(4.5, .change(1, online: [], offline: [.ann])),
                Moment(7.4, .nothing),
                Moment(7.5, .nothing, tells: "-1"),
            ]),
        Story(
            name: "one is online while any gateway has him",
            moments: [
                Moment(0, .complete(1, [])), Moment(0, .complete(2, [])),
                Moment(1, .change(1, online: [.ann], offline: []), tells: "+1"),
                Moment(2, .change(2, online: [.ann], offline: [])),
                Moment(3, .change(1, online: [], offline: [.ann]), online: [.ann]),
                Moment(7, .change(2, online: [], offline: [.ann]), online: []),
                Moment(10, .nothing, tells: "-1"),
            ]),
        Story(
            name: "moving from one gateway to another is told to nobody",
            moments: [
                Moment(0, .complete(1, [])), Moment(0, .complete(2, [])),
                Moment(1, .change(1, online: [.ann], offline: []), tells: "+1"),
                Moment(2, .change(1, online: [], offline: [.ann])),
                Moment(3, .change(2, online: [.ann], offline: [])),
                Moment(9, .nothing, online: [.ann]),
            ]),
        Story(
            name: "a gateway whose lease runs out has nobody online, and the grace begins then",
            moments: [
                Moment(0, .complete(1, [])),
                Moment(1, .change(1, online: [.ann, .bob], offline: []), tells: "+1+2"),
                Moment(10.999, .nothing, online: [.ann, .bob]),
                Moment(11, .nothing, online: []),
                Moment(13.999, .nothing),
                Moment(14, .nothing, tells: "-1-2"),
            ]),
        Story(
            name: "a late look finds all that was due",
            moments: [
                Moment(0, .complete(1, [])),
                Moment(1, .change(1, online: [.ann], offline: []), tells: "+1"),
                Moment(60, .nothing, tells: "-1", online: []),
            ]),
        Story(
            name: "a report renews the lease",
            moments: [
                Moment(0, .complete(1, [])),
                Moment(1, .change(1, online: [.ann], offline: []), tells: "+1"),
                Moment(10, .renew(1)), Moment(19, .renew(1), online: [.ann]), Moment(28.9, .nothing, online: [.ann]),
                Moment(29, .nothing, online: []), Moment(32, .nothing, tells: "-1"),
            ]),
        Story(
            name: "a gateway that is started again takes over from its earlier life",
            moments: [
                Moment(20, .complete(1, [.ann, .bob]), tells: "+1+2"),
                Moment(25, .complete(2, [.ann])),
                Moment(30, .nothing, online: [.ann]),
                Moment(33, .nothing, tells: "-2"),
            ]),
        Story(
            name: "a complete report replaces what the gateway had",
            moments: [
                Moment(20, .complete(1, [.ann, .bob]), tells: "+1+2"),
                Moment(21, .complete(1, [.bob, .cid]), tells: "+3", online: [.bob, .cid]),
                Moment(24, .nothing, tells: "-1"),
            ]),
        Story(
            name: "of one who is named in both lists of changes a gateway has a connection",
            moments: [
                Moment(0, .complete(1, [])),
                Moment(1, .change(1, online: [.ann], offline: [.ann]), tells: "+1", online: [.ann]),
            ]),
        Story(
            name: "of those told before the start who are still there is told nothing", told: [.ann, .bob],
            moments: [
                Moment(1, .complete(1, [.ann]), online: [.ann]), Moment(9, .complete(2, [.bob])),
                Moment(10, .renew(1), online: [.ann, .bob]), Moment(18, .nothing),
            ]),
        Story(
            name: "who left before the start is told to be gone one lease after it", told: [.ann, .bob],
            moments: [
                Moment(1, .complete(1, [.ann])), Moment(9.999, .renew(1)), Moment(10, .nothing, tells: "-2"),
                Moment(13, .nothing, online: [.ann]),
            ]),
        Story(
            name: "when no gateway comes back everybody is gone one lease after the start", told: [.ann, .bob],
            moments: [Moment(9.999, .nothing), Moment(10, .nothing, tells: "-1-2")]),
        Story(
            name: "who came before the start or since is told when all gateways have had their time", told: [.ann],
            moments: [
                Moment(1, .complete(1, [.ann, .bob]), online: [.ann, .bob]),
                Moment(3, .change(1, online: [.cid], offline: []), online: [.ann, .bob, .cid]),
                Moment(9.999, .nothing), Moment(10, .nothing, tells: "+2+3"),
            ]),
        Story(
            name: "who leaves soon after the start is told to be gone no sooner than others", told: [.ann],
            moments: [
                Moment(1, .complete(1, [.ann])), Moment(2, .change(1, online: [], offline: [.ann])),
                Moment(5, .nothing), Moment(9.999, .renew(1)), Moment(10, .nothing, tells: "-1"),
            ]),
        Story(
            name: "who leaves shortly before others are told has his grace", told: [.ann],
            moments: [
                Moment(1, .complete(1, [.ann])), Moment(9, .change(1, online: [], offline: [.ann])),
                Moment(10, .nothing), Moment(11.999, .nothing), Moment(12, .nothing, tells: "-1"),
            ]),
        Story(
            name: "who leaves one gateway and is at another that reports later is told to nobody", told: [.ann],
            moments: [
                Moment(1, .complete(1, [.ann])), Moment(2, .change(1, online: [], offline: [.ann])),
                Moment(6, .complete(2, [.ann])), Moment(15, .nothing, online: [.ann]),
            ]),
        Story(
            name: "when nobody was told before the start there is nothing to wait for",
            moments: [Moment(1, .complete(1, [.ann]), tells: "+1")]),
    ]

    @Test(arguments: stories) func `friends are told what the story says`(story: Story) throws {
        var presence = Presence(PresenceTiming(), start: Self.time(0), told: story.told)
        for moment in story.moments {
            let now = Self.time(moment.seconds)
            let report: SocialAPI.ReportPresence? =
                switch moment.step {
                case .complete(let gateway, let online):
                    SocialAPI.ReportPresence(gateway: gateway, isComplete: true, online: online, offline: [])
                case .change(let gateway, let online, let offline):
                    SocialAPI.ReportPresence(gateway: gateway, isComplete: false, online: online, offline: offline)
                case .renew(let gateway):
                    SocialAPI.ReportPresence(gateway: gateway, isComplete: false, online: [], offline: [])
                case .nothing: nil
                }
            if let report { #expect(try presence.take(report, now: now)) }
            #expect(tell(&presence, now) == moment.told, "at \(moment.seconds)")
            if let online = moment.online {
                #expect(presence.online(among: [.ann, .bob, .cid], now: now) == online, "at \(moment.seconds)")
            }
        }
    }

    /// What is due at a moment, noted as told.
    private func tell(_ presence: inout Presence, _ now: MonotonicTime) -> String {
        let changes = presence.due(atMost: 64, now: now)
        presence.noteTold(changes, now: now)
        return changes.map { ($0.isOnline ? "+" : "-") + "\($0.account)" }.joined()
    }

    private func report(
        _ gateway: Int64, isComplete: Bool = false, online: [AccountID] = [], offline: [AccountID] = []
    ) -> SocialAPI.ReportPresence {
        SocialAPI.ReportPresence(gateway: gateway, isComplete: isComplete, online: online, offline: offline)
    }

    @Test func `changes of a gateway that is not known, or not any more, are not applied`() throws {
        var presence = Presence(PresenceTiming(), start: Self.time(0), told: [])

        #expect(try !presence.take(report(1, online: [.ann]), now: Self.time(1)))
        #expect(presence.online(among: [.ann], now: Self.time(1)).isEmpty)
        #expect(presence.nextMoment == nil)

        #expect(try presence.take(report(1, isComplete: true), now: Self.time(1)))
        #expect(try presence.take(report(1), now: Self.time(10.9)))
        #expect(try !presence.take(report(1, online: [.ann]), now: Self.time(20.9)), "the lease has ended")
        #expect(presence.online(among: [.ann], now: Self.time(20.9)).isEmpty)
        #expect(tell(&presence, Self.time(20.9)).isEmpty)
    }

    @Test func `the next moment is the end of a lease or of a grace`() throws {
        var presence = Presence(PresenceTiming(), start: Self.time(0), told: [])
        #expect(try presence.take(report(1, isComplete: true, online: [.ann]), now: Self.time(1)))
        #expect(try presence.take(report(2, isComplete: true, online: [.bob]), now: Self.time(2)))
        #expect(tell(&presence, Self.time(2)) == "+1+2")
        #expect(presence.nextMoment == Self.time(11))

        #expect(try presence.take(report(1, offline: [.ann]), now: Self.time(3)))
        #expect(presence.nextMoment == Self.time(6))
        #expect(tell(&presence, Self.time(6)) == "-1")
        #expect(presence.nextMoment == Self.time(12))
        #expect(tell(&presence, Self.time(12)).isEmpty)
        #expect(presence.nextMoment == Self.time(13), "the first gateway's lease was renewed at 3")
        #expect(tell(&presence, Self.time(15)) == "-2")
        #expect(presence.nextMoment == nil)
    }

    @Test func `after a start the next moment is when all gateways have had their time`() throws {
        var presence = Presence(PresenceTiming(), start: Self.time(0), told: [.ann])
        #expect(presence.nextMoment == Self.time(10))
        #expect(try presence.take(report(1, isComplete: true, online: [.ann]), now: Self.time(1)))
        #expect(try presence.take(report(1, offline: [.ann]), now: Self.time(2)))
        #expect(tell(&presence, Self.time(6)).isEmpty)
        #expect(presence.nextMoment == Self.time(10), "what waits does not wake before it is due")
    }

    @Test func `what could not be told is due again, as it is then`() throws {
        var presence = Presence(PresenceTiming(), start: Self.time(0), told: [])
        #expect(try presence.take(report(1, isComplete: true), now: Self.time(0)))
        #expect(try presence.take(report(1, online: [.ann, .bob]), now: Self.time(1)))
        let both = [
            Presence.Change(account: .ann, isOnline: true), Presence.Change(account: .bob, isOnline: true),
        ]
        #expect(presence.due(atMost: 64, now: Self.time(1)) == both)
        #expect(presence.due(atMost: 64, now: Self.time(2)) == both)

        #expect(try presence.take(report(1, offline: [.bob]), now: Self.time(3)))

        #expect(tell(&presence, Self.time(3)) == "+1", "of the other nobody has heard")
        #expect(tell(&presence, Self.time(8)).isEmpty)
    }

    @Test func `who leaves while his arrival is told is told to be gone after the grace`() throws {
        var presence = Presence(PresenceTiming(), start: Self.time(0), told: [])
        #expect(try presence.take(report(1, isComplete: true), now: Self.time(0)))
        #expect(try presence.take(report(1, online: [.ann]), now: Self.time(1)))
        let arrival = presence.due(atMost: 64, now: Self.time(1))
        #expect(try presence.take(report(1, offline: [.ann]), now: Self.time(2)))

        presence.noteTold(arrival, now: Self.time(2))

        #expect(presence.nextMoment == Self.time(5))
        #expect(tell(&presence, Self.time(5)) == "-1")
    }

    @Test func `so many at a time are due until all are told`() throws {
        var presence = Presence(PresenceTiming(), start: Self.time(0), told: [])
        let many = (1...10).map { AccountID($0) }
        #expect(try presence.take(report(1, isComplete: true), now: Self.time(0)))
        #expect(try presence.take(report(1, online: many), now: Self.time(1)))

        var told: [AccountID] = []
        while case let changes = presence.due(atMost: 4, now: Self.time(1)), !changes.isEmpty {
            #expect(changes.count <= 4)
            presence.noteTold(changes, now: Self.time(1))
            told += changes.map(\.account)
        }

        #expect(told.sorted() == many)
    }

    @Test func `there is room for so many gateways, and again when leases have ended`() throws {
        var presence = Presence(PresenceTiming(), start: Self.time(0), told: [])
        for gateway in 1...Int64(Presence.maxGateways) {
            #expect(try presence.take(report(gateway, isComplete: true), now: Self.time(0)))
        }

        #expect(throws: ServiceError(.limitReached, detail: "\(Presence.maxGateways)")) {
            try presence.take(report(0, isComplete: true), now: Self.time(9.9))
        }
        #expect(try presence.take(report(1, isComplete: true), now: Self.time(9.9)))
        #expect(try presence.take(report(0, isComplete: true), now: Self.time(10)))
    }

    @Test(arguments: SeededGenerator.seeds(6))
    func `after any history friends were told who is online, in turns, and no absence under the grace`(
        seed: UInt64
    ) throws {
        var random = SeededGenerator(seed: seed)
        let people = (1...4).map { AccountID($0) }
        var toldOnline = Set(people.filter { _ in Bool.random(using: &random) })
        var presence = Presence(PresenceTiming(), start: Self.time(0), told: toldOnline)
        var lastOnline: [AccountID: Double] = [:]
        var seconds = 0.0
        var tellings = 0
        for _ in 1...600 {
            let step = Double(Int.random(in: 0...25, using: &random)) / 10
            for account in presence.online(among: people, now: Self.time(seconds)) { lastOnline[account] = seconds }
            seconds += step
            let some = people.filter { _ in Int.random(in: 0..<3, using: &random) == 0 }
            let isComplete = Int.random(in: 0..<4, using: &random) == 0
            let isOnline = Bool.random(using: &random)
            let gateway = Int64.random(in: 1...3, using: &random)
            _ = try presence.take(
                report(
                    gateway, isComplete: isComplete, online: isComplete || isOnline ? some : [],
                    offline: isComplete || isOnline ? [] : some),
                now: Self.time(seconds))
            // Sometimes nobody looks.
            guard Int.random(in: 0..<3, using: &random) > 0 else { continue }
            let online = presence.online(among: people, now: Self.time(seconds))
            let changes = presence.due(atMost: 64, now: Self.time(seconds))
            for change in changes where change.isOnline {
                #expect(toldOnline.insert(change.account).inserted, "told twice")
            }
            for change in changes where !change.isOnline {
                #expect(toldOnline.remove(change.account) != nil, "told twice")
                #expect(seconds - (lastOnline[change.account] ?? -100) > 2.99, "told too early")
            }
            presence.noteTold(changes, now: Self.time(seconds))
            tellings += changes.count
            if seconds >= 10 { #expect(toldOnline.isSuperset(of: online), "an arrival is told at once") }
            if seconds < 10 { #expect(changes.isEmpty, "not all gateways have had their time") }
        }
        let last = presence.due(atMost: 64, now: Self.time(seconds + 60))
        presence.noteTold(last, now: Self.time(seconds + 60))

        #expect(last.allSatisfy { !$0.isOnline })
        #expect(Set(last.map(\.account)) == toldOnline, "everybody is gone at last")
        #expect(presence.nextMoment == nil)
        #expect(tellings > 20, "a history in which nothing is told proves nothing")
    }
}
