import NIOHTTP1

/// A table from method and path to a handler, built once and never changed.
///
/// A path without parameters is one dictionary access. Patterns with `{name}` segments are tried only when that
/// finds nothing; among them, a literal segment wins over a parameter, from left to right.
struct HTTPRouter<Handler: Sendable>: Sendable {
    /// One line of the table.
    struct Route: Sendable {
        let method: HTTPMethod
        let pattern: String
        let handler: Handler

        init(_ method: HTTPMethod, _ pattern: String, _ handler: Handler) {
            self.method = method
            self.pattern = pattern
            self.handler = handler
        }
    }

    /// What the table says about a request.
    enum Match: Sendable {
        case found(Handler, parameters: [String: String])
        case notFound
        /// The path exists, for the methods given in alphabetical order.
        case methodNotAllowed([HTTPMethod])
    }

    /// The handlers of one path.
    private struct Endpoint: Sendable {
        var handlers: [String: Handler] = [:]
        /// Names of the parameters of each method's pattern, in path order: `GET /u/{id}` and `PUT /u/{user}` may
        /// differ.
        var parameterNames: [String: [String]] = [:]
    }

    /// A tree over the segments of the patterns.
    private struct Node: Sendable {
        var literals: [Substring: Node] = [:]
        var parameter: [Node] = []
        var endpoint: Endpoint?
    }

    private var fixed: [String: Endpoint] = [:]
    private var patterns = Node()

    /// - Precondition: no method and path occur twice, and every pattern begins with `/`. The table is part of the
    ///   program, so a mistake in it ends the program at its start.
    init(_ routes: [Route]) {
        for route in routes {
            precondition(route.pattern.hasPrefix("/"), "a route begins with a slash: \(route.pattern)")
            let segments = Self.segments(of: route.pattern)
            if segments.contains(where: Self.isParameter) {
                Self.insert(route, segments[...], names: [], into: &patterns)
            } else {
                Self.add(route, names: [], to: &fixed[route.pattern, default: Endpoint()])
            }
        }
    }

    /// Looks up a path in the form of ``HTTPRequest/path``.
    func match(_ method: HTTPMethod, _ path: String) -> Match {
        if let endpoint = fixed[path] {
            return Self.choose(method, endpoint, values: [])
        }
        var values: [Substring] = []
        guard let endpoint = Self.find(Self.segments(of: path)[...], in: patterns, &values) else { return .notFound }
        return Self.choose(method, endpoint, values: values)
    }

    // MARK: Building

    private static func segments(of path: String) -> [Substring] {
        path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
    }

    private static func isParameter(_ segment: Substring) -> Bool {
        segment.hasPrefix("{") && segment.hasSuffix("}")
    }

    private static func insert(_ route: Route, _ rest: ArraySlice<Substring>, names: [String], into node: inout Node) {
        guard let segment = rest.first else {
            var endpoint = node.endpoint ?? Endpoint()
            add(route, names: names, to: &endpoint)
            node.endpoint = endpoint
            return
        }
        if isParameter(segment) {
            if node.parameter.isEmpty { node.parameter.append(Node()) }
            let name = String(segment.dropFirst().dropLast())
            insert(route, rest.dropFirst(), names: names + [name], into: &node.parameter[0])
        } else {
            insert(route, rest.dropFirst(), names: names, into: &node.literals[segment, default: Node()])
        }
    }

    private static func add(_ route: Route, names: [String], to endpoint: inout Endpoint) {
        let isNew = endpoint.handlers.updateValue(route.handler, forKey: route.method.rawValue) == nil
        precondition(isNew, "a route is declared twice: \(route.method.rawValue) \(route.pattern)")
        endpoint.parameterNames[route.method.rawValue] = names
    }

    // MARK: Looking up

    /// Depth first, so the work is bounded by the patterns; the path's own length adds one step per segment.
    private static func find(
        _ rest: ArraySlice<Substring>, in node: Node, _ values: inout [Substring]
    ) -> Endpoint? {
        guard let segment = rest.first else { return node.endpoint }
        if let next = node.literals[segment], let endpoint = find(rest.dropFirst(), in: next, &values) {
            return endpoint
        }
        // An empty segment (`/users//messages`) is not a value.
        guard let next = node.parameter.first, !segment.isEmpty else { return nil }
        values.append(segment)
        if let endpoint = find(rest.dropFirst(), in: next, &values) { return endpoint }
        values.removeLast()
        return nil
    }

    private static func choose(_ method: HTTPMethod, _ endpoint: Endpoint, values: [Substring]) -> Match {
        let name = method.rawValue
        guard let handler = endpoint.handlers[name] else {
            return .methodNotAllowed(endpoint.handlers.keys.sorted().map(HTTPMethod.init(rawValue:)))
        }
        var parameters: [String: String] = [:]
        for (parameter, value) in zip(endpoint.parameterNames[name] ?? [], values) {
            parameters[parameter] = String(value)
        }
        return .found(handler, parameters: parameters)
    }
}
