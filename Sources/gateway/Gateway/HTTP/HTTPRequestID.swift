/// The identifier that follows one request through the log lines of all processes.
enum HTTPRequestID {
    /// The header that carries it, in both directions.
    static let header = "X-Request-Id"

    /// The caller's identifier if it is sane, else a new one. What is not sane is dropped rather than repaired, so
    /// that nothing a caller sends can forge or break a log line.
    static func choose(_ sent: String?) -> String {
        guard let sent, isSane(sent) else { return random() }
        return sent
    }

    /// 16 random hexadecimal digits.
    static func random() -> String {
        let digits = String(UInt64.random(in: .min ... .max), radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }

    private static func isSane(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }
}
