import Glibc
package import Logging

/// A process's work: started once, stopped once.
package protocol RunnableService: Sendable {
    /// Returns when the service answers; throws when it cannot start, and then nothing of it is left running.
    func start() async throws

    /// Drains: finishes what is in flight within a bound, closes everything, flushes.
    func stop() async
}

/// The life of a process: configuration, start, readiness, signals, drain.
package enum ServiceRunner {
    /// `sysexits.h`: the configuration is wrong; starting again will not help.
    static let configurationExitCode: Int32 = 78
    /// `sysexits.h`: something else is in the way (a port, a lock, a file); starting again may help.
    static let startExitCode: Int32 = 75

    /// Time that answers which say why have to leave before a process gives up.
    private static let farewellTime = Duration.milliseconds(500)

    /// Ends a running process that must not go on, with the exit code of one that cannot start.
    package static func giveUp(_ reason: String) {
        Task {
            // Nothing cancels this task.
            try? await Task.sleep(for: farewellTime)
            exit(startExitCode)
        }
    }

    /// Runs a service until SIGTERM or SIGINT and exits the process: 0 after a drain, 78 or 75 when it could not start.
    package static func run(
        _ name: ServiceName,
        _ make: (inout Configuration, Logger) throws -> any RunnableService
    ) async -> Never {
        umask(0o077)
        signal(SIGPIPE, SIG_IGN)
        OpenFiles.raiseLimit()
        let lines = LineLogHandler(process: "\(name)", logLevel: .info)
        var logger = Logger(label: "\(name)") { _ in lines }
        let service: any RunnableService
        let signals: SignalPipe
        do {
            signals = try SignalPipe(catching: [SIGTERM, SIGINT])
            var configuration = try Configuration.ofProcess()
            let level = configuration.string("log.level", default: "info")
            guard let level = Logger.Level(rawValue: level) else {
                throw Configuration.Invalid(
                    "MARTLET_LOG_LEVEL='\(level)' is none of trace, debug, info, warning, error")
            }
            logger.logLevel = level
            service = try make(&configuration, logger)
            try configuration.rejectUnknownFlags()
        } catch {
            logger.critical("cannot start", metadata: ["reason": "\(error)"])
            exit(configurationExitCode)
        }
        do {
            try await service.start()
        } catch {
            logger.critical("cannot start", metadata: ["reason": "\(error)"])
            exit(startExitCode)
        }
        logger.info(
            "started",
            metadata: [
                "libzmq": "\(ZMQContext.libraryVersion)", "pid": "\(getpid())", "files": "\(OpenFiles.limit)",
            ])
        ServiceManager.notify("READY=1")
        // Ends with the process.
        Task {
            while true {
                try? await Task.sleep(for: Repetitions.interval)
                lines.writeRepetitions()
            }
        }
        let received = await signals.first()
        logger.info("draining", metadata: ["signal": "\(received)"])
        ServiceManager.notify("STOPPING=1")
        await service.stop()
        lines.writeRepetitions(isEnd: true)
        logger.info("stopped")
        exit(0)
    }
}

extension SignalPipe {
    /// The number of the first signal; a second one while draining ends the process at once.
    fileprivate func first() async -> Int32 {
        await withCheckedContinuation { continuation in
            _ = DedicatedThread {
                continuation.resume(returning: next())
                exit(128 + next())
            }
        }
    }
}

/// systemd's notification socket (sd_notify(3)); silent when there is none.
package enum ServiceManager {
    package static func notify(_ state: String) {
        guard let path = getenv("NOTIFY_SOCKET").map({ String(cString: $0) }), path.utf8.count < 108 else { return }
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        // A leading @ stands for the abstract namespace, whose names begin with a zero byte.
        if path.hasPrefix("@") { address.sun_path.0 = 0 }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + path.utf8.count)
        let text = Array(state.utf8)
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                // Nobody to tell is no reason to fail.
                _ = sendto(descriptor, text, text.count, Int32(MSG_NOSIGNAL), address, length)
            }
        }
    }
}
