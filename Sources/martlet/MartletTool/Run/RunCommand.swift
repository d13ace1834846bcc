import ArgumentParser
import Glibc
import Shared

/// `martlet run`: the four processes in the foreground.
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Runs the four processes on this machine, in the foreground.",
        discussion: """
            Starts message-svc, auth-svc, social-svc and a gateway, shows their logs and starts again what ends. \
            Ctrl-C (or SIGTERM) stops them in order.

            MARTLET_* variables are passed on to the processes; options win. Two are for this command alone:
              MARTLET_BIN_DIR         the folder of the executables (that of this program)
              MARTLET_READY_TIMEOUT   seconds until all four have to be ready (60)

            Exit status: 0 stopped by a signal, 1 could not start, 64 wrong usage.
            """)

    @Option(help: ArgumentHelp("The port of the HTTP and WebSocket interface (default: 8000).", valueName: "number"))
    var port: Int?

    @Option(
        help: ArgumentHelp(
            "The folder of databases and keys, created when missing (default: ./var).", valueName: "folder"))
    var data: String?

    func validate() throws {
        if let port, !(1...65_535).contains(port) {
            throw ValidationError("--port takes a number from 1 to 65535, not \(port)")
        }
        if data?.isEmpty == true { throw ValidationError("--data needs a folder") }
    }

    func run() throws {
        // A terminal or a reader of the logs that went away is no reason to end.
        signal(SIGPIPE, SIG_IGN)
        do {
            let signals = try SignalPipe(catching: [SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGCHLD])
            let site = try Site(
                RunSettings(port: port, data: data, environment: ProcessEnvironment.variables), signals: signals)
            defer { site.removeScratch() }
            try Supervisor(site: site, signals: signals).run()
        } catch let failure as RunFailure {
            RunOutput.complain("\(failure)")
            throw ExitCode.failure
        }
    }
}

/// Why Martlet cannot run here: a sentence for the operator.
struct RunFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
