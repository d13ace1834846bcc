import Shared
import Testing

@testable import AuthService

@Suite struct RateLimitsTests {
    private let minutes: Int64 = 60_000

    /// The names of one account.
    private let names: [(AuthAPI.LogInName, String)] = [
        (.userName, "user"), (.uid, "m_1"), (.phoneNumber, "13243218765"),
    ]

    private func attempt(
        _ name: String, _ address: String, kind: AuthAPI.LogInName = .userName, to account: AccountID? = nil
    ) -> RateLimits.LogInAttempt {
        RateLimits.LogInAttempt(.test(name, kind: kind, address: address), to: account)
    }

    private func fail(_ name: String, _ address: String, at time: Int64, in limits: inout RateLimits) throws {
        try fail(attempt(name, address), at: time, in: &limits)
    }

    private func fail(_ attempt: RateLimits.LogInAttempt, at time: Int64, in limits: inout RateLimits) throws {
        try limits.begin(attempt, now: time)
        limits.end(attempt, failed: true, now: time)
    }

    @Test func `the names of one account count together, those of nobody for themselves`() throws {
        var limits = RateLimits()
        let account = AccountID(1)
        for index in 0..<10 {
            let (kind, name) = names[index % names.count]
            try fail(attempt(name, "192.0.2.1", kind: kind, to: account), at: 0, in: &limits)
        }

        for (kind, name) in names {
            #expect(throws: ServiceError(.rateLimited, detail: "600")) {
                try limits.begin(attempt(name, "192.0.2.1", kind: kind, to: account), now: 0)
            }
            try fail(attempt(name, "192.0.2.1", kind: kind), at: 0, in: &limits)
        }
        for _ in 1...10 { try fail(attempt("m1", "192.0.2.2", kind: .uid), at: 0, in: &limits) }
        #expect(throws: ServiceError.self) { try limits.begin(attempt("m1", "192.0.2.2", kind: .uid), now: 0) }
        try limits.begin(attempt("m1", "192.0.2.2", kind: .userName), now: 0)
    }

    @Test func `the first try of a name is admitted whatever failed under the others of its account`() throws {
        var limits = RateLimits()
        let account = AccountID(1)
        for _ in 1...10 { try fail(attempt("m_1", "192.0.2.1", kind: .uid, to: account), at: 0, in: &limits) }

        // As it is for a number that is somebody else's.
        for owner in [account, AccountID(2), nil] {
            let number = attempt("1324321876\(owner?.rawValue ?? 0)", "192.0.2.1", kind: .phoneNumber, to: owner)
            try fail(number, at: 0, in: &limits)
        }
        #expect(throws: ServiceError(.rateLimited, detail: "600")) {
            try limits.begin(attempt("13243218761", "192.0.2.1", kind: .phoneNumber, to: account), now: 0)
        }
    }

    @Test func `guessing under all names of an account ends after twelve failures of a network`() throws {
        for (isOneByOne, limit) in [(true, 12), (false, 10)] {
            var limits = RateLimits()
            let tries = (0..<60).map { names[isOneByOne ? $0 / 20 : $0 % 3] }
            var failures = 0
            for (kind, name) in tries {
                let attempt = attempt(name, "192.0.2.1", kind: kind, to: AccountID(1))
                if (try? fail(attempt, at: 0, in: &limits)) != nil { failures += 1 }
            }
            #expect(failures == limit)
        }
    }

    @Test func `ten failures bar whoever failed, for ten minutes, and admit whoever did not`() throws {
        var limits = RateLimits()
        for _ in 1...9 { try fail("user", "192.0.2.1", at: 0, in: &limits) }
        try fail("user", "192.0.2.2", at: 0, in: &limits)

        for address in ["192.0.2.1", "192.0.2.2"] {
            #expect(throws: ServiceError(.rateLimited, detail: "600")) {
                try limits.begin(attempt("user", address), now: 0)
            }
        }
        try limits.begin(attempt("user", "192.0.2.3"), now: 0)
        limits.end(attempt("user", "192.0.2.3"), failed: false, now: 0)
        try limits.begin(attempt("other", "192.0.2.1"), now: 0)
        try limits.begin(attempt("user", "192.0.2.1"), now: 10 * minutes)
    }

    @Test func `while a name is barred, an address that never failed has one try`() throws {
        var limits = RateLimits()
        for _ in 1...10 { try fail("user", "192.0.2.1", at: 0, in: &limits) }

        try limits.begin(attempt("user", "192.0.2.2"), now: 1)
        #expect(throws: ServiceError(.rateLimited, detail: "1")) {
            try limits.begin(attempt("user", "192.0.2.2"), now: 1)
        }
        limits.end(attempt("user", "192.0.2.2"), failed: true, now: 1)
        #expect(throws: ServiceError.self) { try limits.begin(attempt("user", "192.0.2.2"), now: 2) }
    }

    @Test func `simultaneous log-ins get no more tries than successive ones`() throws {
        var limits = RateLimits()
        for _ in 1...10 { try limits.begin(attempt("user", "192.0.2.1"), now: 0) }

        #expect(throws: ServiceError(.rateLimited, detail: "1")) {
            try limits.begin(attempt("user", "192.0.2.1"), now: 0)
        }
        limits.end(attempt("user", "192.0.2.1"), failed: false, now: 0)
        try limits.begin(attempt("user", "192.0.2.1"), now: 0)
    }

    @Test func `fifty failures bar an address for every name, the impossible ones included`() throws {
        var limits = RateLimits()
        for number in 1...25 {
            try fail("user\(number)", "192.0.2.1", at: 0, in: &limits)
            try fail("no name\(number)", "192.0.2.1", at: 0, in: &limits)
        }

        #expect(throws: ServiceError(.rateLimited, detail: "600")) {
            try limits.begin(attempt("user", "192.0.2.1"), now: 0)
        }
        try limits.begin(attempt("user", "192.0.2.2"), now: 0)
    }

    @Test func `an address may register 20 times in any hour`() throws {
        var limits = RateLimits()
        for number in 1...20 { try limits.admitRegistration(from: "192.0.2.1", now: Int64(number) * minutes) }

        #expect(throws: ServiceError(.rateLimited, detail: "2400")) {
            try limits.admitRegistration(from: "192.0.2.1", now: 21 * minutes)
        }
        try limits.admitRegistration(from: "192.0.2.2", now: 21 * minutes)
        try limits.admitRegistration(from: "192.0.2.1", now: 61 * minutes)
    }
}

@Suite struct NetworkTests {
    @Test(arguments: [
        ("192.0.2.1", "192.0.2.1"), ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "20-1-d-b8-0-1-0-2"), ("2001:db8:1:2::1", "20-1-d-b8-0-1-0-2"), ("", ""),
        (String(repeating: "x", count: 65), String(repeating: "x", count: 64)),
    ])
    func `an IPv6 address stands for its network`(address: String, name: String) {
        #expect(Network.name(of: address) == name)
    }
}
