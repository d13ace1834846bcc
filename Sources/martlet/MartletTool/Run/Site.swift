import Foundation
import Shared

/// The folders of a run, made and locked: what every process is started with.
struct Site {
    /// Bytes of the longest name of a socket in ``runtime``.
    private static let longestSocketName = 32
    /// Bytes of the longest path of a socket (unix(7)).
    private static let longestSocketPath = 107

    let settings: RunSettings
    /// The absolute path of the data folder.
    let data: String
    /// The absolute path of the folder of the sockets.
    let runtime: String
    /// Where the gateway answers its operator, as it is told.
    let admin: String
    /// The folder of the sockets when it lies outside the data folder, only for this run.
    private let scratch: String?
    private let lock: DataFolderLock

    /// Makes the folders and takes the data folder for this run.
    ///
    /// - Throws: ``RunFailure`` when that cannot be done or another run holds the data folder.
    init(_ settings: RunSettings, signals: SignalPipe) throws {
        self.settings = settings
        do {
            data = try Self.makeFolder(settings.data)
            lock = try DataFolderLock(data, signals: signals)
            // The path of a socket is limited; a long data folder has its sockets elsewhere.
            let usual = "\(data)/run"
            let isTooLong = usual.utf8.count + 1 + Self.longestSocketName > Self.longestSocketPath
            scratch = settings.runtime == nil && isTooLong ? try Self.makeScratch(in: settings.environment) : nil
            runtime = try Self.makeFolder(settings.runtime ?? scratch ?? usual)
        } catch let error as SystemError {
            throw RunFailure("\(error)")
        }
        admin = settings.admin ?? "unix:\(runtime)/gateway-admin.sock"
    }

    /// Removes what was made for this run alone.
    func removeScratch() {
        guard let scratch else { return }
        do {
            try FileManager.default.removeItem(atPath: scratch)
        } catch {
            RunOutput.complain("\(error)")
        }
    }

    /// Creates a folder that only its owner may enter, with those above it; leaves what is there.
    ///
    /// - Returns: its absolute path, without links.
    private static func makeFolder(_ path: String) throws -> String {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw RunFailure("cannot create the folder \(path): \(error.localizedDescription)")
        }
        return try FilePath.resolved(path)
    }

    private static func makeScratch(in environment: [String: String]) throws -> String {
        var template = Array("\(environment["XDG_RUNTIME_DIR"] ?? "/tmp")/martlet.XXXXXX".utf8CString)
        guard let path = mkdtemp(&template) else { throw SystemError("create a folder for sockets") }
        return String(cString: path)
    }
}

/// One run per data folder. The processes inherit the lock: when `martlet run` alone was killed they are still finishing
/// with the data, and a new run waits for them.
struct DataFolderLock {
    /// How long a new run waits for the processes of one that is gone: as long as they may take to drain.
    private static let patience = Duration.seconds(15)

    /// - Parameters:
    ///   - folder: an absolute path.
    ///   - signals: end the wait for an earlier run.
    /// - Throws: ``RunFailure`` when another run holds the folder.
    init(_ folder: String, signals: SignalPipe) throws {
        let path = "\(folder)/run.lock"
        // Not closed on exec, and never by us: it ends with the last process that has it.
        let descriptor = open(path, O_RDWR | O_CREAT, 0o600)
        guard descriptor >= 0 else { throw SystemError("write in the data folder: open \(path)") }
        if flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            let holder = try TextFile.read(path).split(separator: "\n").first.map(String.init)
            guard let holder, !Self.isRun(holder) else {
                throw RunFailure("the data folder \(folder) is in use by another run, pid \(holder ?? "unknown")")
            }
            RunOutput.say("waiting for the processes of an earlier run (pid \(holder), gone) to finish with \(folder)")
            let deadline = MonotonicTime.after(Self.patience)
            while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
                guard !deadline.hasPassed else {
                    throw RunFailure(
                        "the data folder \(folder) is in use by processes of an earlier run (pid \(holder))")
                }
                guard !signals.isPending(within: .milliseconds(100)) else { throw RunFailure("stopped while waiting") }
            }
        }
        let text = "\(getpid())\n"
        guard ftruncate(descriptor, 0) == 0, pwrite(descriptor, text, text.utf8.count, 0) == text.utf8.count else {
            throw SystemError("write \(path)")
        }
    }

    /// Whether a process is alive and a run of ours.
    private static func isRun(_ pid: String) -> Bool {
        guard let number = pid_t(pid), let command = try? TextFile.read("/proc/\(number)/cmdline") else {
            // It is gone.
            return false
        }
        let words = command.split(separator: "\0")
        return words.count > 1 && words[0].hasSuffix("martlet") && words[1] == "run"
    }
}
