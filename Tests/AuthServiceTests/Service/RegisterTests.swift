import Shared
import SharedCrypto
import SharedStorage
import TestSupport
import Testing

@testable import AuthService

@Suite struct RegisterTests {
    @Test func `accounts are numbered from 1 and begin with the defaults`() async throws {
        try await withAuthService { _, client in
            let first = try await client.ask(AuthAPI.Register.test("Alice"))
            let second = try await client.ask(AuthAPI.Register.test("Bob", phoneNumber: "+86-1324321", email: ""))

            #expect(first.profile.account == AccountID(1))
            #expect(second.profile.account == AccountID(2))
            let profiles = try await client.ask(AuthAPI.Profiles(accounts: [second.profile.account])).profiles
            #expect(
                profiles == [
                    Profile(
                        account: second.profile.account, userName: "Bob", nickname: "Bob", uid: "m_2",
                        phoneNumber: "+86-1324321", email: "", pictureVersion: 0, sex: -1, sign: "",
                        isCancelled: false)
                ])
        }
    }

    @Test func `a picture is stored with its sniffed type and version 1`() async throws {
        let png: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 1, 2, 3]
        try await withAuthService { _, client in
            let account = try await client.ask(AuthAPI.Register.test(picture: png)).profile.account

            let pictures = try await client.ask(AuthAPI.Pictures(accounts: [account])).pictures
            #expect(
                pictures == [
                    Picture(
                        account: account, version: 1, mediaType: "image/png", isDataURL: false, content: Blob(png))
                ])
            let profiles = try await client.ask(AuthAPI.Profiles(accounts: [account])).profiles
            #expect(profiles.map(\.pictureVersion) == [1])
        }
    }

    @Test func `a picture of the limit is accepted and one byte more is refused`() async throws {
        try await withAuthService { _, client in
            let largest = [UInt8](repeating: 7, count: 524_288)

            #expect(
                await client.refusal(of: AuthAPI.Register.test(picture: largest + [7]))
                    == ServiceError(.pictureTooLarge, detail: "524288"))
            _ = try await client.ask(AuthAPI.Register.test(picture: largest))
        }
    }

    @Test func `a taken name is refused, one of another case is free`() async throws {
        try await withAuthService { _, client in
            _ = try await client.ask(AuthAPI.Register.test("Alice"))

            #expect(
                await client.refusal(of: AuthAPI.Register.test("Alice"))
                    == ServiceError(.userNameTaken, detail: "Alice"))
            _ = try await client.ask(AuthAPI.Register.test("alice"))
        }
    }

    @Test(arguments: ["Alice\0", "Alice\0x", "Alice ", "Älice"])
    func `a name that only resembles a taken one is refused for its characters`(name: String) async throws {
        try await withAuthService { _, client in
            _ = try await client.ask(AuthAPI.Register.test("Alice"))

            #expect(
                await client.refusal(of: AuthAPI.Register.test(name))
                    == ServiceError(.forbiddenCharacters, detail: "userName"))
        }
    }

    @Test func `the checks come in the order of the document`() async throws {
        let long = String(repeating: "-", count: 256)
        let large = [UInt8](repeating: 0, count: 524_289)
        // Each request mends what the one before it was refused for.
        let steps: [(AuthAPI.Register, ServiceError)] = [
            (
                .test(long, password: long, phoneNumber: "1", email: long, picture: large),
                ServiceError(.wrongLength, detail: "userName")
            ),
            (
                .test("Alice", password: long, phoneNumber: "1", email: long, picture: large),
                ServiceError(.wrongLength, detail: "password")
            ),
            (
                .test("Alice", password: "!!!!!!", phoneNumber: "1", email: long, picture: large),
                ServiceError(.wrongLength, detail: "email")
            ),
            (
                .test("Alice", password: "!!!!!!", phoneNumber: "1", email: "!", picture: large),
                ServiceError(.wrongLength, detail: "phoneNumber")
            ),
            (
                .test("Alice", password: "!!!!!!", phoneNumber: "1324321876x", email: "!", picture: large),
                ServiceError(.pictureTooLarge, detail: "524288")
            ),
            (
                .test("Alice", password: "!!!!!!", phoneNumber: "1324321876x", email: "!"),
                ServiceError(.userNameTaken, detail: "Alice")
            ),
            (
                .test("B!", password: "!!!!!!", phoneNumber: "1324321876x", email: "!"),
                ServiceError(.forbiddenCharacters, detail: "userName")
            ),
            (
                .test("Bob", password: "!!!!!!", phoneNumber: "1324321876x", email: "!"),
                ServiceError(.forbiddenCharacters, detail: "password")
            ),
            (
                .test("Bob", password: "123456", phoneNumber: "1324321876x", email: "!"),
                ServiceError(.forbiddenCharacters, detail: "phoneNumber")
            ),
            (
                .test("Bob", password: "123456", phoneNumber: "13243218765", email: "!"),
                ServiceError(.forbiddenCharacters, detail: "email")
            ),
        ]
        try await withAuthService { _, client in
            _ = try await client.ask(AuthAPI.Register.test("Alice"))

            for (request, expected) in steps {
                #expect(await client.refusal(of: request) == expected)
            }
            let last = try await client.ask(AuthAPI.Register.test("Bob", password: "123456", email: "@."))
            #expect(last.profile.account == AccountID(2), "what was refused has used up no number")
        }
    }

    @Test func `of simultaneous registrations of one name exactly one wins`() async throws {
        try await withAuthService { (_, client) async throws in
            let results = await client.askAll((0..<8).map { _ in AuthAPI.Register.test("Alice") })

            #expect(results.compactMap(\.value).map(\.profile.account) == [AccountID(1)])
            let losses = results.compactMap(\.error)
            #expect(losses == Array(repeating: ServiceError(.userNameTaken, detail: "Alice"), count: 7))
            #expect(try await client.ask(AuthAPI.Register.test("Bob")).profile.account == AccountID(2))
        }
    }

    // MARK: - Other dialects

    @Test func `without a user name the default handle gives one, in the alphabet of classic`() async throws {
        try await withAuthService { _, client in
            for number in 1...9 { _ = try await client.ask(AuthAPI.Register.test("user\(number)")) }

            let profile = try await client.ask(AuthAPI.Register.rest(phoneNumber: "00000000000")).profile

            #expect(
                profile
                    == Profile(
                        account: AccountID(10), userName: "ma", nickname: "明日丸", uid: "m_a",
                        phoneNumber: "00000000000", email: "", pictureVersion: 0, sex: -1, sign: "",
                        isCancelled: false))
            #expect(try await client.ask(AuthAPI.LogIn.test("ma")).profile == profile)
        }
    }

    @Test func `a default user name that is somebody else's is lengthened until it is free`() async throws {
        try await withAuthService { bus, client in
            for name in ["m4", "m4X2", "m5"] { _ = try await client.ask(AuthAPI.Register.test(name)) }

            let lengthened = try await client.ask(AuthAPI.Register.rest(phoneNumber: "00000000001")).profile
            try await bus.changeDatabase("UPDATE account SET cancelledAt = 1 WHERE userName = 'm5'")
            let plain = try await client.ask(AuthAPI.Register.rest(phoneNumber: "00000000002")).profile

            #expect(lengthened.userName == "m4X3")
            #expect(plain.userName == "m5")
        }
    }

    @Test func `rest refuses a phone number that is owned, and classic carries it`() async throws {
        try await withAuthService { bus, client in
            _ = try await client.ask(AuthAPI.Register.test("first"))

            #expect(await client.refusal(of: AuthAPI.Register.rest()) == ServiceError(.phoneNumberTaken))
            _ = try await client.ask(AuthAPI.Register.test("second"))
            _ = try await client.ask(AuthAPI.ModifyAccount.test(1, phoneNumber: "00000000000"))
            let heir = try await client.ask(AuthAPI.Register.rest()).profile.account

            #expect(heir == AccountID(3))
            #expect(try await bus.phoneOwners() == [1, 3])
            #expect(
                try await client.ask(AuthAPI.LogIn.test("13243218765", kind: .phoneNumber)).profile.account == heir)
        }
    }

    @Test func `of simultaneous rest registrations with one number exactly one wins`() async throws {
        try await withAuthService { (_, client) async throws in
            let results = await client.askAll((0..<8).map { AuthAPI.Register.rest("name\($0)") })

            #expect(results.compactMap(\.value).map(\.profile.account) == [AccountID(1)])
            #expect(results.compactMap(\.error) == Array(repeating: ServiceError(.phoneNumberTaken), count: 7))
        }
    }

    @Test func `rest checks lengths, then the number, then characters`() async throws {
        let steps: [(AuthAPI.Register, ServiceError)] = [
            (.rest(nil, password: "12345", phoneNumber: "1"), ServiceError(.wrongLength, detail: "nickname")),
            (.rest("", password: "12345", phoneNumber: "1"), ServiceError(.wrongLength, detail: "nickname")),
            (.rest("a\0", password: "12345", phoneNumber: "1"), ServiceError(.passwordTooShort, detail: "6")),
            (.rest("a\0", password: "12345\0", phoneNumber: "1"), ServiceError(.wrongLength, detail: "phoneNumber")),
            (.rest("a\0", password: "12345\0"), ServiceError(.phoneNumberTaken)),
            (
                .rest("a\0", password: "12345\0", phoneNumber: "1324321876\0"),
                ServiceError(.forbiddenCharacters, detail: "nickname")
            ),
            (
                .rest("a", password: "12345\0", phoneNumber: "+8613243218"),
                ServiceError(.forbiddenCharacters, detail: "password")
            ),
            (.rest(phoneNumber: "+8613243218"), ServiceError(.forbiddenCharacters, detail: "phoneNumber")),
        ]
        try await withAuthService { _, client in
            _ = try await client.ask(AuthAPI.Register.test())

            for (request, expected) in steps { #expect(await client.refusal(of: request) == expected) }
            let last = try await client.ask(AuthAPI.Register.rest(phoneNumber: "00000000000"))
            #expect(last.profile.account == AccountID(2), "what was refused has used up no number")
        }
    }

    @Test func `socket registers with nickname, sex and sign, and without phone number and e-mail`() async throws {
        try await withAuthService { bus, client in
            let profile = try await client.ask(
                AuthAPI.Register.test(
                    "Alice", password: "!!!!!!", nickname: "爱丽丝 🐰", phoneNumber: "", email: "", sex: 0, sign: "你好",
                    rules: .socket)
            ).profile
            let plain = try await client.ask(
                AuthAPI.Register.test("Bob", phoneNumber: "", email: "", sex: 1, rules: .socket)
            ).profile

            #expect(
                profile
                    == Profile(
                        account: AccountID(1), userName: "Alice", nickname: "爱丽丝 🐰", uid: "m_1", phoneNumber: "",
                        email: "", pictureVersion: 0, sex: 0, sign: "你好", isCancelled: false))
            #expect(plain.nickname == "Bob")
            #expect(plain.sex == 1)
            // No number is nobody's, however many have none.
            #expect(try await bus.phoneOwners() == [])
            _ = try await client.ask(AuthAPI.ModifyAccount.test(2, rules: .socket, phoneNumber: "13243218765"))
            #expect(try await bus.phoneOwners() == [2])
            _ = try await client.ask(AuthAPI.ModifyAccount.test(2, rules: .socket, phoneNumber: ""))
            #expect(try await bus.phoneOwners() == [])
        }
    }

    @Test(arguments: [Int32.min, -2, 2, .max])
    func `another sex than those known is refused`(sex: Int32) async throws {
        try await withAuthService { _, client in
            #expect(
                await client.refusal(of: AuthAPI.Register.test(sex: sex, rules: .socket))
                    == ServiceError(.wrongLength, detail: "sex"))
        }
    }

    @Test(arguments: [Dialect.classic, .socket])
    func `classic and socket need a user name`(rules: Dialect) async throws {
        try await withAuthService { _, client in
            #expect(
                await client.refusal(of: AuthAPI.Register.test(nil, nickname: "Alice", rules: rules))
                    == ServiceError(.wrongLength, detail: "userName"))
        }
    }

    // MARK: - Limits

    @Test func `the 21st registration of an address within an hour is refused, one of another address is not`()
        async throws
    {
        var configuration = try testConfiguration()
        configuration.areRatesLimited = true
        try await withAuthService(configuration) { _, client in
            for number in 1...20 { _ = try await client.ask(AuthAPI.Register.test("user\(number)")) }

            let refusal = try #require(await client.refusal(of: AuthAPI.Register.test("user21")))
            #expect(refusal.code == .rateLimited)
            let seconds = try #require(Int(refusal.detail))
            #expect(3_500...3_600 ~= seconds)
            _ = try await client.ask(AuthAPI.Register.test("user21", address: "192.0.2.2"))
        }
    }

    @Test func `more passwords than may wait are refused as overload and change nothing`() async throws {
        var configuration = try testConfiguration()
        configuration.passwordCost = try ScryptCost(n: 32_768, r: 8, p: 2)
        configuration.maxWaitingHashes = 0
        try await withAuthService(configuration) { _, client in
            let results = await client.askAll((1...6).map { AuthAPI.Register.test("user\($0)") })

            let created = results.compactMap(\.value)
            let refused = results.compactMap(\.error)
            #expect(created.count >= 1)
            #expect(refused.count >= 1)
            #expect(refused.allSatisfy { $0.code == .unavailable })
            let found = try await client.ask(AuthAPI.FindAccounts(match: .userNamePrefix, text: "user")).profiles
            #expect(found.count == created.count)
        }
    }
}
