import Glibc
import Shared

/// One of the four: its process, its log, and when it is started again.
final class ServiceProcess {
    /// How a process ended.
    struct End: CustomStringConvertible {
        private static let signalNames = [
            SIGHUP: "SIGHUP", SIGINT: "SIGINT", SIGQUIT: "SIGQUIT", SIGILL: "SIGILL", SIGTRAP: "SIGTRAP",
            SIGABRT: "SIGABRT", SIGBUS: "SIGBUS", SIGFPE: "SIGFPE", SIGKILL: "SIGKILL", SIGSEGV: "SIGSEGV",
            SIGPIPE: "SIGPIPE", SIGALRM: "SIGALRM", SIGTERM: "SIGTERM", SIGXCPU: "SIGXCPU", SIGSYS: "SIGSYS",
        ]

        /// As `waitpid` gives it.
        let status: Int32

        var description: String {
            let signal = status & 0x7F
            guard signal == 0 else {
                return "killed by \(Self.signalNames[signal] ?? "signal \(signal)")"
            }
            return switch status >> 8 & 0xFF {
            case 75: "exit status 75, cannot start"
            case 78: "exit status 78, configuration error"
            case let code: "exit status \(code)"
            }
        }
    }

    /// Bytes read from a log at once.
    private static let readSize = 64 << 10

    let name: String
    /// `nil` while it does not run.
    private(set) var pid: pid_t?
    /// Where its log is read; `nil` at its end.
    private(set) var log: Int32?
    /// When one that ended is started again.
    var startsAgain: MonotonicTime?
    private var begun = MonotonicTime.now
    private var delay = RestartDelay()
    private var lines = LogLines()

    init(_ name: String) { self.name = name }

    /// Starts it in a session of its own, so that Ctrl-C reaches us alone and the order of stopping holds. When we are
    /// killed the kernel asks it to stop.
    ///
    /// Must be called on a thread that lives as long as we do: its end would count as ours.
    func start(_ executable: String, _ arguments: [String], environment: [String: String]) throws {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw SystemError("pipe") }
        defer { close(ends[1]) }
        do {
            for end in ends where fcntl(end, F_SETFD, FD_CLOEXEC) != 0 { throw SystemError("fcntl") }
            guard fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 else { throw SystemError("fcntl") }
            var launch = ProcessLaunch("setsid", output: ends[1])
            launch.arguments = ["setpriv", "--pdeathsig", "TERM", "--", executable] + arguments
            launch.environment = environment
            pid = try launch.start()
        } catch {
            close(ends[0])
            throw error
        }
        log = ends[0]
        lines = LogLines()
        begun = .now
        startsAgain = nil
    }

    func signal(_ number: Int32) { if let pid { kill(pid, number) } }

    /// Kills it and whatever it has started.
    func killSession() { if let pid { kill(-pid, SIGKILL) } }

    /// Takes it off the books when it has ended; `nil` while it runs.
    func end() -> End? {
        guard let pid else { return nil }
        var status: Int32 = 0
        guard waitpid(pid, &status, WNOHANG) == pid else { return nil }
        // Everything it wrote is in the pipe.
        relayLog()
        closeLog()
        self.pid = nil
        return End(status: status)
    }

    /// Plans the next start, and says when it is.
    func planRestart() -> Duration {
        let lifetime = Duration.nanoseconds(MonotonicTime.now.nanoseconds - begun.nanoseconds)
        let pause = delay.next(afterLifeOf: lifetime)
        startsAgain = .after(pause)
        return pause
    }

    /// Shows what has been written to its log.
    func relayLog() {
        while let log {
            var count = 0
            let chunk = [UInt8](unsafeUninitializedCapacity: Self.readSize) { buffer, filled in
                count = read(log, buffer.baseAddress, buffer.count)
                filled = max(0, count)
            }
            // Nothing more is there yet.
            if count < 0 { return }
            if count == 0 { closeLog() }
            for line in lines.append(chunk) { RunOutput.write(line, of: name) }
        }
    }

    /// Its last words, line by line.
    var lastLines: [String] { lines.last.map { String(decoding: $0, as: UTF8.self) } }

    private func closeLog() {
        for line in lines.finish() { RunOutput.write(line, of: name) }
        if let log { close(log) }
        log = nil
    }
}
