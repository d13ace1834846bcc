import NIOHTTP1

/// What an endpoint has to say when it succeeds; its dialect adds the envelope.
struct SurfaceAnswer: Sendable {
    /// Writes members of the answer's object.
    var fields: @Sendable (inout JSONWriter) -> Void = { _ in }
    var headers: HTTPHeaders = [:]
    /// Told what became of the answer.
    var onDelivery: (@Sendable (HTTPDelivery) -> Void)?

    /// Success with nothing to say.
    static let succeed = SurfaceAnswer()
}
