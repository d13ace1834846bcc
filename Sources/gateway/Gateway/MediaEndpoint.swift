import NIOCore
import NIOHTTP1
import Shared

/// Serves pictures by account under `/media/pictures/{account}?v=<version>`, the same for every dialect.
///
/// The address is not secret and holds no more than lists show to everyone; a version in it never changes its content.
/// Refusals are worded as `classic` words them, whose the paths at the root are.
struct MediaEndpoint: Sendable {
    let backend: Backend
    let profiles: ProfileCache
    let timeout: Duration

    var routes: [HTTPRouter<HTTPEndpoint>.Route] {
        let picture: HTTPEndpoint = { await self.picture($0) }
        return [("/media/pictures/{account}", picture), (Self.defaultAddress, Self.defaultPicture)]
            .flatMap { path, endpoint in
                [path, "/api" + path].flatMap { path in
                    [HTTPRouter.Route(.GET, path, endpoint), HTTPRouter.Route(.HEAD, path, endpoint)]
                }
            }
    }

    /// The address of what is shown for those without a picture, people and groups alike.
    static let defaultAddress = "/media/pictures/default"

    /// The address of a profile's picture; empty when it has none.
    static func address(of profile: Profile) -> String {
        profile.pictureVersion == 0 ? "" : "/media/pictures/\(profile.account)?v=\(profile.pictureVersion)"
    }

    private static let defaultPicture: HTTPEndpoint = { _ in
        HTTPResponse(
            status: .ok,
            headers: HTTPHeaders(
                harmless + [("Content-Type", "image/svg+xml"), ("Cache-Control", "public, max-age=86400")]),
            body: ByteBuffer(
                staticString: """
                    <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><path fill="#c5cad3" d="M0 0h64v64H0z"/>\
                    <g fill="#fff"><circle cx="32" cy="24" r="12"/><path d="M8 64a24 20 0 0 1 48 0z"/></g></svg>
                    """))
    }

    private func picture(_ request: HTTPRequest) async -> HTTPResponse {
        let context = CallContext(trace: request.id, deadline: .after(timeout))
        guard let account = Int64(request.parameters["account"] ?? "").map({ AccountID($0) }) else {
            return Self.notFound
        }
        do throws(ServiceError) {
            // The profile in memory answers for a picture the client has already.
            let version = try await profiles.values(of: [account], context)[account]?.pictureVersion ?? 0
            if version > 0, request.headers["If-None-Match"].contains(Self.tag(account, version)) {
                return HTTPResponse(status: .notModified, headers: Self.headers(account, version, request))
            }
            let reply = try await backend.auth.call(AuthAPI.Pictures(accounts: [account]), context)
            guard let picture = reply.pictures.first else { return Self.notFound }
            var headers = Self.headers(account, picture.version, request)
            headers.add(name: "Content-Type", value: picture.mediaType)
            return HTTPResponse(status: .ok, headers: headers, body: ByteBuffer(bytes: picture.content.bytes))
        } catch {
            return ClassicError(error).response
        }
    }

    private static var notFound: HTTPResponse { ClassicError(.notFound).response }

    private static func tag(_ account: AccountID, _ version: Int64) -> String { "\"\(account)-\(version)\"" }

    private static func headers(_ account: AccountID, _ version: Int64, _ request: HTTPRequest) -> HTTPHeaders {
        let isCurrent = request.query["v"] == "\(version)"
        return HTTPHeaders(
            harmless + [
                ("ETag", tag(account, version)),
                ("Cache-Control", isCurrent ? "public, max-age=31536000, immutable" : "no-cache"),
            ])
    }

    /// Whatever the bytes are, they are never run as a document.
    private static let harmless = [
        ("Content-Security-Policy", "default-src 'none'; sandbox"), ("X-Content-Type-Options", "nosniff"),
    ]
}
