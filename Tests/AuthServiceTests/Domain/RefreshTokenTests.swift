import Shared
import SharedCrypto
import Testing

@testable import AuthService

/// The life of a refresh token. Times are milliseconds; every state begins at 1,000,000.
@Suite struct RefreshRulesTests {
    private static let start: Int64 = 1_000_000

    private static func retired(lastAnsweredAfter answered: Int64 = 0, isSuccessorUsed: Bool) -> RefreshTokenState {
        .retired(at: start, lastAnsweredAt: start + answered, isSuccessorUsed: isSuccessorUsed)
    }

    @Test(
        arguments: [
            // A live token is exchanged, whatever the time.
            (.live, 0, .rotate), (.live, 86_400_000, .rotate), (.live, -86_400_000, .rotate),

            // Presented again at once: a double click, whether its successor was used meanwhile or not.
            (retired(isSuccessorUsed: false), 0, .refuse), (retired(isSuccessorUsed: false), 1_999, .refuse),
            (retired(isSuccessorUsed: true), 0, .refuse), (retired(isSuccessorUsed: true), 1_999, .refuse),

            // Presented again a little later, and nobody has used the successor: the answer was lost.
            (retired(isSuccessorUsed: false), 2_000, .replaceSuccessor),
            (retired(isSuccessorUsed: false), 29_999, .replaceSuccessor),

            // Every answer begins two seconds of double clicks of its own…
            (retired(lastAnsweredAfter: 5_000, isSuccessorUsed: false), 5_000, .refuse),
            (retired(lastAnsweredAfter: 5_000, isSuccessorUsed: false), 6_999, .refuse),
            (retired(lastAnsweredAfter: 5_000, isSuccessorUsed: false), 7_000, .replaceSuccessor),
            (retired(lastAnsweredAfter: 29_999, isSuccessorUsed: false), 31_998, .refuse),
            // …but no new half minute.
            (retired(lastAnsweredAfter: 29_999, isSuccessorUsed: false), 31_999, .revokeSession),

            // Later, or after the successor was used, two parties hold tokens of the session.
            (retired(isSuccessorUsed: false), 30_000, .revokeSession),
            (retired(isSuccessorUsed: false), 86_400_000, .revokeSession),
            (retired(isSuccessorUsed: true), 2_000, .revokeSession),
            (retired(isSuccessorUsed: true), 29_999, .revokeSession),

            // A void token is one whose answer arrived after all, at a party that is not the one it was replaced for.
            (.void(since: start), 0, .refuse), (.void(since: start), 1_999, .refuse),
            (.void(since: start), 2_000, .revokeSession), (.void(since: start), 86_400_000, .revokeSession),

            // A clock that was set back does not make a theft of a double click.
            (retired(isSuccessorUsed: false), -1, .refuse), (retired(isSuccessorUsed: true), -86_400_000, .refuse),
            (.void(since: start), -1, .refuse),
        ] as [(RefreshTokenState, Int64, RefreshDecision)])
    func `state and time decide what a presented token is worth`(
        state: RefreshTokenState, later: Int64, decision: RefreshDecision
    ) {
        #expect(RefreshRules.decide(state, now: Self.start + later) == decision)
    }
}

@Suite struct RefreshTokenTests {
    private let bytes = [UInt8](0..<32)

    @Test func `a token is its prefix and its random bytes, and is known by their digest`() {
        let token = RefreshToken(randomBytes: bytes)

        #expect(token.text == "mrt_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")
        #expect(token.digest.bytes == SHA256.hash(bytes))
        #expect(RefreshToken(token.text) == token)
    }

    @Test(arguments: [
        "", "mrt_", "mrt", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
        "mrt_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg", "mrt_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9",
        "MRT_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
        "mrt_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8AAAA", " mrt_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
    ])
    func `nothing else is read as one`(text: String) {
        #expect(RefreshToken(text) == nil)
    }

    @Test func `printing a token does not show it`() {
        let token = RefreshToken(randomBytes: bytes)

        #expect(!"\(token)".contains("AAEC"))
    }
}
