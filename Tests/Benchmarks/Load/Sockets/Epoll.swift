import Glibc

/// Linux's readiness queue. Swift's Glibc module leaves `sys/epoll.h` out, so its functions are looked up by name.
final class Epoll {
    /// `struct epoll_event`, which is packed on x86-64 only.
    struct Event {
        var readiness: UInt32 = 0
        #if !arch(x86_64)
            private var padding: UInt32 = 0
        #endif
        var descriptor: Int32 = 0
        private var rest: UInt32 = 0

        init() {}

        init(_ descriptor: Int32, _ readiness: UInt32) {
            self.descriptor = descriptor
            self.readiness = readiness
        }
    }

    static let readable: UInt32 = 0x1
    static let writable: UInt32 = 0x4
    private static let maxEvents = 1_024

    private typealias Create = @convention(c) (Int32) -> Int32
    private typealias Control = @convention(c) (Int32, Int32, Int32, UnsafeMutableRawPointer?) -> Int32
    private typealias Wait =
        @convention(c) (Int32, UnsafeMutableRawPointer, Int32, UnsafePointer<timespec>?, UnsafeRawPointer?) -> Int32

    private let descriptor: Int32
    private let control: Control
    private let wait: Wait
    private let events = UnsafeMutablePointer<Event>.allocate(capacity: maxEvents)

    /// - Throws: ``BenchmarkFailure`` when the system has no epoll, or no descriptor for it.
    init() throws {
        let create = unsafeBitCast(try Self.function("epoll_create1"), to: Create.self)
        control = unsafeBitCast(try Self.function("epoll_ctl"), to: Control.self)
        wait = unsafeBitCast(try Self.function("epoll_pwait2"), to: Wait.self)
        descriptor = create(0)
        guard descriptor >= 0 else { throw BenchmarkFailure.system("epoll_create1") }
        events.initialize(repeating: Event(), count: Self.maxEvents)
    }

    deinit {
        events.deallocate()
        close(descriptor)
    }

    func add(_ socket: Int32) throws { try change(1, socket, Self.readable) }

    func remove(_ socket: Int32) throws { try change(2, socket, 0) }

    /// Whether the room to write into a socket is waited for, too.
    func set(_ socket: Int32, waitsForRoom: Bool) throws {
        try change(3, socket, waitsForRoom ? Self.readable | Self.writable : Self.readable)
    }

    /// Waits for something to be ready; empty after the time, or when a signal came.
    func next(nanoseconds: Int64) throws -> UnsafeBufferPointer<Event> {
        var timeout = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
        let count = wait(descriptor, events, Int32(Self.maxEvents), &timeout, nil)
        guard count >= 0 || errno == EINTR else { throw BenchmarkFailure.system("epoll_pwait2") }
        return UnsafeBufferPointer(start: events, count: Int(max(0, count)))
    }

    private func change(_ operation: Int32, _ socket: Int32, _ readiness: UInt32) throws {
        var event = Event(socket, readiness)
        guard control(descriptor, operation, socket, &event) == 0 else { throw BenchmarkFailure.system("epoll_ctl") }
    }

    private static func function(_ name: String) throws -> UnsafeMutableRawPointer {
        guard let address = dlsym(nil, name) else { throw BenchmarkFailure("this system has no \(name)") }
        return address
    }
}
