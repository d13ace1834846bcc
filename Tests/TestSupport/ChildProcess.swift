import Dispatch
package import Glibc
import Shared
import Synchronization

/// A process started by a test: signalled only while it lives, waited for without polling.
package final class ChildProcess: Sendable {
    /// How a process ended.
    package enum End: Sendable, Hashable {
        case exited(Int32)
        case killed(signal: Int32)
    }

    private struct State {
        var end: End?
        var waiting: [CheckedContinuation<End, Never>] = []
    }

    package let pid: pid_t
    private let state = Mutex(State())

    private init(pid: pid_t) {
        self.pid = pid
        let queue = DispatchQueue(label: "test.child-process")
        queue.async { self.reap() }
    }

    /// What a process is started with.
    package struct Launch: Sendable {
        package var executable: String
        package var arguments: [String] = []
        /// The whole environment: nothing is inherited.
        package var environment: [String: String] = [:]
        /// Where standard output and error are appended to.
        package var output: String
        /// The file descriptor that becomes standard input; `/dev/null` when there is none.
        package var input: Int32?
        /// The process group to join; 0 makes one of its own.
        package var group: pid_t = 0

        package init(_ executable: String, output: String) {
            self.executable = executable
            self.output = output
        }
    }

    /// Starts a process, with no signal blocked or ignored.
    package static func start(_ launch: Launch) throws -> ChildProcess {
        let output = open(launch.output, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard output >= 0 else { throw SystemError("open \(launch.output)") }
        defer { close(output) }
        var process = ProcessLaunch(launch.executable, output: output)
        process.arguments = launch.arguments
        process.environment = launch.environment
        process.input = launch.input
        process.group = launch.group
        return ChildProcess(pid: try process.start())
    }

    /// How the process ended; `nil` while it lives.
    package var end: End? { state.withLock { $0.end } }

    /// Sends a signal, unless the process has ended.
    package func signal(_ number: Int32) {
        state.withLock { if $0.end == nil { kill(pid, number) } }
    }

    /// Sends a signal to the group this process leads, unless the process has ended.
    package func signalGroup(_ number: Int32) {
        state.withLock { if $0.end == nil { kill(-pid, number) } }
    }

    /// Waits for the end of the process. One that has not ended by then is killed, which its end then tells.
    package func end(within limit: Duration) async -> End {
        let timer = Task {
            // Throws when cancelled: it has ended in time.
            try await Task.sleep(for: limit)
            signal(SIGKILL)
        }
        defer { timer.cancel() }
        return await withCheckedContinuation { continuation in
            let end = state.withLock { state in
                if state.end == nil { state.waiting.append(continuation) }
                return state.end
            }
            if let end { continuation.resume(returning: end) }
        }
    }

    private func reap() {
        // The process stays a zombie, its number its own, until nobody can signal it any more.
        var information = siginfo_t()
        while waitid(P_PID, id_t(pid), &information, WEXITED | WNOWAIT) != 0, errno == EINTR {}
        let (end, waiting) = state.withLock { state in
            var status: Int32 = 0
            waitpid(pid, &status, 0)
            let end = status & 0x7F == 0 ? End.exited(status >> 8 & 0xFF) : .killed(signal: status & 0x7F)
            state.end = end
            defer { state.waiting = [] }
            return (end, state.waiting)
        }
        for continuation in waiting { continuation.resume(returning: end) }
    }
}

/// A process group that ends with the test process, however that ends: its leader waits for the other end of a socket
/// to close and then kills everyone.
package final class ProcessGroup: Sendable {
    private let leader: ChildProcess
    private let ourEnd: Int32

    package init() throws {
        var ends: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw SystemError("socketpair") }
        defer { close(ends[0]) }
        ourEnd = ends[1]
        var launch = ChildProcess.Launch("/bin/sh", output: "/dev/null")
        launch.arguments = ["-c", "read line; kill -9 0"]
        launch.input = ends[0]
        leader = try ChildProcess.start(launch)
    }

    deinit { close(ourEnd) }

    /// What members are started with.
    package var id: pid_t { leader.pid }

    /// Kills every member and the group itself. Idempotent.
    package func killAll() async {
        leader.signalGroup(SIGKILL)
        _ = await leader.end(within: .seconds(5))
    }
}
