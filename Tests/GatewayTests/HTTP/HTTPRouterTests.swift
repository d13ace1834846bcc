import NIOHTTP1
import Testing

@testable import Gateway

@Suite struct HTTPRouterTests {
    private let router = HTTPRouter<String>([
        .init(.GET, "/", "root"),
        .init(.GET, "/users", "list"),
        .init(.POST, "/users", "create"),
        .init(.GET, "/users/{id}", "show"),
        .init(.PUT, "/users/{user}", "change"),
        .init(.GET, "/users/me", "me"),
        .init(.GET, "/users/{id}/posts/{post}", "post"),
        .init(.GET, "/users/me/drafts", "drafts"),
    ])

    private func describe(_ method: HTTPMethod, _ path: String) -> String {
        switch router.match(method, path) {
        case .found(let handler, let parameters):
            ([handler] + parameters.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }).joined(separator: " ")
        case .notFound: "404"
        case .methodNotAllowed(let allowed): "405 " + allowed.map(\.rawValue).joined(separator: " ")
        }
    }

    @Test(arguments: [
        (HTTPMethod.GET, "/", "root"), (.GET, "/users", "list"), (.POST, "/users", "create"),
        (.HEAD, "/users", "405 GET POST"),
        (.GET, "/users/7", "show id=7"), (.PUT, "/users/7", "change user=7"), (.GET, "/users/me", "me"),
        (.GET, "/users/7/posts/x y", "post id=7 post=x y"), (.GET, "/users/me/drafts", "drafts"),
        (.GET, "/users/me/posts/1", "post id=me post=1"), (.DELETE, "/users", "405 GET POST"),
        (.DELETE, "/users/7", "405 GET PUT"), (.GET, "/nothing", "404"), (.GET, "/users/", "404"),
        (.GET, "/users//posts/1", "404"), (.GET, "/users/7/posts", "404"), (.GET, "/users/7/posts/1/2", "404"),
        (.GET, "", "404"), (.OPTIONS, "*", "404"), (.GET, "/Users", "404"),
    ]) func `a path leads where the table says`(method: HTTPMethod, path: String, expected: String) {
        #expect(describe(method, path) == expected)
    }
}
