import Glibc
import SharedCrypto
import TestSupport
import Testing

@Suite("Signing key file")
struct SigningKeyFileTests {
    @Test func `a missing file is made with mode 0600, and the next start reads the same key`() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/signing.pem"

            let first = try SigningKeyFile.loadOrCreate(at: path)
            let second = try SigningKeyFile.loadOrCreate(at: path)

            #expect(first.publicKey == second.publicKey)
            #expect(try read(path) == first.pem)
            #expect(mode(of: path) == 0o600)
            #expect(names(in: folder) == ["signing.pem"])
        }
    }

    @Test(arguments: [0o640, 0o604, 0o644, 0o660, 0o610, 0o601, 0o777] as [mode_t])
    func `a file on which others have a right is refused and left alone`(mode: mode_t) async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/signing.pem"
            let key = try SigningKeyFile.loadOrCreate(at: path)
            chmod(path, mode)

            let failure = try #require(throws: SigningKeyFile.Failure.self) {
                try SigningKeyFile.loadOrCreate(at: path)
            }

            #expect(failure.reason == .permissions(mode))
            #expect(failure.description.contains(path))
            #expect(failure.description.contains("0" + String(mode, radix: 8)))
            #expect(try read(path) == key.pem)
            chmod(path, 0o400)
            #expect(try SigningKeyFile.loadOrCreate(at: path).publicKey == key.publicKey)
        }
    }

    @Test func `a damaged file is refused by name, shows nothing of itself, and is left alone`() async throws {
        try await withTemporaryFolder { folder in
            let pem = try Ed25519PrivateKey.generate().pem
            let damaged = [
                "", "\n", "openIM123", String(pem.dropLast(40)), pem + pem, String(repeating: "A", count: 9000),
            ]
            for (index, text) in damaged.enumerated() {
                let path = folder + "/key\(index).pem"
                write(text, to: path)

                let failure = try #require(throws: SigningKeyFile.Failure.self) {
                    try SigningKeyFile.loadOrCreate(at: path)
                }

                #expect(failure.reason == .damaged)
                #expect(failure.description.contains(path))
                #expect(text.isEmpty || !failure.description.contains(text))
                #expect(try read(path) == text)
            }
        }
    }

    @Test func `bytes that are no text are refused as damaged`() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/signing.pem"
            write([0xFF, 0xFE, 0x00, 0x80], to: path)

            let failure = try #require(throws: SigningKeyFile.Failure.self) {
                try SigningKeyFile.loadOrCreate(at: path)
            }

            #expect(failure.reason == .damaged)
        }
    }

    @Test func `a folder and a pipe are refused at once`() async throws {
        try await withTemporaryFolder { folder in
            let pipe = folder + "/pipe"
            #expect(mkfifo(pipe, 0o600) == 0)

            for path in [folder, pipe] {
                let failure = try #require(throws: SigningKeyFile.Failure.self) {
                    try SigningKeyFile.loadOrCreate(at: path)
                }
                #expect(failure.reason == .notAFile)
            }
        }
    }

    @Test(.enabled(if: geteuid() == 0, "only root can give a file away"))
    func `a file of another user is refused`() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/signing.pem"
            _ = try SigningKeyFile.loadOrCreate(at: path)
            #expect(chown(path, 12345, 12345) == 0)

            let failure = try #require(throws: SigningKeyFile.Failure.self) {
                try SigningKeyFile.loadOrCreate(at: path)
            }

            #expect(failure.reason == .owner(12345))
        }
    }

    @Test func `a folder that does not exist is reported with the system's reason`() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/missing/signing.pem"

            let failure = try #require(throws: SigningKeyFile.Failure.self) {
                try SigningKeyFile.loadOrCreate(at: path)
            }

            guard case .system(_, ENOENT) = failure.reason else {
                Issue.record("unexpected reason \(failure.reason)")
                return
            }
            #expect(failure.description.contains(path))
        }
    }

    @Test func `starts at the same time end with one key and no remains`() async throws {
        // Many rounds, because the processors decide how close together the starts are.
        for _ in 0..<50 {
            try await withTemporaryFolder { folder in
                let path = folder + "/signing.pem"

                let keys = try await withThrowingTaskGroup(of: Ed25519PublicKey.self) { group in
                    for _ in 0..<8 { group.addTask { try SigningKeyFile.loadOrCreate(at: path).publicKey } }
                    return try await group.reduce(into: Set<Ed25519PublicKey>()) { $0.insert($1) }
                }

                #expect(keys.count == 1)
                #expect(names(in: folder) == ["signing.pem"])
            }
        }
    }
}

private func names(in folder: String) -> [String] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
        let name = withUnsafeBytes(of: entry.pointee.d_name) { buffer in
            String(decoding: buffer.prefix { $0 != 0 }, as: UTF8.self)
        }
        if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
}

private func mode(of path: String) -> mode_t {
    var status = stat()
    return stat(path, &status) == 0 ? status.st_mode & 0o7777 : 0
}

private func write(_ text: String, to path: String) {
    write(Array(text.utf8), to: path)
}

private func write(_ bytes: [UInt8], to path: String) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL, 0o600)
    defer { close(descriptor) }
    #expect(write(descriptor, bytes, bytes.count) == bytes.count)
}

private func read(_ path: String) throws -> String {
    let descriptor = open(path, O_RDONLY)
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 10_000)
    let count = read(descriptor, &bytes, bytes.count)
    try #require(count >= 0)
    return String(decoding: bytes.prefix(count), as: UTF8.self)
}
