/// What an operator has set: a file, then the environment, then flags; the later one wins.
///
/// A key such as `gateway.listen` is `MARTLET_GATEWAY_LISTEN` in file and environment and `--gateway-listen` as a flag.
/// Read it once at start, through the typed accessors, and then call ``rejectUnknownFlags()``.
package struct Configuration: Sendable {
    /// A setting that cannot be used; the text names the key as the operator wrote it.
    package struct Invalid: Error, CustomStringConvertible {
        package let description: String
        package init(_ description: String) { self.description = description }
    }

    private var settings: [String: String]
    private var flags: Set<String>
    private var known: Set<String> = []

    /// - Parameters:
    ///   - arguments: the command line without the program's name: `--key value` or `--key=value`.
    ///   - environment: variables by name; those that do not begin with `MARTLET_` are ignored.
    package init(arguments: [String], environment: [String: String]) throws {
        var flagged: [String: String] = [:]
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            guard argument.hasPrefix("--"), argument.utf8.count > 2 else {
                throw Invalid("'\(argument)' is no option: options are --key value")
            }
            let parts = argument.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = parts.count == 2 ? String(parts[1]) : rest.popFirst()
            guard let value else { throw Invalid("\(argument) has no value") }
            flagged[Self.variable(for: String(parts[0]))] = value
        }
        var settings = environment.filter { $0.key.hasPrefix("MARTLET_") }
        if let path = flagged["MARTLET_CONFIG"] ?? settings["MARTLET_CONFIG"] {
            settings.merge(try Self.readFile(path)) { fromEnvironment, _ in fromEnvironment }
        }
        settings.merge(flagged) { _, fromFlag in fromFlag }
        self.settings = settings
        flags = Set(flagged.keys).subtracting(["MARTLET_CONFIG"])
    }

    /// The settings of this process.
    package static func ofProcess() throws -> Configuration {
        try Configuration(
            arguments: Array(CommandLine.arguments.dropFirst()), environment: ProcessEnvironment.variables)
    }

    /// The text set for a key; an empty one counts as not set.
    package mutating func string(_ key: String) -> String? {
        let variable = Self.variable(for: key)
        known.insert(variable)
        return settings[variable].flatMap { $0.isEmpty ? nil : $0 }
    }

    package mutating func string(_ key: String, default fallback: String) -> String {
        string(key) ?? fallback
    }

    /// A whole number within `range`.
    package mutating func integer(_ key: String, default fallback: Int, in range: ClosedRange<Int>) throws -> Int {
        guard let text = string(key) else { return fallback }
        guard let value = Int(text), range.contains(value) else {
            throw Invalid("\(Self.variable(for: key))='\(text)' is no whole number in \(range)")
        }
        return value
    }

    /// `on` or `off`.
    package mutating func isOn(_ key: String, default fallback: Bool) throws -> Bool {
        switch string(key) {
        case nil: return fallback
        case "on": return true
        case "off": return false
        case let text?: throw Invalid("\(Self.variable(for: key))='\(text)' is neither on nor off")
        }
    }

    /// Endpoints separated by commas.
    package mutating func endpoints(_ key: String, default fallback: String) throws -> [BusEndpoint] {
        try string(key, default: fallback).split(separator: ",").map { text in
            do {
                return try BusEndpoint(String(text))
            } catch {
                throw Invalid("\(Self.variable(for: key)): \(error)")
            }
        }
    }

    /// Throws for a flag that nothing has asked for: a typing error should not go unnoticed.
    package func rejectUnknownFlags() throws {
        if let unknown = flags.subtracting(known).sorted().first {
            let flag = unknown.dropFirst("MARTLET_".count).lowercased().split(separator: "_").joined(separator: "-")
            throw Invalid("unknown option --\(flag)")
        }
    }

    private static func variable(for key: String) -> String {
        "MARTLET_" + String(key.uppercased().map { $0 == "." || $0 == "-" ? "_" : $0 })
    }

    private static func readFile(_ path: String) throws -> [String: String] {
        var settings: [String: String] = [:]
        for (index, line) in try TextFile.read(path).split(separator: "\n", omittingEmptySubsequences: false)
            .enumerated()
        {
            let line = line.trimmingSpaces
            if line.isEmpty || line.hasPrefix("#") { continue }
            let pair = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard pair.count == 2, pair[0].hasPrefix("MARTLET_") else {
                throw Invalid("\(path):\(index + 1): expected MARTLET_…=value")
            }
            settings[String(pair[0].trimmingSpaces)] = String(pair[1].trimmingSpaces)
        }
        return settings
    }
}

extension Substring {
    fileprivate var trimmingSpaces: Substring {
        var rest = self
        while let first = rest.first, first.isWhitespace { rest.removeFirst() }
        while let last = rest.last, last.isWhitespace { rest.removeLast() }
        return rest
    }
}
