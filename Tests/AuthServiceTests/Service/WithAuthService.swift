import SharedCrypto
import SharedStorage
import TestSupport

@testable import AuthService
@testable import Shared

/// Settings for tests: cheap hashes, and no limits unless a test is about them.
func testConfiguration() throws -> AuthConfiguration {
    var configuration = AuthConfiguration()
    configuration.passwordCost = try ScryptCost(n: 1_024, r: 8, p: 1)
    configuration.areRatesLimited = false
    return configuration
}

/// Runs a test against a service of its own and stops it afterwards.
///
/// - Parameters:
///   - bus: where to reach it.
///   - dataPath: an earlier service's folder, to go on with; a new folder by default.
func withAuthService<Value>(
    on bus: TestBus? = nil, dataPath: String? = nil, _ configuration: AuthConfiguration? = nil,
    time: TimeSource = .system, _ body: (TestBus, BusClient) async throws -> Value
) async throws -> Value {
    let bus = try bus ?? TestBus()
    let service = AuthService(
        try configuration ?? testConfiguration(), bus: bus.configuration(dataPath: dataPath), context: bus.context,
        logger: bus.logger, time: time)
    try await service.start()
    do {
        let value = try await body(bus, try await bus.client(of: .auth))
        await service.stop()
        return value
    } catch {
        await service.stop()
        throw error
    }
}

/// Runs a test against a service that is reached as in production, through the file system.
func withAuthServiceOverUnixSocket(_ body: (BusClient) async throws -> Void) async throws {
    let bus = try TestBus()
    let path = bus.configuration.runtimePath + "/auth"
    let configuration = BusConfiguration(
        dataPath: bus.configuration.dataPath, runtimePath: bus.configuration.runtimePath,
        addresses: [
            .auth: BusConfiguration.Addresses(
                requests: [try BusEndpoint("ipc://\(path).sock")],
                events: [try BusEndpoint("ipc://\(path)-events.sock")])
        ])
    let service = AuthService(
        try testConfiguration(), bus: configuration, context: bus.context, logger: bus.logger)
    try await service.start()
    let reactor = BusReactor(context: bus.context, logger: bus.logger)
    let client = BusClient(to: .auth, as: .gateway, reactor: reactor, logger: bus.logger)
    let result: Result<Void, any Error>
    do {
        try await client.connect(to: configuration.addresses(of: .auth).requests, security: configuration.security)
        // A call made before the connection is up is refused at once.
        try await eventually("auth-svc answers") { await client.refusal(of: AuthAPI.SigningKeys()) == nil }
        result = .success(try await body(client))
    } catch {
        result = .failure(error)
    }
    reactor.stop()
    await service.stop()
    try result.get()
}

/// Runs a test against the handlers alone, without a bus between them.
func withAuthHandlers(
    cost: ScryptCost? = nil, _ body: (AuthHandlers, BusCall) async throws -> Void
) async throws {
    let bus = try TestBus()
    let host = try ServiceHost(
        .auth, bus: bus.configuration, context: bus.context, logger: bus.logger, migrations: AuthMigrations.register)
    let configuration = try testConfiguration()
    let hasher = try PasswordHasher(cost: cost ?? configuration.passwordCost)
    let handlers = AuthHandlers(
        configuration: configuration, store: try await AuthStore(host.database), hasher: hasher,
        key: try Ed25519PrivateKey.generate(),
        relay: OutboxRelay(
            database: host.database, from: .auth, to: try await host.client(of: .social), logger: bus.logger),
        logger: bus.logger)
    let call = BusCall(caller: .gateway, trace: "test", deadline: .after(.seconds(20)))
    let result: Result<Void, any Error>
    do {
        result = .success(try await body(handlers, call))
    } catch {
        result = .failure(error)
    }
    await host.stop()
    hasher.shutdown()
    try result.get()
}

extension TestBus {
    /// The configuration of this bus over another folder.
    func configuration(dataPath: String?) -> BusConfiguration {
        guard let dataPath else { return configuration }
        return BusConfiguration(
            dataPath: dataPath, runtimePath: configuration.runtimePath,
            addresses: [
                .auth: configuration.addresses(of: .auth), .social: configuration.addresses(of: .social),
            ])
    }
}

extension AuthStore {
    /// The sessions revoked, as far as one short page holds them.
    func revokedSessions(now: Int64) async throws(ServiceError) -> AuthAPI.RevokedSessions.Reply {
        try await revokedSessions(after: nil, now: now, limit: 100)
    }
}

extension AuthAPI.Register {
    /// A registration that nothing is wrong with.
    static func test(
        _ userName: String? = "Ashitemaru", password: String = "123456", nickname: String? = nil,
        phoneNumber: String = "13243218765", email: String = "12345678@qq.com", sex: Int32 = -1, sign: String = "",
        picture: [UInt8] = [], rules: Dialect = .classic, address: String = "192.0.2.1"
    ) -> Self {
        Self(
            userName: userName, password: password, nickname: nickname, phoneNumber: phoneNumber, email: email,
            sex: sex, sign: sign, picture: PictureUpload(Blob(picture), isDataURL: false), rules: rules,
            address: address)
    }

    /// A registration as `rest` makes it.
    static func rest(
        _ nickname: String? = "明日丸", password: String = "123456", phoneNumber: String = "13243218765"
    ) -> Self {
        .test(nil, password: password, nickname: nickname, phoneNumber: phoneNumber, email: "", rules: .rest)
    }
}

extension AuthAPI.LogIn {
    /// A log-in with the name and password of ``AuthAPI/Register/test``.
    static func test(
        _ name: String = "Ashitemaru", kind: AuthAPI.LogInName = .userName, password: String = "123456",
        dialect: Dialect = .classic, device: String = "", secondLogin: AuthAPI.SecondLogin = .allow,
        address: String = "192.0.2.1", presentedTokens: [String] = []
    ) -> Self {
        Self(
            kind: kind, name: name, password: password, dialect: dialect, device: device, secondLogin: secondLogin,
            address: address, presentedTokens: presentedTokens)
    }
}

extension AuthAPI.ModifyAccount {
    /// A change of the first account, asked for in its first session; the password is that of ``AuthAPI/Register/test``.
    static func test(
        _ account: Int64 = 1, session: Int64 = 1, rules: Dialect = .classic, password: String? = "123456",
        userName: String? = nil, nickname: String? = nil, uid: String? = nil, newPassword: String? = nil,
        phoneNumber: String? = nil, email: String? = nil, picture: [UInt8]? = nil
    ) -> Self {
        Self(
            account: AccountID(account), session: SessionID(session), rules: rules, password: password,
            newUserName: userName, newNickname: nickname, newUID: uid, newPassword: newPassword,
            newPhoneNumber: phoneNumber, newEmail: email,
            newPicture: picture.map { PictureUpload(Blob($0), isDataURL: false) })
    }
}

extension AuthAPI.LogOut {
    /// The end of a session of the first account.
    static func test(_ session: SessionID, of account: Int64 = 1) -> Self {
        Self(account: AccountID(account), session: session)
    }
}

extension AuthAPI.CancelAccount {
    /// The end of the first account.
    static func test(_ account: Int64 = 1, session: Int64 = 1, password: String = "123456") -> Self {
        Self(account: AccountID(account), session: SessionID(session), password: password)
    }
}

extension BusClient {
    /// Makes a call as tests do.
    func ask<Request: BusRequest>(_ request: Request) async throws(ServiceError) -> Request.Reply {
        try await call(request, .test())
    }

    /// Makes a call that must be refused and returns why.
    func refusal<Request: BusRequest>(of request: Request) async -> ServiceError? {
        do throws(ServiceError) {
            _ = try await ask(request)
            return nil
        } catch {
            return error
        }
    }

    /// Makes calls at the same time.
    func askAll<Request: BusRequest>(_ requests: [Request]) async -> [Result<Request.Reply, ServiceError>] {
        await withTaskGroup(of: Result<Request.Reply, ServiceError>.self) { group in
            for request in requests {
                group.addTask {
                    do throws(ServiceError) {
                        return .success(try await self.ask(request))
                    } catch {
                        return .failure(error)
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
    }
}

extension Result {
    var value: Success? {
        switch self {
        case .success(let value): value
        case .failure: nil
        }
    }
    var error: Failure? {
        switch self {
        case .success: nil
        case .failure(let error): error
        }
    }
}
