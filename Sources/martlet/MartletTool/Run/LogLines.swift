/// Cuts what a process writes into lines, and keeps the last ones for its obituary.
struct LogLines {
    /// Bytes of one line; a longer one is cut into several.
    static let maxLineBytes = 64 << 10
    private static let keptLines = 5

    private(set) var last: [[UInt8]] = []
    private var rest: [UInt8] = []

    /// Takes what was written, and returns the lines it completes.
    mutating func append(_ bytes: some Sequence<UInt8>) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        for byte in bytes {
            if byte == UInt8(ascii: "\n") || rest.count == Self.maxLineBytes {
                lines.append(rest)
                rest = []
            }
            if byte != UInt8(ascii: "\n") { rest.append(byte) }
        }
        last = Array((last + lines).suffix(Self.keptLines))
        return lines
    }

    /// The last line when it has no end.
    mutating func finish() -> [[UInt8]] { rest.isEmpty ? [] : append([UInt8(ascii: "\n")]) }
}
