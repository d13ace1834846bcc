import Foundation
import TestSupport
import Testing

extension SystemTests {
    /// A write that fails in the middle of a commit; a limit on the size of files brings that about.
    @Suite struct WriteErrorTests {
        @Test func `a message that could not be written is never acknowledged`() async throws {
            // Without the signal the limit shows as a failed write.
            var options = StackOptions.prepared([.message], by: "trap '' XFSZ")
            options.environment["MARTLET_GATEWAY_REQUEST_TIMEOUT_MS"] = "500"
            try await withStack(options) { stack in
                let pair = try await Pair.make("Pair", port: stack.port())
                let process = try stack.member(.message).child
                let log = "\(stack.dataPath)/message-svc.db-wal"
                let size = try #require(FileManager.default.attributesOfItem(atPath: log)[.size] as? Int)
                try await Self.limitFileSize(of: process, to: size + 200_000, stack)

                var texts: [String] = []
                var ids: [Int64] = []
                while texts.count < 500 {
                    texts.append("\(texts.count) " + String(repeating: "x", count: 2_000))
                    let outcome = await pair.one.send(
                        texts[texts.count - 1], to: pair.conversation, clientID: "\(texts.count)")
                    guard case .ok(let id) = outcome else { break }
                    ids.append(id)
                }
                #expect(ids.count > 5)
                #expect(ids.count < 500, "the limit was never reached")
                // What its memory holds of the file may be trusted no more.
                #expect(await process.end(within: .seconds(5)) == .exited(1))

                try await stack.start(.message)
                try await stack.untilReady()
                let chain = try await pair.other.chain(of: pair.conversation).dropFirst()
                #expect(chain.map(\.id) == ids)
                #expect(chain.map(\.text) == texts.dropLast())
                let last = try #require(texts.last)
                let outcome = await pair.one.send(last, to: pair.conversation, clientID: "\(texts.count)")
                #expect(outcome.isOK)
                #expect(try await pair.other.chain(of: pair.conversation).count == texts.count + 1)
                #expect(try DatabaseFile(of: .message, stack).integrity() == "ok")
            }
        }

        private static func limitFileSize(of process: ChildProcess, to bytes: Int, _ stack: Stack) async throws {
            var launch = ChildProcess.Launch("/usr/bin/prlimit", output: "\(stack.folder)/prlimit.log")
            launch.arguments = ["--pid", "\(process.pid)", "--fsize=\(bytes)"]
            launch.group = stack.group.id
            let prlimit = try ChildProcess.start(launch)
            #expect(await prlimit.end(within: .seconds(5)) == .exited(0))
        }
    }
}
