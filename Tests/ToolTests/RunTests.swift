import Foundation
import Shared
import TestSupport
import Testing

/// `martlet run` with stand-ins for the four processes.
@Suite struct RunTests {
    // MARK: - Stopping

    @Test func `Ctrl-C stops everything in order`() async throws {
        try await withRunFixture { fixture in
            let run = try fixture.launch("--port", "9001", "--data", "data")
            try await run.until(/ready: http:\/\/127\.0\.0\.1:9001$/)
            #expect(run.lines.contains("martlet     | data:  \(fixture.folder)/data"))
            #expect(run.lines.contains("message-svc | message-svc is starting"))

            run.pressControlC()
            #expect(await run.end() == .exited(0))
            #expect(fixture.stopped() == ["gateway", "social-svc", "auth-svc", "message-svc"])
            for name in RunFixture.services {
                #expect(run.lines.contains { $0.hasPrefix(name) && $0.hasSuffix("| last words of \(name)") })
            }
            #expect(try fixture.mode(of: "data") == 0o700)
            #expect(try fixture.mode(of: "data/run") == 0o700)
            #expect(try fixture.remaining().isEmpty)
        }
    }

    @Test(arguments: [SIGTERM, SIGHUP]) func `other signals stop everything, too`(signal: Int32) async throws {
        try await withRunFixture { fixture in
            let run = try fixture.launch("--data", "data")
            try await run.untilReady()

            run.process.signal(signal)
            #expect(await run.end() == .exited(0))
            #expect(fixture.stopped().last == "message-svc")
            #expect(try fixture.remaining().isEmpty)
        }
    }

    @Test func `a signal before all are ready stops everything`() async throws {
        try await withRunFixture { fixture in
            try fixture.ask("sleeps", of: "auth-svc")
            let run = try fixture.launch("--data", "data")
            try await run.until(/^gateway .*starting/)

            run.pressControlC()
            #expect(await run.end() == .exited(0))
            #expect(!run.says(/ready:/))
            #expect(try fixture.remaining().isEmpty)
        }
    }

    @Test func `one that does not stop is killed, and the others stop all the same`() async throws {
        try await withRunFixture { fixture in
            try fixture.ask("hangs", of: "gateway")
            let run = try fixture.launch("--data", "data")
            try await run.untilReady()

            run.pressControlC()
            #expect(await run.end() == .exited(0))
            #expect(run.says(/gateway did not stop in time; killing it/))
            #expect(fixture.stopped() == ["social-svc", "auth-svc", "message-svc"])
            #expect(try fixture.remaining().isEmpty)
        }
    }

    @Test func `after kill -9 nobody is left, and the next run waits for the data`() async throws {
        try await withRunFixture { fixture in
            try fixture.ask("dawdles", of: "auth-svc")
            let first = try fixture.launch("--data", "data")
            try await first.untilReady()
            first.process.signal(SIGKILL)
            #expect(await first.end() == .killed(signal: SIGKILL))

            let second = try fixture.launch("--data", "data")
            try await second.untilReady()
            #expect(second.lines.contains { $0.contains("earlier run (pid \(first.pid), gone)") })
            let events = fixture.lines(of: "data/events").map { $0.split(separator: " ").last }
            #expect(
                events == Array(repeating: "start", count: 4) + Array(repeating: "stop", count: 4)
                    + Array(repeating: "start", count: 4))

            second.pressControlC()
            #expect(await second.end() == .exited(0))
            #expect(try fixture.remaining().isEmpty)
        }
    }

    // MARK: - Folders

    @Test func `a second run on one data folder is refused`() async throws {
        try await withRunFixture { fixture in
            let first = try fixture.launch("--data", "data")
            try await first.untilReady()

            let second = try fixture.launch("--data", "data", "--port", "9002")
            #expect(await second.end() == .exited(1))
            #expect(
                second.lines == [
                    "martlet run: the data folder \(fixture.folder)/data is in use by another run, pid \(first.pid)"
                ])
            #expect(first.process.end == nil)
            #expect(fixture.lines(of: "data/events").count == 4)

            first.pressControlC()
            #expect(await first.end() == .exited(0))
            let third = try fixture.launch("--data", "data")
            try await third.untilReady()
            third.pressControlC()
            #expect(await third.end() == .exited(0))
        }
    }

    @Test func `runs on two folders live side by side`() async throws {
        try await withRunFixture { fixture in
            let first = try fixture.launch("--port", "9001", "--data", "one")
            let second = try fixture.launch("--port", "9002", "--data", "two")
            try await first.untilReady()
            try await second.untilReady()

            second.pressControlC()
            #expect(await second.end() == .exited(0))
            #expect(first.process.end == nil)
            #expect(fixture.stopped(in: "one").isEmpty)
            first.pressControlC()
            #expect(await first.end() == .exited(0))
        }
    }

    @Test func `the sockets of a long data folder are elsewhere`() async throws {
        try await withRunFixture { fixture in
            let long = String(repeating: "d", count: 100)
            fixture.environment["MARTLET_TEST_SETTING"] = "1"
            let run = try fixture.launch("--data", long)
            try await run.untilReady()
            let settings = fixture.lines(of: "\(long)/settings").first { $0.hasPrefix("auth-svc --data") } ?? ""
            let match = try #require(settings.firstMatch(of: /--runtime (\S+\/martlet\.\w+)/))
            let runtime = String(String(match.output.1).dropFirst(fixture.folder.count + 1))
            #expect(try fixture.mode(of: runtime) == 0o700)

            run.pressControlC()
            #expect(await run.end() == .exited(0))
            #expect(!FileManager.default.fileExists(atPath: "\(fixture.folder)/\(runtime)"))
        }
    }

    // MARK: - Failures at the start

    @Test func `one that cannot start ends all, and its last lines are told`() async throws {
        try await withRunFixture { fixture in
            try fixture.ask("fails", of: "social-svc")
            let run = try fixture.launch("--data", "data")
            #expect(await run.end() == .exited(1))
            #expect(run.says(/^martlet run: social-svc could not start \(exit status 75, cannot start\)/))
            #expect(run.lines.contains("martlet run:     the address is taken"))
            #expect(run.lines.last?.hasPrefix("martlet run: not started: social-svc could not start") == true)
            #expect(run.lines.count { $0.hasPrefix("social-svc  | line ") } == 2_000)
            #expect(run.lines.contains("social-svc  | the address is taken"))
            #expect(fixture.lines(of: "data/events").count { $0 == "social-svc start" } == 1)
            #expect(try fixture.remaining().isEmpty)
        }
    }

    @Test func `one that is killed at the start ends all`() async throws {
        try await withRunFixture { fixture in
            try fixture.ask("crashes", of: "auth-svc")
            let run = try fixture.launch("--data", "data")
            #expect(await run.end() == .exited(1))
            #expect(run.says(/^martlet run: auth-svc could not start \(killed by SIGKILL\)/))
            #expect(try fixture.remaining().isEmpty)
        }
    }

    @Test func `a missing executable is told`() async throws {
        try await withRunFixture { fixture in
            try fixture.remove("bin/auth-svc")
            let run = try fixture.launch("--data", "data")
            #expect(await run.end() == .exited(1))
            #expect(run.lines.last == "martlet run: no executable \(fixture.folder)/bin/auth-svc")
            #expect(try fixture.remaining().isEmpty)
        }
    }

    @Test func `what the gateway waits for is told when it never becomes ready`() async throws {
        try await withRunFixture { fixture in
            try fixture.ask("sleeps", of: "auth-svc")
            fixture.environment["MARTLET_READY_TIMEOUT"] = "2"
            let run = try fixture.launch("--data", "data")
            #expect(await run.end() == .exited(1))
            #expect(run.lines.last == #"martlet run: not ready after 2 s; the gateway says: {"missing":["auth-svc"]}"#)
            #expect(try fixture.remaining().isEmpty)
        }
    }

    // MARK: - Later ends

    @Test func `one that ends later is started again, the more patiently the more often it ends`() async throws {
        try await withRunFixture { fixture in
            func pid() throws -> pid_t {
                try #require(fixture.lines(of: "data/message-svc.up").last.flatMap { pid_t($0) })
            }
            let run = try fixture.launch("--data", "data")
            try await run.untilReady()
            let victim = try pid()
            try fixture.remove("data/message-svc.up")
            kill(victim, SIGKILL)
            try await run.until(/message-svc ended \(killed by SIGKILL\); starting it again in 0\.2 s/)
            try await run.until(/message-svc started again/)
            try await eventually("it is up") { !fixture.lines(of: "data/message-svc.up").isEmpty }

            try fixture.ask("fails", of: "message-svc")
            kill(try pid(), SIGTERM)
            try await run.until(/message-svc ended \(exit status 0\); starting it again in 0\.4 s/)
            try await run.until(/message-svc ended \(exit status 75, cannot start\); starting it again in 0\.8 s/)
            try fixture.remove("data/message-svc.fails")
            #expect(run.lines.contains("message-svc | the address is taken"))

            run.pressControlC()
            #expect(await run.end() == .exited(0))
            #expect(try fixture.remaining().isEmpty)
        }
    }

    // MARK: - Settings

    @Test func `settings reach the processes, and those of the run do not`() async throws {
        try await withRunFixture { fixture in
            fixture.environment = [
                "MARTLET_TEST_SETTING": "1", "MARTLET_GATEWAY_LISTEN": "127.0.0.2:1", "MARTLET_READY_TIMEOUT": "20",
            ]
            let run = try fixture.launch("--data=a b", "--port=9003")
            try await run.until(/ready: http:\/\/127\.0\.0\.2:9003$/)
            run.pressControlC()
            #expect(await run.end() == .exited(0))

            let settings = fixture.lines(of: "a b/settings")
            let folder = "\(fixture.folder)/a b"
            for name in RunFixture.services {
                #expect(settings.contains { $0.hasPrefix("\(name) --data \(folder) --runtime \(folder)/run") })
                #expect(settings.contains("\(name) MARTLET_TEST_SETTING=1"))
            }
            #expect(
                settings.contains {
                    $0.contains("--gateway-listen 127.0.0.2:9003 --gateway-admin unix:\(folder)/run/gateway-admin.sock")
                })
            #expect(!settings.contains { $0.contains("MARTLET_BIN_DIR") || $0.contains("MARTLET_READY_TIMEOUT") })
        }
    }

    @Test(
        arguments: [
            ["--port", "0"], ["--port", "65536"], ["--port", "99999999999999999999"], ["--port", "x"], ["--port"],
            ["--nonsense"], ["nonsense"], ["--data"], ["--data", ""],
        ])
    func `wrong arguments are refused with the usage`(arguments: [String]) async throws {
        try await withRunFixture { fixture in
            var launch = ChildProcess.Launch("\(Stack.binaries)/martlet", output: "\(fixture.folder)/out")
            launch.arguments = ["run"] + arguments
            launch.environment = ["MARTLET_DATA": "\(fixture.folder)/data"]
            let run = try ChildProcess.start(launch)
            #expect(await run.end(within: .seconds(10)) == .exited(64))
            #expect(fixture.lines(of: "out").contains { $0.hasPrefix("Usage: martlet run") })
            #expect(!FileManager.default.fileExists(atPath: "\(fixture.folder)/data"))
        }
    }
}
