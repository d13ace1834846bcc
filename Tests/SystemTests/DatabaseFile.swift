import GRDB
import TestSupport
import Testing

/// A service's database file, opened beside or without its service.
struct DatabaseFile {
    private let queue: DatabaseQueue

    init(of process: StackProcess, _ stack: Stack) throws {
        queue = try DatabaseQueue(path: "\(stack.dataPath)/\(process.executable).db")
    }

    /// What SQLite finds wrong with the file; "ok" when that is nothing.
    func integrity() throws -> String {
        try queue.read { try String.fetchOne($0, sql: "PRAGMA integrity_check") ?? "" }
    }

    /// The single number a query yields.
    func count(_ sql: String) throws -> Int {
        try queue.read { try Int.fetchOne($0, sql: sql) ?? 0 }
    }

    func execute(_ sql: String) throws {
        try queue.write { try $0.execute(sql: sql) }
    }

    /// Every database of a stack is sound.
    static func checkAll(_ stack: Stack) throws {
        for service in StackProcess.services {
            #expect(try DatabaseFile(of: service, stack).integrity() == "ok", "\(service)")
        }
    }
}
