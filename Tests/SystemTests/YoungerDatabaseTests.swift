import Foundation
import Glibc
import Shared
import TestSupport
import Testing

extension SystemTests {
    /// A database that holds less than was acknowledged, put in the place of the right one in every way it happens.
    @Suite struct YoungerDatabaseTests {
        @Test(arguments: [SIGTERM, SIGKILL])
        func `an emptied database is refused`(signal: Int32) async throws {
            try await withStack { stack in
                let pair = try await Self.talk(stack)
                for service in StackProcess.services {
                    let files = try await Self.stop(service, signal, stack)
                    try Data().write(to: URL(fileURLWithPath: files.path))

                    try await Self.expectRefusal(of: service, "is empty, but there was one", stack)
                    try await Self.expectNoAnswer(from: service, stack)

                    try files.putBack()
                    try await stack.start(service)
                    try await stack.untilReady()
                }
                try await Self.expectService(pair, stack)
            }
        }

        @Test func `a database without its log, or with flipped bytes in its midst, is refused`() async throws {
            try await withStack { stack in
                let pair = try await Self.talk(stack)
                for service in StackProcess.services {
                    let files = try await Self.stop(service, SIGKILL, stack)
                    try FileManager.default.removeItem(atPath: files.path + "-wal")
                    try await Self.expectRefusal(of: service, "put the right file back", stack)
                    try files.putBack()

                    var log = try #require(files.content["-wal"])
                    for index in log.count / 2..<log.count / 2 + 64 { log[index] ^= 0xFF }
                    try log.write(to: URL(fileURLWithPath: files.path + "-wal"))
                    try await Self.expectRefusal(of: service, "put the right file back", stack)

                    try files.putBack()
                    try await stack.start(service)
                    try await stack.untilReady()
                }
                try await Self.expectService(pair, stack)
            }
        }

        @Test func `a copy from before is refused, also where only the others remember`() async throws {
            try await withStack { stack in
                let pair = try await Self.talk(stack)
                var copies: [StackProcess: DatabaseCopy] = [:]
                for service in StackProcess.services {
                    copies[service] = try await Self.stop(service, SIGTERM, stack)
                    try await stack.start(service)
                }
                try await stack.untilReady()
                _ = try await Self.talk(stack, "Later")
                try await Self.untilKnown(stack)
                for service in StackProcess.services {
                    let right = try await Self.stop(service, SIGTERM, stack)
                    try #require(copies[service]).putBack()
                    try await Self.expectRefusal(of: service, "is older than it was", stack)

                    // Without the memory beside the file it starts, and is told by whoever has seen more.
                    let lock = "\(stack.dataPath)/\(service.executable).lock"
                    try FileManager.default.removeItem(atPath: lock)
                    try await Self.expectRefusal(of: service, "as others have seen", stack)
                    // Now it has heard it, and does not even start.
                    try await Self.expectRefusal(of: service, "is older than it was", stack)
                    #expect(
                        try await stack.readiness().conditions["reasons"]?[service.executable]?.string?
                            .contains("as others have seen") == true)

                    try right.putBack()
                    try await stack.start(service)
                    try await stack.untilReady()
                }
                try await Self.expectService(pair, stack)
            }
        }

        @Test func `nobody gets the id of somebody else from a new database, whoever else was restarted`() async throws
        {
            try await withStack { stack in
                let pair = try await Self.talk(stack)
                try await Self.untilKnown(stack)
                let right = try await Self.stop(.auth, SIGKILL, stack)
                try await stack.terminate(.gateway)
                try right.remove()
                try FileManager.default.removeItem(atPath: "\(stack.dataPath)/auth-svc.lock")

                // Neither the new database nor the new gateway remembers anything; the other services do.
                let younger = try stack.launch(.auth)
                try await stack.start(.gateway)
                let registration: JSON = [
                    "userName": "Somebody", "password": "Secret12345", "ensurePassword": "Secret12345",
                    "phoneNumber": "13800000000", "email": "a@b.cn", "picture": "",
                ]
                let http = HTTPClient(port: stack.port())
                try await eventually("the new database is given up", within: .seconds(15)) {
                    let answer = try await http.request("PUT", "/user/register", body: registration.bytes)
                    // What is on its way when the process ends has no answer.
                    #expect([503, 504].contains(answer.status))
                    return younger.child.end != nil
                }
                #expect(younger.child.end == .exited(75))
                #expect(younger.log.contains("is not the one that was here"))

                try right.putBack()
                try await stack.start(.auth)
                try await stack.untilReady()
                try await Self.expectService(pair, stack)
            }
        }

        @Test func `a folder that is gone under a running system is not begun anew`() async throws {
            try await withStack { stack in
                let pair = try await Self.talk(stack)
                let away = stack.folder + "/away"
                try FileManager.default.moveItem(atPath: stack.dataPath, toPath: away)
                try await stack.kill(.message)

                let younger = try stack.launch(.message)
                try await eventually("the new database is given up", within: .seconds(15)) {
                    #expect(await pair.one.send("to nowhere", to: pair.conversation).isOK == false)
                    return younger.child.end != nil
                }

                #expect(younger.child.end == .exited(75))
                #expect(younger.log.contains("is not the one that was here"))
                try FileManager.default.removeItem(atPath: stack.dataPath)
                try FileManager.default.moveItem(atPath: away, toPath: stack.dataPath)
                try await stack.start(.message)
                try await stack.untilReady()
                try await Self.expectService(pair, stack)
            }
        }

        // MARK: - Steps

        /// Two friends who have said a few things.
        private static func talk(_ stack: Stack, _ name: String = "Pair") async throws -> Pair {
            let pair = try await Pair.make(name, port: stack.port())
            for index in 1...30 { try await pair.one.say("text \(index)", to: pair.conversation) }
            return pair
        }

        private static func stop(
            _ service: StackProcess, _ signal: Int32, _ stack: Stack
        ) async throws -> DatabaseCopy {
            if signal == SIGKILL { try await stack.kill(service) } else { try await stack.terminate(service) }
            return try DatabaseCopy(of: service, stack)
        }

        private static func expectRefusal(of service: StackProcess, _ reason: String, _ stack: Stack) async throws {
            let member = try stack.launch(service)
            #expect(await member.child.end(within: .seconds(15)) == .exited(75), "\(service): \(member.log)")
            #expect(member.log.contains(reason), "\(member.log)")
            #expect(member.log.contains("\(service.executable).db"))
        }

        private static func expectNoAnswer(from service: StackProcess, _ stack: Stack) async throws {
            let readiness = try await stack.readiness()
            #expect(!readiness.isReady)
            #expect(readiness.conditions[service.executable] == false)
        }

        /// Waits until every service knows of the others what they say of themselves.
        private static func untilKnown(_ stack: Stack) async throws {
            let services: [(process: StackProcess, name: ServiceName)] = [
                (.auth, .auth), (.social, .social), (.message, .message),
            ]
            try await eventually("the services know of each other") {
                var known: [ServiceName: [ServiceName: Mark]] = [:]
                for (process, name) in services {
                    let marks = try await stack.marks(knownTo: process, name)
                    known[name] = Dictionary(marks.map { ($0.service, $0.mark) }) { first, _ in first }
                }
                return services.allSatisfy { about in
                    services.allSatisfy { known[$0.name]?[about.name] == known[about.name]?[about.name] }
                }
            }
        }

        /// What was there is there, and it goes on.
        private static func expectService(_ pair: Pair, _ stack: Stack) async throws {
            let one = pair.one.reconnected(to: stack.port())
            #expect(try await one.chain(of: pair.conversation).count == 31)
            try await one.say("and on", to: pair.conversation)
            let newcomers = try await Pair.make("New", port: stack.port())
            #expect(newcomers.one.id > pair.other.id)
            try DatabaseFile.checkAll(stack)
        }
    }
}

/// The files of a service's database as they were when it had stopped.
private struct DatabaseCopy {
    let path: String
    /// By what follows the path.
    let content: [String: Data]

    init(of service: StackProcess, _ stack: Stack) throws {
        let path = "\(stack.dataPath)/\(service.executable).db"
        self.path = path
        content = try ["", "-wal"].reduce(into: [:]) { content, suffix in
            guard FileManager.default.fileExists(atPath: path + suffix) else { return }
            content[suffix] = try Data(contentsOf: URL(fileURLWithPath: path + suffix))
        }
    }

    func remove() throws {
        for suffix in ["", "-wal", "-shm"] where FileManager.default.fileExists(atPath: path + suffix) {
            try FileManager.default.removeItem(atPath: path + suffix)
        }
    }

    func putBack() throws {
        try remove()
        for (suffix, content) in content { try content.write(to: URL(fileURLWithPath: path + suffix)) }
    }
}
