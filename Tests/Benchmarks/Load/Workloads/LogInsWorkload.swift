/// Log-ins at the full cost of a password, and what friends who chat notice of them.
enum LogInsWorkload {
    private static let fullCost = [
        "MARTLET_AUTH_SCRYPT_N": "32768", "MARTLET_AUTH_SCRYPT_R": "8", "MARTLET_AUTH_SCRYPT_P": "3",
    ]
    // Few, as each account costs two passwords to make.
    private static let pairs = 8
    private static let callers = 4
    private static let rate = 200.0

    static func measure(_ run: LoadRun) throws {
        try run.restartSite(fullCost)
        let people = try run.people()
        let traffic = try MartletTraffic.pairs(run, try people.pairs(pairs), run.options.dialect)
        let storm = try LogInStorm(run, people, try people.accounts(callers))
        var calm: [Window] = []
        var stormy: [Window] = []
        var perSecond: [Double] = []
        var cpu: [Double] = []
        for round in 1...run.options.rounds {
            Progress.say("logins: round \(round) of \(run.options.rounds)")
            calm.append(try traffic.openLoop(perSecond: rate, seconds: run.options.seconds))
            try storm.begin()
            let window = try traffic.openLoop(perSecond: rate, seconds: run.options.seconds)
            let logIns = Double(storm.logIns)
            try storm.end()
            stormy.append(window)
            perSecond.append(logIns / window.seconds)
            cpu.append((window.cpu["auth-svc"] ?? 0) * Double(window.operations) / max(1, logIns) / 1_000)
        }
        try storm.close()
        try traffic.close()
        run.stopSite()
        run.report.add("without log-ins", per: "delivery", martlet: calm)
        run.report.add("with log-ins", per: "delivery", martlet: stormy)
        run.report.add("log-ins", perSecond.median, "per second")
        run.report.add("CPU of auth-svc per log-in", cpu.median, "ms")
        let p99 = { (windows: [Window]) in Window.median(of: windows).latency?.p99 ?? 0 }
        run.report.add("p99 of deliveries with log-ins, to without", p99(stormy) / max(0.001, p99(calm)), "×")
    }
}

/// People who log in and out without end, each on a connection of his own.
private final class LogInStorm {
    /// Log-ins since the beginning.
    private(set) var logIns = 0

    private let loop: SocketLoop
    private let callers: [Caller]
    private var isOn = false

    private static let patienceSeconds = 20.0

    /// - Parameter accounts: they are logged in and get logged out.
    init(_ run: LoadRun, _ people: People, _ accounts: [Account]) throws {
        loop = run.loop
        try people.api.calls(accounts.map { .init("POST", "/user/logout", $0, "{}") })
        let port = try run.site().port
        callers = try accounts.map { account in
            Caller(
                connection: try HTTPConnection(run.loop, port: port),
                logIn: HTTPConnection.request("POST", "/user/login", json: people.logIn(account.name)))
        }
        for caller in callers {
            let (connection, logIn) = (caller.connection, caller.logIn)
            var isLoggedIn = false
            connection.onAnswer = { [unowned self, unowned connection] answer in
                guard answer.status == 200 else { throw BenchmarkFailure("log-in: \(answer.body.asText)") }
                isLoggedIn.toggle()
                if isLoggedIn {
                    logIns += 1
                    try connection.send(Self.logOut(after: answer))
                } else if isOn {
                    try connection.send(logIn)
                }
            }
        }
    }

    func begin() throws {
        isOn = true
        logIns = 0
        for caller in callers { try caller.connection.send(caller.logIn) }
    }

    /// Returns when everybody is logged out.
    func end() throws {
        isOn = false
        let callers = callers
        guard
            try loop.run(
                until: Clock.after(seconds: Self.patienceSeconds), { !callers.contains { $0.connection.isWaiting } })
        else { throw BenchmarkFailure("log-ins were not answered") }
    }

    func close() throws {
        for caller in callers { try loop.close(caller.connection) }
    }

    private static func logOut(after answer: HTTPAnswer) throws -> [UInt8] {
        let name: StaticString = "\"token\":\""
        guard let start = answer.body.first(name) else { throw BenchmarkFailure("log-in: \(answer.body.asText)") }
        let token = answer.body[(start + name.utf8CodeUnitCount)...].prefix { $0 != UInt8(ascii: "\"") }
        return HTTPConnection.request(
            "POST", "/user/logout", token: String(decoding: token, as: UTF8.self), json: "{}")
    }

    private struct Caller {
        let connection: HTTPConnection
        let logIn: [UInt8]
    }
}
