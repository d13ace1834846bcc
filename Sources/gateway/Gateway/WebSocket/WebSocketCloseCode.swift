/// Why a WebSocket ends: the status code of a close frame (RFC 6455 section 7.4).
struct WebSocketCloseCode: RawRepresentable, Sendable, Hashable, ExpressibleByIntegerLiteral {
    let rawValue: UInt16

    init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    init(integerLiteral value: UInt16) {
        rawValue = value
    }

    /// The purpose is fulfilled.
    static let normal: WebSocketCloseCode = 1000
    /// The server stops, or the peer is silent or never ends a message. RFC 6455 has no code for a time that is up, and
    /// with this one every client comes back.
    static let goingAway: WebSocketCloseCode = 1001
    /// The peer broke RFC 6455.
    static let protocolError: WebSocketCloseCode = 1002
    /// A kind of message that is not accepted: binary.
    static let unsupportedData: WebSocketCloseCode = 1003
    /// Text that is not UTF-8.
    static let invalidPayload: WebSocketCloseCode = 1007
    /// A rule of ours was broken: not authenticated. There are clients that log out on it.
    static let policyViolation: WebSocketCloseCode = 1008
    /// A message beyond ``WebSocketConfiguration/maxMessageBytes``.
    static let messageTooBig: WebSocketCloseCode = 1009
    /// A defect of ours.
    static let internalError: WebSocketCloseCode = 1011
    /// What the connection was built on has to be read anew; it should come back at once.
    static let serviceRestart: WebSocketCloseCode = 1012
    /// Too much is waiting for a peer that reads too slowly; it should come back later.
    static let tryAgainLater: WebSocketCloseCode = 1013

    /// Whether a close frame may carry it. 1004 to 1006 and 1015 are reserved for use inside an endpoint, the other
    /// gaps are undefined, 3000 and up are for libraries and applications (section 7.4.2).
    var isAllowedOnWire: Bool {
        switch rawValue {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }
}

/// Code and reason of a close frame.
struct WebSocketEnd: Sendable {
    let code: WebSocketCloseCode
    let reason: String

    /// Nobody can tell now whose connection it is, or its account opens too often.
    static let tryAgainLater = WebSocketEnd(code: .tryAgainLater, reason: "try again later")
    static let serverStops = WebSocketEnd(code: .goingAway, reason: "server is stopping")
}
