import Shared
import Testing

@testable import SocialService

@Suite struct RequestRateTests {
    let ann = AccountID(1)
    let bob = AccountID(2)
    let start = MonotonicTime(nanoseconds: 1_000)

    @Test func `the limit holds for a minute and per account`() throws {
        var rate = RequestRate(perMinute: 2)

        try rate.admit(ann, now: start)
        try rate.admit(ann, now: start + .seconds(1))

        #expect(throws: ServiceError(.rateLimited, detail: "58")) { try rate.admit(ann, now: start + .seconds(2)) }
        #expect(throws: ServiceError(.rateLimited, detail: "1")) {
            try rate.admit(ann, now: start + .milliseconds(59_999))
        }
        try rate.admit(bob, now: start + .seconds(2))
        try rate.admit(ann, now: start + .seconds(60))
    }

    @Test func `accounts whose minute is over are forgotten when the table is full`() throws {
        var rate = RequestRate(perMinute: 1, maxAccounts: 4)
        for account in 1...4 { try rate.admit(AccountID(Int64(account)), now: start) }

        try rate.admit(AccountID(5), now: start + .seconds(60))

        #expect(rate.accountCount == 1)
    }

    @Test func `a crowd cannot grow the table and is not refused`() throws {
        var rate = RequestRate(perMinute: 1, maxAccounts: 4)

        for account in 1...100 {
            try rate.admit(AccountID(Int64(account)), now: start)
            #expect(rate.accountCount <= 4)
        }
    }
}
