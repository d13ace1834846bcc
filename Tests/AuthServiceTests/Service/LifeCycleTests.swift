import Foundation
import Shared
import SharedCrypto
import SharedStorage
import TestSupport
import Testing

@testable import AuthService

@Suite struct LifeCycleTests {
    @Test func `a restart keeps accounts, pictures, sessions, revocations and the signing key`() async throws {
        let first = try TestBus()
        let (live, over, revoked, keys) = try await withAuthService(on: first) { _, client in
            _ = try await client.ask(AuthAPI.Register.test(picture: [1, 2, 3]))
            let live = try await client.ask(AuthAPI.LogIn.test())
            let over = try await client.ask(AuthAPI.LogIn.test(dialect: .socket))
            _ = try await client.ask(AuthAPI.LogOut.test(over.session))
            let revoked = try await client.ask(AuthAPI.RevokedSessions())
            return (live, over, revoked, try await client.ask(AuthAPI.SigningKeys()))
        }

        try await withAuthService(dataPath: first.configuration.dataPath) { (_, client) async throws in
            #expect(try await client.ask(AuthAPI.SigningKeys()) == keys)
            #expect(try await client.verify(live.token).session == live.session.rawValue)
            #expect(try await client.ask(AuthAPI.RevokedSessions()).revocations == revoked.revocations)
            #expect(revoked.revocations.map(\.session) == [over.session])
            #expect(try await client.ask(AuthAPI.Profiles(accounts: [AccountID(1)])).profiles == [live.profile])
            #expect(try await client.ask(AuthAPI.Pictures(accounts: [AccountID(1)])).pictures.count == 1)
            #expect(
                await client.refusal(of: AuthAPI.LogIn.test(secondLogin: .refuse)) == ServiceError(.alreadyLoggedIn))
            #expect(await client.refusal(of: AuthAPI.LogOut.test(over.session)) == ServiceError(.sessionOver))
            #expect(try await client.ask(AuthAPI.LogIn.test(dialect: .rest)).session > over.session)
            #expect(try await client.ask(AuthAPI.Register.test("Second")).profile.account == AccountID(2))
        }
    }

    @Test func `a lost signing key ends the sessions it signed, so that everyone can log in again`() async throws {
        let bus = try TestBus()
        let before = try await withAuthService(on: bus) { _, client in
            _ = try await client.ask(AuthAPI.Register.test())
            return try await client.ask(AuthAPI.LogIn.test(secondLogin: .refuse))
        }
        try FileManager.default.removeItem(atPath: bus.configuration.dataPath + "/auth-signing-key.pem")

        try await withAuthService(dataPath: bus.configuration.dataPath) { (_, client) async throws in
            let revoked = try await client.ask(AuthAPI.RevokedSessions()).revocations
            #expect(revoked.map(\.session) == [before.session])
            let after = try await client.ask(AuthAPI.LogIn.test(secondLogin: .refuse))
            #expect(try await client.verify(after.token).session == after.session.rawValue)
        }
    }

    @Test func `a second process on the folder is refused and disturbs nothing`() async throws {
        try await withAuthService { bus, client in
            let other = try TestBus()
            let second = AuthService(
                try testConfiguration(), bus: other.configuration(dataPath: bus.configuration.dataPath),
                context: other.context, logger: other.logger)

            await #expect(throws: DataDirectory.Refusal.self) { try await second.start() }

            await second.stop()
            _ = try await client.ask(AuthAPI.Register.test())
        }
    }

    @Test func `a signing key open to others stops the start and leaves the folder free`() async throws {
        let bus = try TestBus()
        let keyPath = bus.configuration.dataPath + "/auth-signing-key.pem"
        try await withAuthService(on: bus) { _, client in
            _ = try await client.ask(AuthAPI.Register.test())
        }
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: keyPath)

        await #expect(throws: SigningKeyFile.Failure.self) {
            try await withAuthService(dataPath: bus.configuration.dataPath) { _, _ in }
        }

        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: keyPath)
        try await withAuthService(dataPath: bus.configuration.dataPath) { _, client in
            _ = try await client.ask(AuthAPI.LogIn.test())
        }
    }

    @Test func `a new installation has no account, and a key nobody else can read`() async throws {
        try await withAuthService { bus, client in
            #expect(try await client.ask(AuthAPI.FindAccounts(match: .userNamePrefix, text: "")).profiles == [])
            let path = bus.configuration.dataPath + "/auth-signing-key.pem"
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(mode == 0o600)
        }
    }

    @Test func `stopping twice is harmless, and leaves everything to the next one`() async throws {
        let bus = try TestBus()
        let service = AuthService(
            try testConfiguration(), bus: bus.configuration, context: bus.context, logger: bus.logger)
        try await service.start()

        await service.stop()
        await service.stop()

        try await withAuthService(dataPath: bus.configuration.dataPath) { (_, client) async throws in
            #expect(try await client.ask(AuthAPI.Register.test()).profile.account == AccountID(1))
        }
    }

    // MARK: - Routes

    @Test func `every request of the contract is answered`() async throws {
        try await withAuthHandlers { (handlers, _) async throws in
            #expect(
                handlers.routes.names == [
                    AuthAPI.Register.route, AuthAPI.LogIn.route, AuthAPI.Refresh.route, AuthAPI.LogOut.route,
                    AuthAPI.Sessions.route, AuthAPI.NoteSeen.route, AuthAPI.Profiles.route, AuthAPI.FindAccounts.route,
                    AuthAPI.Pictures.route, AuthAPI.SigningKeys.route,
                    AuthAPI.RevokedSessions.route, AuthAPI.ModifyAccount.route, AuthAPI.CancelAccount.route,
                ])
        }
    }

    @Test func `an unknown route is refused`() async throws {
        try await withAuthService { _, client in
            #expect(await client.refusal(of: UnknownRequest())?.code == .badRequest)
        }
    }

    @Test func `a payload that is no such request is refused`() async throws {
        try await withAuthService { _, client in
            #expect(await client.refusal(of: GarbledRequest(byte: 0xFF))?.code == .badRequest)
        }
    }

    @Test(arguments: [ServiceName.auth, .social, .message])
    func `another caller than the gateway is refused`(caller: ServiceName) async throws {
        try await withAuthService { bus, _ in
            let stranger = try await bus.client(of: .auth, as: caller)

            #expect(await stranger.refusal(of: AuthAPI.Register.test())?.code == .badRequest)
            #expect(await stranger.refusal(of: AuthAPI.LogIn.test())?.code == .badRequest)
            #expect(await stranger.refusal(of: AuthAPI.RevokedSessions())?.code == .badRequest)
            #expect(await stranger.refusal(of: AuthAPI.Refresh(refreshToken: ""))?.code == .badRequest)
            #expect(await stranger.refusal(of: AuthAPI.Sessions(account: AccountID(1)))?.code == .badRequest)
            #expect(await stranger.refusal(of: AuthAPI.Profiles(accounts: []))?.code == .badRequest)
            #expect(await stranger.refusal(of: AuthAPI.ModifyAccount.test())?.code == .badRequest)
            #expect(await stranger.refusal(of: AuthAPI.CancelAccount.test())?.code == .badRequest)
        }
    }
}

private struct UnknownRequest: BusRequest {
    static let route = "auth.noSuchThing"
    typealias Reply = Done
    static let wireFormat = WireFormat(Self.init)
}

private struct GarbledRequest: BusRequest {
    static let route = AuthAPI.LogIn.route
    typealias Reply = Done
    var byte: UInt8
    static let wireFormat = WireFormat({ Self(byte: $0) }, \.byte)
}
