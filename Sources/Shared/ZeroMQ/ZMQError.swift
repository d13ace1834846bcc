import CZeroMQ

/// A failed libzmq call: what was attempted and the `errno` it left behind.
package struct ZMQError: Error, Hashable, CustomStringConvertible {
    package let code: Int32
    package let operation: String

    init(_ operation: String) {
        self.code = zmq_errno()
        self.operation = operation
    }

    package var description: String {
        "\(operation): \(String(cString: zmq_strerror(code)))"
    }

    /// The address is taken by another socket of this context or, for `tcp`, by another process.
    package var isAddressInUse: Bool { code == EADDRINUSE }
}
