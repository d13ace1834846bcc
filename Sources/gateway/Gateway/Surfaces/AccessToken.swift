import NIOHTTP1

/// Where clients put their access token; the same in every dialect.
enum AccessToken {
    /// `Authorization: <jwt>` or `Authorization: Bearer <jwt>`.
    static func header(of request: HTTPRequest) -> String? {
        guard let header = request.headers.first(name: "Authorization") else { return nil }
        let prefix = "bearer "
        return header.lowercased().hasPrefix(prefix) ? String(header.dropFirst(prefix.count)) : header
    }

    /// For push connections, which browsers open without headers: also the query's `token`, or else the one parameter
    /// that looks like a token.
    static func headerOrQuery(of request: HTTPRequest) -> String? {
        if let token = header(of: request) ?? request.query["token"] { return token }
        let candidates = request.query.pairs.map(\.value).filter(looksLikeToken)
        return candidates.count == 1 ? candidates[0] : nil
    }

    /// What a client brings along to a log-in, in the header and in the cookie, whatever it is worth: auth-svc judges
    /// whether it comes from a known device of the account.
    static func presented(with request: HTTPRequest) -> [String] {
        [header(of: request), request.cookie("token")].compactMap(\.self)
    }

    /// The token of a request in whichever dialect, to tell whose it may be; what it is worth, the dialect judges.
    static func anywhere(in request: HTTPRequest) -> String? {
        headerOrQuery(of: request) ?? request.cookie("token")
    }

    private static func looksLikeToken(_ value: String) -> Bool {
        value.hasPrefix("eyJ") && value.split(separator: ".", omittingEmptySubsequences: false).count == 3
    }
}
