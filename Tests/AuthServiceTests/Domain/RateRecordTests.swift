import Shared
import Testing

@testable import AuthService

@Suite struct RateRecordTests {
    private let minutes: Int64 = 60_000
    private let rule = RateRule(limit: 10, window: 600_000, maxWindow: 3_600_000)

    private func wait(_ record: RateRecord, pending: Int = 0, at time: Int64) -> Int64? {
        record.secondsToWait(pending: pending, at: time, rule)
    }

    @Test func `so many fit into any window, and the next waits until the first is out of it`() {
        var record = RateRecord()
        for minute in 0..<10 as Range<Int64> {
            #expect(wait(record, at: minute * minutes) == nil)
            record.count(at: minute * minutes, rule)
        }
        #expect(wait(record, at: 9 * minutes) == 60)
        #expect(wait(record, at: 10 * minutes - 1) == 1)
        #expect(wait(record, at: 10 * minutes) == nil)
    }

    @Test func `the window doubles each time it is filled, to an hour, and is narrow again after a long pause`() {
        var record = RateRecord()
        var time: Int64 = 0
        for expected in [10, 20, 40, 60, 60] as [Int64] {
            for _ in 1...10 {
                #expect(wait(record, at: time) == nil)
                record.count(at: time, rule)
            }
            #expect(wait(record, at: time) == expected * 60)
            time += expected * minutes
        }
        time += 60 * minutes
        #expect(record.end(rule) == time)
        for _ in 1...10 { record.count(at: time, rule) }
        #expect(wait(record, at: time) == 600)
    }

    @Test func `one more try after each wait doubles it too`() {
        var record = RateRecord()
        for _ in 1...9 { record.count(at: 0, rule) }
        record.count(at: 1 * minutes, rule)
        #expect(wait(record, at: 1 * minutes) == 540)
        for _ in 1...9 { record.count(at: 10 * minutes, rule) }
        #expect(wait(record, at: 10 * minutes) == 660)
    }

    @Test func `those under way count until they are settled`() {
        var record = RateRecord()
        for _ in 1...7 { record.count(at: 0, rule) }
        #expect(wait(record, pending: 2, at: 0) == nil)
        #expect(wait(record, pending: 3, at: 0) == 1)
        #expect(wait(record, pending: 10, at: 10 * minutes) == 1)
    }

    @Test func `nobody waits longer than the window, whatever became of the clock`() {
        var record = RateRecord()
        for _ in 1...10 { record.count(at: 1_000 * minutes, rule) }
        #expect(wait(record, at: 0) == 600)
    }
}

@Suite struct LogInAttemptTests {
    private let account = AccountID(1)

    @Test func `what is told depends on what the caller says, not on whose name it is`() {
        let request = AuthAPI.LogIn.test("13243218765", kind: .phoneNumber)
        let told = [account, AccountID(2), nil].map { LogInAttempt(request, to: $0, from: .anywhere).told }
        #expect(
            Set(told) == [
                [.failures(network: "192.0.2.1"), .failuresOfName(.phoneNumber, "13243218765", network: nil)]
            ])
        #expect(
            LogInAttempt(request, to: account, from: .anywhere).silent == .failuresOfAccount(account, network: nil))
        #expect(LogInAttempt(request, to: nil, from: .anywhere).silent == nil)
    }

    @Test func `a known device is counted for itself, a known network apart from strangers`() {
        let session = LogInAttempt(.test(), to: account, from: .session(SessionID(7)))
        #expect(session.subjects == [.failuresInSession(SessionID(7))])
        let home = LogInAttempt(.test(), to: account, from: .knownNetwork)
        #expect(
            home.subjects == [
                .failures(network: "192.0.2.1"), .failuresOfName(.userName, "Ashitemaru", network: "192.0.2.1"),
                .failuresOfAccount(account, network: "192.0.2.1"),
            ])
    }

    @Test func `a name no account can have counts for the network alone`() {
        let attempt = LogInAttempt(.test("no name", address: "::ffff:192.0.2.1"), to: nil, from: .anywhere)
        #expect(attempt.subjects == [.failures(network: "192.0.2.1")])
    }

    @Test func `no two subjects are stored as one`() {
        let subjects: [RateSubject] = [
            .registrations(network: "1"), .failures(network: "1"), .failuresInSession(SessionID(1)),
            .failuresOfName(.userName, "1", network: nil), .failuresOfName(.userName, "1", network: "1"),
            .failuresOfName(.uid, "1", network: nil), .failuresOfAccount(AccountID(1), network: nil),
            .failuresOfAccount(AccountID(1), network: "1"), .failuresOfAccount(AccountID(11), network: nil),
        ]
        #expect(Set(subjects.map(\.digest.bytes)).count == subjects.count)
    }
}
