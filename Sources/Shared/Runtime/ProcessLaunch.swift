package import Glibc

/// How a process is started: with no signal blocked or ignored, and with no file of ours that is closed on exec.
package struct ProcessLaunch {
    /// A path, or a name that is looked for in `PATH`.
    package var executable: String
    package var arguments: [String] = []
    /// The whole environment: nothing is inherited.
    package var environment: [String: String] = [:]
    /// The process group to join; 0 makes one of its own, `nil` is that of this process.
    package var group: pid_t?
    /// The file that becomes standard input; `/dev/null` when there is none.
    package var input: Int32?
    /// The file that becomes standard output and error.
    package var output: Int32

    package init(_ executable: String, output: Int32) {
        self.executable = executable
        self.output = output
    }

    /// Starts the process; its parent is the calling thread's process.
    ///
    /// - Throws: ``SystemError`` when the executable cannot be started.
    package func start() throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let input {
            posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
        } else {
            posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        }
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        var flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
        if let group {
            posix_spawnattr_setpgroup(&attributes, group)
            flags |= POSIX_SPAWN_SETPGROUP
        }
        posix_spawnattr_setflags(&attributes, Int16(flags))

        var pid: pid_t = 0
        let result = Self.withCStrings([executable] + arguments) { arguments in
            Self.withCStrings(environment.map { "\($0)=\($1)" }) { environment in
                posix_spawnp(&pid, executable, &actions, &attributes, arguments, environment)
            }
        }
        guard result == 0 else {
            errno = result
            throw SystemError("start \(executable)")
        }
        return pid
    }

    /// Runs a body with a NULL-terminated array of C strings.
    private static func withCStrings<Result>(
        _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        var pointers = strings.map { strdup($0) }
        pointers.append(nil)
        defer { for pointer in pointers { free(pointer) } }
        return pointers.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { preconditionFailure("an array with an element has an address") }
            return body(base)
        }
    }
}
