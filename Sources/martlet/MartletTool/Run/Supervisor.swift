import Glibc
import Shared

/// Keeps the four processes running until a signal, and then stops them in order.
///
/// Everything happens on one thread: it waits for signals, ends of processes and log lines together.
final class Supervisor {
    /// In the order of their start.
    private static let services = ["message-svc", "auth-svc", "social-svc", "gateway"]
    /// Who is asked to stop after whom, and how long after the beginning of the drain its time is over. The gateway goes
    /// first, so that the requests it still answers find everybody there; it may take 10 s for them.
    private static let drainOrder: [(name: String, limit: Duration)] = [
        ("gateway", .seconds(12)), ("social-svc", .seconds(13)), ("auth-svc", .seconds(14)),
        ("message-svc", .seconds(15)),
    ]
    /// How often is looked at what no signal tells: readiness, and times that have come.
    private static let tickMilliseconds: Int32 = 100

    private let site: Site
    private let signals: SignalPipe
    private let processes: [ServiceProcess]

    init(site: Site, signals: SignalPipe) {
        self.site = site
        self.signals = signals
        processes = Self.services.map(ServiceProcess.init)
    }

    /// Returns when a signal has ended it and every process has stopped.
    ///
    /// - Throws: ``RunFailure`` when the processes cannot start; none is left then.
    func run() throws {
        do {
            for process in processes { try start(process) }
            if try awaitReady() {
                announce()
                while !wait() { restartEnded() }
            }
        } catch {
            drain()
            throw error
        }
        drain()
    }

    // MARK: - Starting

    private func start(_ process: ServiceProcess) throws {
        let executable = "\(site.settings.executables)/\(process.name)"
        guard access(executable, X_OK) == 0 else { throw RunFailure("no executable \(executable)") }
        var arguments = ["--data", site.data, "--runtime", site.runtime]
        if process.name == "gateway" {
            arguments += ["--gateway-listen", site.settings.listen, "--gateway-admin", site.admin]
        }
        do {
            try process.start(executable, arguments, environment: site.settings.environment)
        } catch let error as SystemError {
            throw RunFailure("\(error)")
        }
    }

    /// - Returns: `false` when a signal came first.
    /// - Throws: when one of them ends before all are ready, or it takes too long.
    private func awaitReady() throws -> Bool {
        let deadline = MonotonicTime.after(site.settings.readyTimeout)
        var answer = "the gateway does not answer"
        while !wait() {
            try giveUpIfOneEnded()
            if let readiness = Readiness.ask(site.admin) {
                if readiness.isReady { return true }
                answer = "the gateway says: \(readiness.body)"
            }
            guard !deadline.hasPassed else {
                throw RunFailure("not ready after \(site.settings.readyTimeout.components.seconds) s; \(answer)")
            }
        }
        return false
    }

    private func giveUpIfOneEnded() throws {
        let ended = processes.compactMap { process in process.end().map { (process, $0) } }
        guard !ended.isEmpty else { return }
        for (process, end) in ended {
            RunOutput.complain("\(process.name) could not start (\(end)). Its last lines:")
            for line in process.lastLines { RunOutput.complain("    \(line)") }
        }
        throw RunFailure(
            "not started: " + ended.map { "\($0.name) could not start (\($1))" }.joined(separator: "; "))
    }

    private func announce() {
        RunOutput.say("ready: http://\(site.settings.listen)")
        RunOutput.say("data:  \(site.data)")
        RunOutput.say("stop:  Ctrl-C, or kill \(getpid())")
    }

    // MARK: - Running

    /// Waits until something happens, for a tick at most, and shows what the processes say.
    ///
    /// - Returns: whether a signal asks us to stop.
    private func wait() -> Bool {
        let logging = processes.filter { $0.log != nil }
        var entries = ([signals.readEnd] + logging.compactMap(\.log)).map {
            pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
        }
        _ = poll(&entries, nfds_t(entries.count), Self.tickMilliseconds)
        for (process, entry) in zip(logging, entries.dropFirst()) where entry.revents != 0 { process.relayLog() }
        return entries[0].revents != 0 && signals.next() != SIGCHLD
    }

    /// Starts again what ended, the more patiently the more often it ends.
    private func restartEnded() {
        for process in processes {
            if let end = process.end() {
                let pause = process.planRestart()
                RunOutput.say("\(process.name) ended (\(end)); starting it again in \(Self.seconds(pause))")
            } else if process.startsAgain?.hasPassed == true {
                do {
                    try start(process)
                    RunOutput.say("\(process.name) started again (pid \(process.pid ?? 0))")
                } catch {
                    let pause = process.planRestart()
                    RunOutput.say("\(process.name) did not start (\(error)); trying again in \(Self.seconds(pause))")
                }
            }
        }
    }

    /// Seconds with a tenth: `0.2 s`.
    private static func seconds(_ duration: Duration) -> String {
        let tenths = duration / Duration.milliseconds(100)
        return "\(Int(tenths) / 10).\(Int(tenths) % 10) s"
    }

    // MARK: - Stopping

    /// Stops what runs, one after the other. Whatever the reason: nothing of ours is left.
    private func drain() {
        guard processes.contains(where: { $0.pid != nil }) else { return }
        RunOutput.say("stopping")
        let begun = MonotonicTime.now
        for (name, limit) in Self.drainOrder {
            for process in processes where process.name == name { stop(process, until: begun + limit) }
        }
    }

    private func stop(_ process: ServiceProcess, until deadline: MonotonicTime) {
        guard process.pid != nil else { return }
        process.signal(SIGTERM)
        var isKilled = false
        while true {
            if let end = process.end() {
                RunOutput.say("\(process.name) stopped (\(end))")
                return
            }
            if deadline.hasPassed, !isKilled {
                RunOutput.say("\(process.name) did not stop in time; killing it")
                process.killSession()
                isKilled = true
            }
            // A second signal changes nothing: the order of stopping holds.
            _ = wait()
        }
    }
}
