import Foundation
import TestSupport
import Testing

extension SystemTests {
    /// What is deleted under running processes.
    @Suite struct DeletedFilesTests {
        @Test func `socket files that were deleted are there again, and whoever starts then finds everybody`()
            async throws
        {
            try await withStack { stack in
                let pair = try await Pair.make("Pair", port: stack.port())
                let pushes = try await pair.other.pushSocket()
                let names = ["auth", "social", "message"].flatMap { ["\($0).sock", "\($0)-events.sock"] }
                let paths = names.map { "\(stack.runtimePath)/\($0)" } + [stack.adminPath(of: .gateway)]
                for path in paths { try FileManager.default.removeItem(atPath: path) }
                try await pair.one.say("meanwhile", to: pair.conversation)
                #expect(try await pushes.nextTexts(1) == ["meanwhile"], "connections that stand are not touched")

                try await eventually("they are there again") {
                    paths.allSatisfy { FileManager.default.fileExists(atPath: $0) }
                }
                try await stack.terminate(.gateway)
                try FileManager.default.removeItem(atPath: stack.runtimePath)
                try await eventually("the folder is there again") {
                    paths.dropLast().allSatisfy { FileManager.default.fileExists(atPath: $0) }
                }
                try await stack.start(.gateway)
                try await stack.untilReady()
                let again = try await pair.other.reconnected(to: stack.port()).pushSocket()
                try await pair.one.reconnected(to: stack.port()).say("afterwards", to: pair.conversation)
                #expect(try await again.nextTexts(1) == ["afterwards"])
            }
        }

        @Test func `a publisher that is not heard is missed for as long as it is not`() async throws {
            try await withStack(.stopped) { stack in
                let (source, target) = (
                    "ipc://\(stack.runtimePath)/message-events.sock", "ipc://\(stack.runtimePath)/between.sock"
                )
                stack.set("MARTLET_BUS_MESSAGE_EVENTS", target, for: .gateway)
                try await stack.start(.message)
                let proxy = try await EventProxy(from: source, to: target) { _, frame in [frame] }
                for process in [StackProcess.auth, .social, .gateway] { try await stack.start(process) }
                try await stack.untilReady()
                proxy.stop()
                try await stack.untilMissed(.message)

                // Longer than it takes to connect anew.
                let end = ContinuousClock.now + .seconds(5)
                while ContinuousClock.now < end {
                    #expect(try await stack.readiness().conditions["message-svc"] == false)
                    try await Task.sleep(for: .milliseconds(50))
                }

                let second = try await EventProxy(from: source, to: target) { _, frame in [frame] }
                defer { second.stop() }
                try await stack.untilReady()
            }
        }

        @Test(arguments: StackProcess.services + [.gateway])
        func `a folder that cannot be written in is named`(process: StackProcess) async throws {
            try await withStack(.stopped) { stack in
                let place = stack.folder + "/file"
                try Data().write(to: URL(fileURLWithPath: place))
                var environment = ["MARTLET_RUNTIME": place]
                if process == .gateway { environment["MARTLET_GATEWAY_ADMIN"] = "unix:\(place)/admin.sock" }

                let member = try stack.launch(process, environment: environment)

                #expect(await member.child.end(within: .seconds(10)) == .exited(75))
                #expect(member.log.contains("write in the folder \(place)"), "\(member.log)")
                #expect(!member.log.contains("Address already in use"))
            }
        }
    }
}
