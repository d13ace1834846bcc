import Glibc
package import Logging

/// Where the processes of a deployment keep their files and find each other; the same settings for all four.
///
/// | key | meaning | default |
/// |---|---|---|
/// | `data` | folder of databases and keys | `./var` |
/// | `runtime` | folder of the bus sockets, mode 0700 | `<data>/run` |
/// | `bus.auth`, `bus.social`, `bus.message` | where a service answers; several, by comma, for its callers | `ipc://<runtime>/<service>.sock` |
/// | `bus.auth-events` and so on | where it publishes; one address | `ipc://<runtime>/<service>-events.sock` |
/// | `bus.curve-keys` | file with the deployment's CURVE key pair; needed for `tcp://` | none |
package struct BusConfiguration: Sendable {
    /// The addresses of one service.
    package struct Addresses: Sendable {
        package var requests: [BusEndpoint]
        package var events: [BusEndpoint]

        package init(requests: [BusEndpoint], events: [BusEndpoint]) {
            self.requests = requests
            self.events = events
        }
    }

    package let dataPath: String
    package let runtimePath: String
    package let security: BusSecurity
    private let addresses: [ServiceName: Addresses]

    /// Reads and checks the settings.
    package init(reading configuration: inout Configuration) throws {
        dataPath = configuration.string("data", default: "./var")
        runtimePath = configuration.string("runtime", default: dataPath + "/run")
        security = try BusSecurity(curveKeys: configuration.string("bus.curve-keys").map(CurveKeyFile.read))
        var addresses: [ServiceName: Addresses] = [:]
        for (service, key) in [(ServiceName.auth, "auth"), (.social, "social"), (.message, "message")] {
            let path = "\(runtimePath)/\(key)"
            addresses[service] = Addresses(
                requests: try configuration.endpoints("bus.\(key)", default: "ipc://\(path).sock"),
                events: try configuration.endpoints("bus.\(key)-events", default: "ipc://\(path)-events.sock"))
        }
        self.addresses = addresses
        for (service, own) in addresses where own.events.count != 1 {
            throw Configuration.Invalid("\(service) publishes at one address, not \(own.events.count)")
        }
        for endpoint in addresses.values.flatMap({ $0.requests + $0.events })
        where endpoint.needsCurve && security.curveKeys == nil {
            throw Configuration.Invalid("\(endpoint) needs MARTLET_BUS_CURVE_KEYS: tcp is never opened without keys")
        }
    }

    /// Settings made by hand, as the tests do with `inproc` endpoints.
    package init(
        dataPath: String, runtimePath: String, security: BusSecurity = BusSecurity(),
        addresses: [ServiceName: Addresses]
    ) {
        self.dataPath = dataPath
        self.runtimePath = runtimePath
        self.security = security
        self.addresses = addresses
    }

    /// The addresses of a service; empty for the gateway, which nobody calls.
    package func addresses(of service: ServiceName) -> Addresses {
        addresses[service] ?? Addresses(requests: [], events: [])
    }

    /// Creates the folders that are missing, mode 0700.
    package func createFolders() throws {
        for path in [dataPath, runtimePath] { try Folder.create(path) }
    }

    /// Starts the authentication of CURVE peers, if keys are configured; before any socket of the reactor is bound.
    package func startAuthentication(on reactor: BusReactor, logger: Logger) async throws {
        guard let keys = security.curveKeys else { return }
        try await CurveAuthenticator.start(admitting: keys, reactor: reactor, logger: logger)
    }
}

/// The file that holds a deployment's CURVE key pair: two lines, `public=` and `secret=`, readable by its owner alone.
package enum CurveKeyFile {
    package static func read(_ path: String) throws -> CurveKeyPair {
        var status = stat()
        guard stat(path, &status) == 0 else { throw SystemError("stat \(path)") }
        guard status.st_mode & 0o077 == 0 else {
            throw Configuration.Invalid("\(path) may be read by others than its owner: chmod 600 it")
        }
        var values: [Substring: Substring] = [:]
        for line in try TextFile.read(path).split(separator: "\n") {
            let pair = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if pair.count == 2 { values[pair[0]] = pair[1] }
        }
        guard let publicKey = values["public"], let secretKey = values["secret"],
            let keys = CurveKeyPair(publicKey: String(publicKey), secretKey: String(secretKey))
        else { throw Configuration.Invalid("\(path) holds no CURVE key pair (public=… and secret=…)") }
        return keys
    }
}
