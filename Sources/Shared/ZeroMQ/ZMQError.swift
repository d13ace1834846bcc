import CZeroMQ

/// A failed libzmq call: what was attempted and the `errno` it left behind.
package struct ZMQError: Error, Hashable, CustomStringConvertible {
    package let code: Int32
    package let operation: String

    init(_ operation: String) {
        self.code = zmq_errno()
        self.operation = operation
    }

    init(_ operation: String, code: Int32) {
        self.code = code
        self.operation = operation
    }

    package var description: String {
        "\(operation): \(String(cString: zmq_strerror(code)))"
    }

    /// The message is longer than its receiver takes, and was not sent.
    package var isMessageTooLong: Bool { code == EMSGSIZE }

    /// The address is taken by another socket of this context or, for `tcp`, by another process.
    package var isAddressInUse: Bool { code == EADDRINUSE }
}
