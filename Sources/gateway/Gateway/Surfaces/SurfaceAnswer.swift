import NIOHTTP1

/// What an endpoint has to say when it succeeds; its dialect adds the envelope.
struct SurfaceAnswer: Sendable {
    /// Writes members of the answer's object.
    var fields: @Sendable (inout JSONWriter) -> Void = { _ in }
    var headers: HTTPHeaders = [:]
    /// Told whether the answer was handed to the kernel whole.
    var afterWrite: (@Sendable (Bool) -> Void)?

    /// Success with nothing to say.
    static let succeed = SurfaceAnswer()
}
