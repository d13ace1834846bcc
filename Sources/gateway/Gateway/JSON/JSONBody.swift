import NIOCore

/// Bodies of requests as JSON.
enum JSONBody {
    /// Beyond it a body is parsed beside the event loop, which everybody waits for: two megabytes take as long as a thousand
    /// messages.
    private static let bytesOnLoop = 64 * 1024

    /// - Returns: `nil` for what is no JSON object.
    static func parse(_ body: ByteBuffer) async -> JSONObject? {
        guard body.readableBytes > bytesOnLoop else { return JSONObject(parsing: body) }
        // Detached, because a child would run on the loop as well.
        return await Task.detached { await LargeBodies.shared.parse(body) }.value
    }
}

/// Parses large bodies, one at a time.
private actor LargeBodies {
    static let shared = LargeBodies()

    func parse(_ body: ByteBuffer) -> JSONObject? { JSONObject(parsing: body) }
}
