import Shared
import TestSupport
import Testing

@testable import AuthService

@Suite struct LookUpTests {
    @Test func `profiles come once each and unknown ids are left out`() async throws {
        try await withAuthService { _, client in
            for name in ["Alice", "Bob", "Carol"] { _ = try await client.ask(AuthAPI.Register.test(name)) }

            let ids: [Int64] = [3, 99, 1, 3, 0, -1, .max]
            let profiles = try await client.ask(AuthAPI.Profiles(accounts: ids.map { AccountID($0) })).profiles

            #expect(profiles.map(\.userName) == ["Alice", "Carol"])
            #expect(try await client.ask(AuthAPI.Profiles(accounts: [])).profiles == [])
        }
    }

    @Test func `500 profiles may be asked for and not one more`() async throws {
        try await withAuthService { _, client in
            _ = try await client.ask(AuthAPI.Register.test())
            let ids = (1...501).map { AccountID($0) }

            #expect(try await client.ask(AuthAPI.Profiles(accounts: Array(ids.dropLast()))).profiles.count == 1)
            #expect(await client.refusal(of: AuthAPI.Profiles(accounts: ids))?.code == .badRequest)
        }
    }

    @Test func `a cancelled account keeps its profile but is never found by name`() async throws {
        try await withAuthService { bus, client in
            let account = try await client.ask(AuthAPI.Register.test("Alice")).profile.account
            try await bus.changeDatabase("UPDATE account SET cancelledAt = 1 WHERE id = \(account)")

            let profiles = try await client.ask(AuthAPI.Profiles(accounts: [account])).profiles
            #expect(profiles.map(\.isCancelled) == [true])
            #expect(try await client.ask(AuthAPI.FindAccounts(match: .userName, text: "Alice")).profiles == [])
            #expect(try await client.ask(AuthAPI.FindAccounts(match: .userNamePrefix, text: "Al")).profiles == [])
            #expect(try await client.ask(AuthAPI.FindAccounts(match: .uid, text: "m_1")).profiles == [])
            #expect(try await client.ask(AuthAPI.FindAccounts(match: .partOfNickname, text: "lic")).profiles == [])
        }
    }

    @Test(
        arguments: [
            (.userName, "Alice", ["Alice"]), (.userName, "alice", []), (.userName, "Ali", []), (.userName, "", []),
            (.userName, "Alice\0x", []), (.userNamePrefix, "Ali", ["Ali2", "Alice", "Alicia"]),
            (.userNamePrefix, "Alice", ["Alice"]), (.userNamePrefix, "ali", ["ali3"]), (.userNamePrefix, "Ali%", []),
            (.userNamePrefix, "Ali_", []), (.userNamePrefix, "Z", []),
            (.userNamePrefix, "", ["Ali2", "Alice", "Alicia", "Bob", "ali3"]),
            (.uid, "m_2", ["Alicia"]), (.uid, "M_2", []), (.uid, "m_", []), (.uid, "Alice", []), (.uid, "", []),
            (.uid, "m_2\0", []),
        ] as [(AuthAPI.AccountMatch, String, [String])])
    func `user names are found exactly or by prefix and handles exactly, in their order`(
        match: AuthAPI.AccountMatch, text: String, expected: [String]
    ) async throws {
        try await withAuthService { _, client in
            for name in ["Bob", "Alicia", "ali3", "Alice", "Ali2"] {
                _ = try await client.ask(AuthAPI.Register.test(name))
            }

            let found = try await client.ask(AuthAPI.FindAccounts(match: match, text: text)).profiles
            #expect(found.map(\.userName) == expected)
        }
    }

    @Test(arguments: [
        ("alice", ["100% Alice", "Alice_1", "alice"]), ("ALICE", ["100% Alice", "Alice_1", "alice"]),
        ("%", ["100% Alice"]), ("_", ["Alice_1"]), ("100%", ["100% Alice"]), ("lice_", ["Alice_1"]),
        ("\\", ["a\\b"]), ("爱丽", ["爱丽丝 Ä"]), ("Ä", ["xÄÖ Иван Ωmega", "爱丽丝 Ä"]),
        ("ä", ["xÄÖ Иван Ωmega", "爱丽丝 Ä"]), ("a\u{308}", ["xÄÖ Иван Ωmega", "爱丽丝 Ä"]),
        ("' OR 1=1", []),
        ("äö", ["xÄÖ Иван Ωmega"]), ("иван", ["xÄÖ Иван Ωmega"]), ("ωmega", ["xÄÖ Иван Ωmega"]), ("\u{200B}", []),
        ("ＯＭＥＧＡ", []), ("ｍＥＧＡ", ["xÄÖ Иван Ωmega"]),
        ("", []), ("alice\0", []), ("Bob", []), (String(repeating: "a", count: 100_000), []),
    ])
    func `nicknames are found by every part, whatever the case of its letters`(
        text: String, expected: [String]
    ) async throws {
        try await withAuthService { _, client in
            for (index, nickname) in ["alice", "爱丽丝 Ä", "a\\b", "Alice_1", "100% Alice", "xÄÖ Иван Ωmega"].enumerated()
            {
                _ = try await client.ask(AuthAPI.Register.test("user\(index)", nickname: nickname, rules: .socket))
            }

            let found = try await client.ask(AuthAPI.FindAccounts(match: .partOfNickname, text: text)).profiles
            #expect(found.map(\.nickname) == expected)
        }
    }

    @Test(arguments: [AuthAPI.AccountMatch.userNamePrefix, .partOfNickname])
    func `at most 50 are found`(match: AuthAPI.AccountMatch) async throws {
        try await withAuthService { _, client in
            for number in 100...150 { _ = try await client.ask(AuthAPI.Register.test("user\(number)")) }

            let found = try await client.ask(AuthAPI.FindAccounts(match: match, text: "user")).profiles

            #expect(found.map(\.userName) == (100...149).map { "user\($0)" })
        }
    }

    @Test func `16 of the largest pictures come at once, accounts without one are left out`() async throws {
        let picture = [0xFF, 0xD8, 0xFF] + [UInt8](repeating: 0xAB, count: 524_285)
        // Only a real socket has a limit to the size of a frame.
        try await withAuthServiceOverUnixSocket { client in
            for number in 1...16 {
                _ = try await client.ask(AuthAPI.Register.test("user\(number)", picture: picture))
            }
            _ = try await client.ask(AuthAPI.Register.test("plain"))
            let ids = (1...17).map { AccountID($0) }

            let pictures = try await client.ask(AuthAPI.Pictures(accounts: Array(ids.dropLast()))).pictures
            #expect(pictures.map(\.account) == Array(ids.dropLast()))
            #expect(pictures.allSatisfy { $0.mediaType == "image/jpeg" && $0.content.bytes == picture })
            #expect(try await client.ask(AuthAPI.Pictures(accounts: [AccountID(17), AccountID(99)])).pictures == [])
            #expect(await client.refusal(of: AuthAPI.Pictures(accounts: ids))?.code == .badRequest)
        }
    }
}
