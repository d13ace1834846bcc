import Shared
import Testing

@testable import Gateway

@Suite struct RecentClaimsTests {
    @Test func `the latest claim of an account counts, whatever comes behind it`() {
        var claims = RecentClaims()
        #expect(claims[AccountID(1)] == 0)
        for (account, claim) in [(1, 5), (2, 6), (1, 7), (1, 4)] as [(Int64, Int64)] {
            claims.note(SocialAPI.NoticesClaimed(account: AccountID(account), claim: claim))
        }
        #expect(claims[AccountID(1)] == 7 && claims[AccountID(2)] == 6)
    }

    @Test func `the oldest claims are forgotten, the latest of an account is not forgotten with an older one`() {
        var claims = RecentClaims()
        for claim in 1...Int64(RecentClaims.maxCount) + 2 {
            // The second account claims at first and at last.
            let account: Int64 = claim == 2 || claim == 1_000 ? 2 : claim == 1 ? 1 : 3
            claims.note(SocialAPI.NoticesClaimed(account: AccountID(account), claim: claim))
        }
        #expect(claims[AccountID(1)] == 0)
        #expect(claims[AccountID(2)] == 1_000)
        #expect(claims[AccountID(3)] == Int64(RecentClaims.maxCount) + 2)
    }
}
