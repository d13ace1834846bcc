import NIOHTTP1

/// Where a page comes from, as browsers name it: `https://chat.example.com:8443` (RFC 6454, section 6.1).
struct WebOrigin: Hashable, Sendable {
    /// The host with its port, unless that is the scheme's own.
    private let authority: String
    private let scheme: String

    /// `nil` for what is no origin of a host, such as `null`.
    init?(_ text: some StringProtocol) {
        let text = text.lowercased()
        guard let scheme = ["http", "https"].first(where: { text.hasPrefix($0 + "://") }) else { return nil }
        let authority = text.dropFirst(scheme.utf8.count + 3)
        guard !authority.isEmpty, !authority.contains(where: { "/?#@ ".contains($0) }) else { return nil }
        self.scheme = scheme
        self.authority = Self.withoutUsualPort(authority, scheme)
    }

    /// Whether the page came over TLS.
    var isSecure: Bool { scheme == "https" }

    /// Whether a request that names a host in its `Host` header was made to the same one.
    func isHost(_ host: String) -> Bool { authority == Self.withoutUsualPort(host.lowercased()[...], scheme) }

    private static func withoutUsualPort(_ authority: Substring, _ scheme: String) -> String {
        let port = scheme == "https" ? ":443" : ":80"
        return String(authority.hasSuffix(port) ? authority.dropLast(port.utf8.count) : authority)
    }
}

extension HTTPRequest {
    /// Whether the page that made a browser send this may use the host's cookies: one of the same host, or of an origin
    /// that is listed. Without the header it was no page.
    func isFromPage(of origins: Set<WebOrigin>) -> Bool {
        let named = headers["Origin"]
        guard let first = named.first else { return true }
        guard named.count == 1, let origin = WebOrigin(first) else { return false }
        return origins.contains(origin) || isMade(to: origin)
    }

    /// Whether a page of this origin belongs to the host the request was made to. Without a word of a proxy either
    /// scheme may be the right one: this process speaks plain HTTP, and what stands before it may speak TLS.
    private func isMade(to origin: WebOrigin) -> Bool {
        guard let host = headers.first(name: "Host"), origin.isHost(host) else { return false }
        return isSecure == nil || isSecure == origin.isSecure
    }

    /// The value of the first cookie of a name (RFC 6265, section 4.2).
    func cookie(_ name: String) -> String? {
        for pair in headers["Cookie"].lazy.flatMap({ $0.split(separator: ";") }) {
            let parts = pair.drop { $0 == " " }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2, parts[0] == name { return String(parts[1]) }
        }
        return nil
    }
}
