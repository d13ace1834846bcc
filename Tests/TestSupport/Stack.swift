import Foundation
import Shared
import Synchronization

/// The processes of a stack.
package enum StackProcess: String, CaseIterable, Sendable {
    case auth
    case social
    case message
    case gateway
    /// Another gateway on the same services, with an admin socket of its own.
    case secondGateway

    /// The name of the executable.
    package var executable: String {
        switch self {
        case .auth, .social, .message: "\(rawValue)-svc"
        case .gateway, .secondGateway: "gateway"
        }
    }

    package var isGateway: Bool { self == .gateway || self == .secondGateway }
    /// Whether it keeps a database.
    package static let services: [StackProcess] = [.auth, .social, .message]
}

/// How a stack differs from the usual one.
package struct StackOptions: Sendable {
    /// Settings of all processes, by variable.
    package var environment: [String: String] = [:]
    package var hasSecondGateway = false
    /// Whether everything is running and ready when the test's body begins.
    package var startsAtOnce = true
    /// Commands that run executables, put before their paths.
    package var launchers: [StackProcess: [String]] = [:]

    package init() {}

    /// Two gateways on one set of services.
    package static var twoGateways: StackOptions {
        var options = StackOptions()
        options.hasSecondGateway = true
        return options
    }

    /// Nothing is started before the test says so.
    package static var stopped: StackOptions {
        var options = StackOptions()
        options.startsAtOnce = false
        return options
    }

    /// The same, with nothing started before the test says so.
    package var stopped: StackOptions {
        var options = self
        options.startsAtOnce = false
        return options
    }

    /// Processes that a shell prepares with a command before it becomes them.
    package static func prepared(_ processes: [StackProcess], by command: String) -> StackOptions {
        var options = StackOptions()
        for process in processes {
            options.launchers[process] = ["/bin/sh", "-c", "\(command); exec \"$0\" \"$@\""]
        }
        return options
    }

    /// A gateway that gives its requests this much time.
    package static func requestTimeout(milliseconds: Int) -> StackOptions {
        var options = StackOptions()
        options.environment["MARTLET_GATEWAY_REQUEST_TIMEOUT_MS"] = "\(milliseconds)"
        return options
    }
}

/// All of Martlet as real processes in a scratch folder of their own.
package final class Stack: Sendable {
    /// The stack of the running test, so that a failed expectation can ask for its logs to be kept.
    @TaskLocal package static var current: Stack?

    private struct State {
        var members: [StackProcess: StackMember] = [:]
        var ports: [StackProcess: Int] = [:]
        var reservations: [StackProcess: PortReservation] = [:]
        var all: [StackMember] = []
        var environmentOf: [StackProcess: [String: String]] = [:]
        var hasFailed = false
    }

    package var folder: String { temporaryFolder.path }
    private let temporaryFolder = TemporaryFolder()
    package let options: StackOptions
    package let group: ProcessGroup
    private let state = Mutex(State())

    package var dataPath: String { folder + "/data" }
    package var runtimePath: String { folder + "/run" }

    fileprivate init(_ options: StackOptions) throws {
        self.options = options
        group = try ProcessGroup()
    }

    /// Where the built executables lie: beside the test bundle.
    package static let binaries: String = {
        let bundle = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return URL(fileURLWithPath: bundle ?? "").deletingLastPathComponent().path
    }()

    // MARK: - Processes

    /// Starts a process and waits until it answers. A gateway that was started before gets the port it had.
    package func start(_ process: StackProcess) async throws {
        let member = try launch(process)
        state.withLock { $0.members[process] = member }
        let log = try await member.untilStarted()
        if process.isGateway, let port = log.firstMatch(of: /listening.* address=127\.0\.0\.1:([0-9]+)/) {
            state.withLock { $0.ports[process] = Int(port.output.1) }
        }
    }

    /// Starts another instance of a process without waiting for anything.
    ///
    /// - Parameter environment: settings that differ from those of ``start(_:)``.
    package func launch(_ process: StackProcess, environment: [String: String] = [:]) throws -> StackMember {
        let path = "\(Self.binaries)/\(process.executable)"
        let command = (options.launchers[process] ?? []) + [path]
        let output = state.withLock { "\(folder)/\(process)-\($0.all.count + 1).log" }
        var launch = ChildProcess.Launch(command[0], output: output)
        launch.arguments = Array(command.dropFirst())
        launch.environment = settings(of: process).merging(environment) { _, own in own }
        launch.group = group.id
        let member = StackMember(process: process, child: try ChildProcess.start(launch), logPath: output)
        state.withLock { $0.all.append(member) }
        return member
    }

    private func settings(of process: StackProcess) -> [String: String] {
        var settings = [
            "MARTLET_DATA": dataPath, "MARTLET_RUNTIME": runtimePath, "MARTLET_RATE_LIMITS": "off",
            "MARTLET_AUTH_SCRYPT_N": "1024", "MARTLET_AUTH_SCRYPT_R": "8", "MARTLET_AUTH_SCRYPT_P": "1",
        ]
        if process.isGateway {
            let port = state.withLock { $0.ports[process] } ?? 0
            settings["MARTLET_GATEWAY_LISTEN"] = "127.0.0.1:\(port)"
            settings["MARTLET_GATEWAY_ADMIN"] = "unix:\(adminPath(of: process))"
        }
        return settings.merging(options.environment) { _, own in own }
            .merging(state.withLock { $0.environmentOf[process] ?? [:] }) { _, own in own }
    }

    /// Sets a variable for the next start of one process.
    package func set(_ variable: String, _ value: String, for process: StackProcess) {
        state.withLock { $0.environmentOf[process, default: [:]][variable] = value }
    }

    /// The socket that answers `/readyz`.
    package func adminPath(of gateway: StackProcess) -> String { "\(runtimePath)/\(gateway)-admin.sock" }

    /// The running (or last) instance of a process.
    package func member(_ process: StackProcess) throws -> StackMember {
        guard let member = state.withLock({ $0.members[process] }) else {
            throw NeverHappened(description: "\(process) was not started")
        }
        return member
    }

    /// SIGKILL, and it is gone when this returns.
    package func kill(_ process: StackProcess) async throws {
        let child = try member(process).child
        child.signal(SIGKILL)
        _ = await child.end(within: .seconds(5))
        reservePort(of: process)
    }

    /// SIGTERM; returns how it ended.
    @discardableResult
    package func terminate(_ process: StackProcess, within limit: Duration = .seconds(15)) async throws
        -> ChildProcess.End
    {
        let child = try member(process).child
        child.signal(SIGTERM)
        let end = await child.end(within: limit)
        reservePort(of: process)
        return end
    }

    /// SIGSTOP: it lives and does nothing.
    package func pause(_ process: StackProcess) throws { try member(process).child.signal(SIGSTOP) }

    /// SIGCONT.
    package func resume(_ process: StackProcess) throws { try member(process).child.signal(SIGCONT) }

    /// Everything that a stack has, services first.
    package var processes: [StackProcess] {
        StackProcess.services + [.gateway] + (options.hasSecondGateway ? [.secondGateway] : [])
    }

    /// Starts everything and waits until it can serve.
    package func startAll() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for process in processes { group.addTask { try await self.start(process) } }
            try await group.waitForAll()
        }
        try await untilReady()
    }

    // MARK: - Readiness

    /// What a gateway says about what it needs: by name, whether it is there.
    package func readiness(of gateway: StackProcess = .gateway) async throws -> (isReady: Bool, conditions: JSON) {
        let client = HTTPClient(unixSocket: adminPath(of: gateway))
        defer { client.close() }
        let response = try await client.request("GET", "/readyz")
        return (response.status == 200, try JSON(response.body))
    }

    /// Waits until every gateway can serve.
    package func untilReady(within limit: Duration = .seconds(20)) async throws {
        for gateway in processes where gateway.isGateway {
            try await eventually("\(gateway) is ready", within: limit) { try await readiness(of: gateway).isReady }
        }
    }

    /// Waits until a gateway knows that a service is not there.
    package func untilMissed(_ service: StackProcess, by gateway: StackProcess = .gateway) async throws {
        try await eventually("\(gateway) misses \(service)") {
            try await readiness(of: gateway).conditions[service.executable] == false
        }
    }

    // MARK: - Ports

    /// The port of a gateway.
    package func port(of gateway: StackProcess = .gateway) -> Int { state.withLock { $0.ports[gateway] ?? 0 } }

    /// Nobody else may get the port of a gateway that is started again later; not even one of our own connections.
    ///
    /// Called once the gateway listens no more, which is when it is gone or drains.
    package func reservePort(of process: StackProcess) {
        state.withLock { state in
            guard let port = state.ports[process], state.reservations[process] == nil else { return }
            state.reservations[process] = PortReservation(port)
        }
    }

    // MARK: - The end

    /// Keeps the logs when the test is over.
    package func noteFailure() { state.withLock { $0.hasFailed = true } }

    fileprivate func end() async {
        await group.killAll()
        let members = state.withLock { $0.all }
        for member in members {
            member.child.signal(SIGKILL)
            _ = await member.child.end(within: .seconds(5))
        }
        guard state.withLock({ $0.hasFailed }) else { return }
        temporaryFolder.keep()
        var report = "The processes' files are in \(folder). The ends of their logs:\n"
        for member in members {
            let end = member.log.split(separator: "\n").suffix(12).joined(separator: "\n    ")
            report += "  \(member.process) (pid \(member.child.pid)):\n    \(end)\n"
        }
        FileHandle.standardError.write(Data(report.utf8))
    }
}

/// Runs a test on a stack of its own; no process of it outlives the call.
package func withStack(_ options: StackOptions = StackOptions(), _ body: (Stack) async throws -> Void) async throws {
    let stack = try Stack(options)
    do {
        try await Stack.$current.withValue(stack) {
            if options.startsAtOnce { try await stack.startAll() }
            try await body(stack)
        }
    } catch {
        stack.noteFailure()
        await stack.end()
        throw error
    }
    await stack.end()
}
