import Shared

/// Where a listener listens.
enum ListenAddress: Sendable, Hashable, CustomStringConvertible {
    case tcp(host: String, port: Int)
    case unix(path: String)

    /// `HOST:PORT`, `[IPV6]:PORT` or `unix:PATH`.
    init?(_ text: String) {
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst("unix:".count))
            guard !path.isEmpty, path.utf8.count <= BusEndpoint.maxPathBytes else { return nil }
            self = .unix(path: path)
            return
        }
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65_535).contains(port)
        else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard !host.isEmpty else { return nil }
        self = .tcp(host: String(host), port: port)
    }

    /// The same address with the port it was in fact bound to, which the system chose when 0 was asked for.
    func bound(to port: Int) -> ListenAddress {
        switch self {
        case .tcp(let host, _): .tcp(host: host, port: port)
        case .unix: self
        }
    }

    var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }
}

/// What an operator may set for the gateway.
struct GatewayConfiguration: Sendable {
    /// Files the gateway needs beside its clients' connections: idle it has 34, the admin listener takes up to 16, and
    /// the bus, `/proc` and libdispatch, which ends a process that has none left, need a few now and then.
    private static let keptFiles = 56

    var listen = ListenAddress.tcp(host: "127.0.0.1", port: 8000)
    /// The admin listener; nothing beyond this host should reach it.
    var admin: ListenAddress
    /// Time from a request's arrival to its answer.
    var requestTimeout = Duration.seconds(5)
    var server = HTTPServerConfiguration()
    /// Push connections of one account at this gateway; one more closes the oldest.
    var maxConnectionsPerAccount = 8
    /// Profiles kept in memory, about 500 bytes each.
    var maxCachedProfiles = 50_000
    /// Bytes of pictures kept in memory as base64 text.
    var maxCachedPictureBytes = 64 << 20
    /// Whether clients are held to the rates of the contract.
    var limitsRates = true
    /// Whether `pull_friend_chain` of `classic` gives every application until it is decided, and not each once.
    var repeatsApplications = false
    /// Pages elsewhere that may use the cookies of this host, as browsers name them.
    var allowedOrigins: Set<WebOrigin> = []
}

extension GatewayConfiguration {
    /// | key | meaning | default | range |
    /// |---|---|---|---|
    /// | `gateway.listen` | where clients connect | `127.0.0.1:8000` | `HOST:PORT`, `unix:PATH` |
    /// | `gateway.admin` | `/healthz`, `/readyz`, `/metrics` | `unix:<runtime>/gateway-admin.sock` | the same |
    /// | `gateway.request-timeout-ms` | deadline of a request | 5000 | 100…60000 |
    /// | `gateway.max-connections` | open connections, all kinds | 10000 | 1…1000000 |
    /// | `gateway.max-connections-per-address` | of them, those from one address, or one /64 of IPv6; 0 for a quarter | 0 | 0…1000000 |
    /// | `gateway.max-connections-per-account` | push connections of one account | 8 | 1…1000 |
    /// | `gateway.max-body-bytes` | JSON body | 2097152 | 1024…8388608 |
    /// | `gateway.max-queued-bytes` | unread pushes of one connection | 1048576 | 4096…1073741824 |
    /// | `gateway.max-cached-profiles` | profiles in memory | 50000 | 100…10000000 |
    /// | `gateway.max-cached-picture-bytes` | pictures in memory | 67108864 | 1048576…68719476736 |
    /// | `gateway.allowed-origins` | origins of pages on other hosts whose cookies count, by comma | none | `https://HOST[:PORT]` |
    /// | `classic.friend-chain` | applications that `pull_friend_chain` gives: each `once`, or all `pending` | `once` | |
    /// | `gateway.trusted-proxies` | addresses whose `X-Forwarded-Proto` counts, by comma; `none` for nobody | `127.0.0.0/8,::1` | `ADDRESS[/BITS]` |
    /// | `rate.limits` | `on`, or `off` for load tests | `on` | |
    init(reading configuration: inout Configuration, runtimePath: String) throws {
        func address(_ key: String, _ variable: String, default fallback: String) throws -> ListenAddress {
            let text = configuration.string(key, default: fallback)
            guard let address = ListenAddress(text) else {
                throw Configuration.Invalid("\(variable)='\(text)' is neither HOST:PORT nor unix:PATH")
            }
            return address
        }
        admin = try address("gateway.admin", "MARTLET_GATEWAY_ADMIN", default: "unix:\(runtimePath)/gateway-admin.sock")
        listen = try address("gateway.listen", "MARTLET_GATEWAY_LISTEN", default: listen.description)
        requestTimeout = .milliseconds(
            try configuration.integer("gateway.request-timeout-ms", default: 5_000, in: 100...60_000))
        server.maxConnections = try configuration.integer(
            "gateway.max-connections", default: server.maxConnections, in: 1...1_000_000)
        server.keptFiles = Self.keptFiles
        let perAddress = try configuration.integer("gateway.max-connections-per-address", default: 0, in: 0...1_000_000)
        server.maxConnectionsPerNetwork = perAddress == 0 ? nil : perAddress
        server.countsNetwork = { !["127.0.0.1", "::1", "::ffff:127.0.0.1"].contains($0) }
        server.maxBodyBytes = try configuration.integer(
            "gateway.max-body-bytes", default: server.maxBodyBytes, in: 1_024...(8 << 20))
        server.webSocket.maxQueuedBytes = try configuration.integer(
            "gateway.max-queued-bytes", default: server.webSocket.maxQueuedBytes, in: 4_096...(1 << 30))
        maxConnectionsPerAccount = try configuration.integer(
            "gateway.max-connections-per-account", default: maxConnectionsPerAccount, in: 1...1_000)
        maxCachedProfiles = try configuration.integer(
            "gateway.max-cached-profiles", default: maxCachedProfiles, in: 100...10_000_000)
        maxCachedPictureBytes = try configuration.integer(
            "gateway.max-cached-picture-bytes", default: maxCachedPictureBytes, in: (1 << 20)...(64 << 30))
        if let text = configuration.string("gateway.trusted-proxies") {
            do throws(TrustedProxies.Malformed) {
                server.trustedProxies = text == "none" ? .none : try TrustedProxies(text)
            } catch {
                throw Configuration.Invalid("MARTLET_GATEWAY_TRUSTED_PROXIES: '\(error.entry)' is no ADDRESS[/BITS]")
            }
        }
        limitsRates = try configuration.isOn("rate.limits", default: limitsRates)
        let friendChain = configuration.string("classic.friend-chain", default: "once")
        guard ["once", "pending"].contains(friendChain) else {
            throw Configuration.Invalid("MARTLET_CLASSIC_FRIEND_CHAIN='\(friendChain)' is neither once nor pending")
        }
        repeatsApplications = friendChain == "pending"
        for text in configuration.string("gateway.allowed-origins", default: "").split(separator: ",") {
            guard let origin = WebOrigin(text.drop { $0 == " " }) else {
                throw Configuration.Invalid("MARTLET_GATEWAY_ALLOWED_ORIGINS: '\(text)' is no https://HOST[:PORT]")
            }
            allowedOrigins.insert(origin)
        }
    }
}
