import Shared

/// A refusal in the words of one dialect.
protocol SurfaceFailure: Error {
    /// What a service's refusal is in this dialect; endpoints pass what they word differently.
    init(_ error: ServiceError)
    /// What the server itself refuses.
    init(_ refusal: HTTPRefusal)
    /// A field that is missing, of another type or out of its range.
    static func badField(_ name: String) -> Self
    /// A body that is no JSON object.
    static var invalidJSON: Self { get }
    /// No token, or one that is not valid any more.
    static var invalidToken: Self { get }
    /// Whether it is a defect of ours, to be found in the log.
    var isDefect: Bool { get }
    var response: HTTPResponse { get }
}

/// A service whose refusals come back in a dialect's words.
struct SurfaceClient<Failure: SurfaceFailure>: Sendable {
    let client: BusClient

    /// - Parameter wording: texts in which an endpoint differs from the common ones.
    func ask<Request: BusRequest>(
        _ request: Request, _ context: CallContext, wording: [ServiceError.Code: Failure] = [:]
    ) async throws(Failure) -> Request.Reply {
        do throws(ServiceError) {
            return try await client.call(request, context)
        } catch {
            throw wording[error.code] ?? Failure(error)
        }
    }
}
