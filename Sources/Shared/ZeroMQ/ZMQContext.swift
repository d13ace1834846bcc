import CZeroMQ

/// A libzmq context: the I/O thread and the `inproc` namespace that its sockets share.
///
/// Close every socket before letting the last reference go: `deinit` waits for them.
package final class ZMQContext: @unchecked Sendable {
    // Sendable: libzmq documents contexts as safe to share between threads, and the handle never changes.
    let handle: UnsafeMutableRawPointer

    /// Makes a context with one I/O thread, enough for the two cores a service is sized for.
    package init() throws(ZMQError) {
        guard let handle = zmq_ctx_new() else { throw ZMQError("zmq_ctx_new") }
        self.handle = handle
        // An application without SIGPIPE handlers or terminal wants no surprises from the library's thread names.
        zmq_ctx_set(handle, ZMQ_IO_THREADS, 1)
    }

    deinit {
        while zmq_ctx_term(handle) != 0, zmq_errno() == EINTR {}
    }

    /// The library's version, such as "4.3.4", for the log line of a starting process.
    package static var libraryVersion: String {
        var major: Int32 = 0
        var minor: Int32 = 0
        var patch: Int32 = 0
        zmq_version(&major, &minor, &patch)
        return "\(major).\(minor).\(patch)"
    }
}
