import Glibc
import Shared
import Synchronization

/// What the lock file remembers beside the database: how far it had come, and how far the other services had.
///
/// It is written after each commit and never flushed: a kill loses nothing of it, and after a power cut it is behind at
/// most, never ahead. All of it lies in one sector, so that none of it is ever half written.
extension DataDirectory {
    /// The marks that an earlier life of the service was told of the others.
    var remembered: [MarksAPI.Known] {
        ServiceName.allCases.compactMap { other in
            guard other != service, let mark = Self.mark(of: other, in: lock) else { return nil }
            return MarksAPI.Known(service: other, mark: mark)
        }
    }

    /// Refuses a database that holds less than it did, or is another one.
    func check(_ mark: Mark?) throws {
        let seen = own.withLock { $0 }
        guard let mark else {
            guard try hadDatabase else { return }
            throw Refusal(description: "\(databasePath) holds nothing, but it did; \(advice)")
        }
        guard !mark.includes(seen) else { return }
        throw Refusal(description: "\(databasePath) is \(Self.comparison(mark, with: seen)); \(advice)")
    }

    /// How a database differs from the one that was seen.
    static func comparison(_ mark: Mark, with seen: Mark) -> String {
        mark.epoch == seen.epoch && mark.age == seen.age
            ? "older than it was: it ends with event \(mark.head), and \(seen.head) was there"
            : "not the one that was here: it is \(mark), and \(seen) was here"
    }

    /// Remembers how far a service has come; of this one never less than before.
    func remember(_ mark: Mark, of other: ServiceName) throws(SystemError) {
        guard other == service else { return try write(mark, of: other) }
        try own.withLock { (own) throws(SystemError) in
            guard mark.includes(own) else { return }
            own = mark
            try write(mark, of: other)
        }
    }

    /// Remembers that the service has come further than its database has, or that another one was here.
    func insist(on mark: Mark) throws(SystemError) {
        try own.withLock { (own) throws(SystemError) in
            own = mark
            try write(mark, of: service)
        }
    }

    // MARK: - The file

    /// Behind the line that says that a database was made.
    private static let firstSlot = 64
    private static let slotSize = 32
    /// Makes a slot of zeros none.
    private static let checkMask: Int64 = 0x4D61_726B

    private static func offset(of service: ServiceName) -> off_t {
        off_t(firstSlot + slotSize * Int(service.rawValue))
    }

    static func mark(of service: ServiceName, in file: Int32) -> Mark? {
        var fields: [Int64] = [0, 0, 0, 0]
        guard pread(file, &fields, slotSize, offset(of: service)) == slotSize else { return nil }
        let mark = Mark(
            age: Int64(littleEndian: fields[0]), epoch: Int64(littleEndian: fields[1]),
            head: Int64(littleEndian: fields[2]))
        return Int64(littleEndian: fields[3]) == check(mark) ? mark : nil
    }

    private func write(_ mark: Mark, of other: ServiceName) throws(SystemError) {
        let fields = [mark.age, mark.epoch, mark.head, Self.check(mark)].map(\.littleEndian)
        guard pwrite(lock, fields, Self.slotSize, Self.offset(of: other)) == Self.slotSize else {
            throw SystemError("write \(lockPath)")
        }
    }

    private static func check(_ mark: Mark) -> Int64 { mark.age ^ mark.epoch ^ mark.head ^ checkMask }
}
