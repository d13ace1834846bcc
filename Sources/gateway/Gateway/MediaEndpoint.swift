import NIOCore
import NIOHTTP1
import Shared

/// Serves pictures by account under `/media/pictures/{account}?v=<version>`, the same for every dialect.
///
/// The address is not secret and holds no more than lists show to everyone; a version in it never changes its content.
struct MediaEndpoint: Sendable {
    let backend: Backend
    let timeout: Duration

    var route: HTTPRouter<HTTPEndpoint>.Route {
        HTTPRouter.Route(.GET, "/media/pictures/{account}") { await picture($0) }
    }

    /// The address of a profile's picture; empty when it has none.
    static func address(of profile: Profile) -> String {
        profile.pictureVersion == 0 ? "" : "/media/pictures/\(profile.account)?v=\(profile.pictureVersion)"
    }

    private func picture(_ request: HTTPRequest) async -> HTTPResponse {
        guard let account = Int64(request.parameters["account"] ?? "").map({ AccountID($0) }) else {
            return Self.failure(.notFound, "no such picture")
        }
        do throws(ServiceError) {
            let reply = try await backend.auth.call(
                AuthAPI.Pictures(accounts: [account]), CallContext(trace: request.id, deadline: .after(timeout)))
            guard let picture = reply.pictures.first else { return Self.failure(.notFound, "no such picture") }
            let tag = "\"\(picture.account)-\(picture.version)\""
            let isCurrent = request.query["v"] == "\(picture.version)"
            let headers: HTTPHeaders = [
                "ETag": tag, "Content-Type": picture.mediaType,
                "Cache-Control": isCurrent ? "public, max-age=31536000, immutable" : "no-cache",
                // Whatever the bytes are, they are never run as a document.
                "Content-Security-Policy": "default-src 'none'; sandbox",
                "X-Content-Type-Options": "nosniff",
            ]
            if request.headers["If-None-Match"].contains(tag) {
                return HTTPResponse(status: .notModified, headers: headers)
            }
            return HTTPResponse(status: .ok, headers: headers, body: ByteBuffer(bytes: picture.content.bytes))
        } catch {
            return Self.failure(.serviceUnavailable, "unavailable")
        }
    }

    private static func failure(_ status: HTTPResponseStatus, _ reason: String) -> HTTPResponse {
        var json = JSONWriter()
        json.object { $0.field("error", reason) }
        return HTTPResponse(status: status, json: json)
    }
}
