/// One figure for Prometheus, with its samples by label.
struct Metric: Sendable {
    enum Kind: String, Sendable {
        case gauge
        case counter
    }

    let name: String
    let help: String
    var kind = Kind.gauge
    /// Label and value of each sample; the label is empty for the only one.
    let samples: [(label: String, value: Double)]

    init(_ name: String, _ help: String, _ value: Double, kind: Kind = .gauge) {
        self.init(name, help, [("", value)], kind: kind)
    }

    init(_ name: String, _ help: String, _ samples: [(label: String, value: Double)], kind: Kind = .gauge) {
        self.name = name
        self.help = help
        self.kind = kind
        self.samples = samples
    }

    /// In Prometheus's text format, version 0.0.4.
    var text: String {
        let lines = samples.map { label, value in
            // Whole numbers as such: most figures are counts.
            "\(name)\(label.isEmpty ? "" : "{\(label)}") \(Int64(exactly: value).map(String.init) ?? "\(value)")\n"
        }
        return "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n" + lines.joined()
    }
}
