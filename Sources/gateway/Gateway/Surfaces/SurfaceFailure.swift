import NIOHTTP1
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
    /// The HTTP status.
    var status: Int { get }
    /// Seconds to wait before the next try, for 429 and 503.
    var retryAfter: String? { get }
    /// Writes the members of the answer's object.
    func write(to json: inout JSONWriter)
}

extension SurfaceFailure {
    /// Whether it is a defect of ours, to be found in the log.
    var isDefect: Bool { status == 500 }

    var response: HTTPResponse {
        var json = JSONWriter(reserving: 96)
        json.object(write)
        var response = HTTPResponse(status: HTTPResponseStatus(statusCode: status), json: json)
        if let retryAfter { response.headers.add(name: "Retry-After", value: retryAfter) }
        return response
    }
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
