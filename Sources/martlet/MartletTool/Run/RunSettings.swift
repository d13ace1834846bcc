/// What the processes are told, and where they lie.
struct RunSettings {
    /// Variables that are for `martlet run` alone. A process refuses settings it does not know.
    private static let ownVariables = ["MARTLET_BIN_DIR", "MARTLET_READY_TIMEOUT"]

    /// The folder of the executables.
    let executables: String
    let data: String
    /// The folder of the sockets; `nil` when it is up to us.
    let runtime: String?
    /// Host and port of the HTTP and WebSocket interface.
    let listen: String
    /// Where the gateway answers its operator; `nil` when it is up to us.
    let admin: String?
    let readyTimeout: Duration
    /// What the processes inherit.
    let environment: [String: String]

    /// - Throws: ``RunFailure`` for a variable that cannot be used.
    init(port: Int?, data: String?, environment: [String: String]) throws {
        let seconds = environment["MARTLET_READY_TIMEOUT"] ?? "60"
        guard let timeout = Int(seconds), (1...86_400).contains(timeout) else {
            throw RunFailure("MARTLET_READY_TIMEOUT='\(seconds)' is no number of seconds from 1 to 86400")
        }
        readyTimeout = .seconds(timeout)
        executables = try environment["MARTLET_BIN_DIR"] ?? FilePath.folder(of: FilePath.resolved("/proc/self/exe"))
        self.data = data ?? environment["MARTLET_DATA"] ?? "./var"
        runtime = environment["MARTLET_RUNTIME"]
        admin = environment["MARTLET_GATEWAY_ADMIN"]
        let listen = environment["MARTLET_GATEWAY_LISTEN"] ?? "127.0.0.1:8000"
        self.listen = port.map { "\(listen[..<(listen.lastIndex(of: ":") ?? listen.endIndex)]):\($0)" } ?? listen
        self.environment = environment.filter { !Self.ownVariables.contains($0.key) }
    }
}
