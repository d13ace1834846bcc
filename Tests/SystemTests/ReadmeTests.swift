import Foundation
import TestSupport
import Testing

extension SystemTests {
    /// What the README promises a newcomer.
    @Suite struct ReadmeTests {
        @Test func `the first conversation works as it is written`() async throws {
            let script = try Self.shellBlock(under: "## A first conversation")
            let text = try #require(Self.sentText(in: script), "the block sends no message")
            try await withStack { stack in
                var launch = ChildProcess.Launch("/bin/bash", output: "\(stack.folder)/output")
                launch.arguments = ["-c", "set -e; cd \"$0\"; \(script)", stack.folder]
                launch.environment = [
                    "MARTLET": "http://127.0.0.1:\(stack.port())", "PATH": "/usr/local/bin:/usr/bin:/bin",
                    "HOME": stack.folder, "NO_PROXY": "*",
                ]
                launch.group = stack.group.id
                let shell = try ChildProcess.start(launch)

                #expect(await shell.end(within: .seconds(20)) == .exited(0))
                let output = try String(contentsOfFile: launch.output, encoding: .utf8)
                #expect(output.contains(text), "the output is: \(output)")
            }
        }

        /// The fenced `sh` block that follows a heading.
        private static func shellBlock(under heading: String) throws -> String {
            let root = URL(fileURLWithPath: #filePath)
                .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            let readme = try String(contentsOf: root.appendingPathComponent("README.md"), encoding: .utf8)
            let section = try #require(readme.split(separator: "\n\(heading)\n").dropFirst().first, "no \(heading)")
            let block = try #require(section.split(separator: "\n```sh\n").dropFirst().first, "no block of sh")
            return try String(#require(block.split(separator: "\n```").first))
        }

        /// The text of the last message in the script.
        private static func sentText(in script: String) -> String? {
            script.matches(of: /\\?"message\\?" *: *\\?"([^"\\]+)/).last.map { String($0.output.1) }
        }
    }
}
