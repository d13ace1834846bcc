/// One question a service answers: its name, its payload and its answer travel together as one type.
package protocol BusRequest: WireRecord, Hashable {
    associatedtype Reply: WireRecord & Hashable
    /// The unique name, `service.verb`; at most 64 bytes.
    static var route: String { get }
}

/// The answer of a request that only says "done".
package struct Done: WireRecord, Hashable {
    package init() {}
    package static let wireFormat = WireFormat(Self.init)
}

/// A fact a service has committed and tells everyone who subscribed.
package protocol BusEvent: WireRecord, Hashable {
    /// The unique name, `service.fact`; at most 64 bytes.
    static var kind: String { get }
}

/// A change one service owes another: stored in the sender's outbox, applied exactly once by the receiver.
package protocol BusEffect: WireRecord, Hashable {
    /// The unique name, `receiver.verb`; at most 64 bytes.
    static var kind: String { get }
}

/// The processes of a deployment, as they name themselves on the bus and in the log.
package enum ServiceName: UInt8, Sendable, Hashable, CaseIterable, WireValue, CustomStringConvertible {
    case gateway = 1
    case auth = 2
    case social = 3
    case message = 4

    package var description: String {
        switch self {
        case .gateway: "gateway"
        case .auth: "auth-svc"
        case .social: "social-svc"
        case .message: "message-svc"
        }
    }
}
