import Foundation
import TestSupport
import Testing

extension SystemTests {
    /// What is on disk is the owner's alone.
    @Suite struct FileModeTests {
        @Test func `files, sockets and folders are private, whatever the umask`() async throws {
            try await withStack(.prepared(StackProcess.services + [.gateway], by: "umask 0")) { stack in
                let pair = try await Pair.make("Pair", port: stack.port())
                try await pair.one.say("well", to: pair.conversation)

                var found: [String: Int] = [:]
                for folder in [stack.dataPath, stack.runtimePath] {
                    found[folder] = try Self.mode(folder)
                    for name in try FileManager.default.subpathsOfDirectory(atPath: folder) {
                        found["\(folder)/\(name)"] = try Self.mode("\(folder)/\(name)")
                    }
                }

                // A database with its log and index, and a lock, of each service; a key; six sockets and the admin's.
                #expect(found.count >= 22)
                for (path, mode) in found {
                    let isFolder = path == stack.dataPath || path == stack.runtimePath
                    #expect(mode == (isFolder ? 0o700 : 0o600), "\(path): \(String(mode, radix: 8))")
                }
            }
        }

        private static func mode(_ path: String) throws -> Int {
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            return try #require(attributes[.posixPermissions] as? Int)
        }
    }
}
