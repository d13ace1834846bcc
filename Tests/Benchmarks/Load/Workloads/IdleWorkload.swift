/// Memory of the gateway per push connection of somebody who only waits.
enum IdleWorkload {
    /// The first ones use what lies around in the gateway and do not count.
    private static let uncounted = 10

    static func measure(_ run: LoadRun) throws {
        let count = run.options.connections
        let people = try run.people().crowd(count)
        let site = try run.site()
        let gateway = try site.process("gateway")
        var sockets: [WebSocketConnection] = []
        func open(upTo number: Int) throws -> Double {
            for account in people[sockets.count..<number] {
                sockets.append(
                    try WebSocketConnection(
                        run.loop, port: site.port, path: run.options.dialect.livePushPath, token: account.token))
                // A hundred handshakes at a time.
                if sockets.count.isMultiple(of: 100) {
                    try run.loop.run(until: Clock.after(seconds: 20)) { sockets.allSatisfy(\.isOpen) }
                }
            }
            guard try run.loop.run(until: Clock.after(seconds: 20), { sockets.allSatisfy(\.isOpen) }) else {
                throw BenchmarkFailure("not all push connections could be opened")
            }
            try run.loop.run(until: Clock.after(seconds: 2)) { false }
            return try gateway.residentKiB()
        }
        let first = max(1, count / Self.uncounted)
        let before = try open(upTo: first)
        let after = try open(upTo: count)
        for socket in sockets { try run.loop.close(socket) }
        run.report.add("gateway, resident per idle push connection", (after - before) / Double(count - first), "KiB")
    }
}
