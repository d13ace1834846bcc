import Glibc
package import Logging

/// Writes one line per record to standard error: time, level, process, message, `key=value` pairs.
///
/// Text from outside cannot forge a line: control characters are escaped, values with blanks are quoted. Warnings and errors
/// that repeat are counted, see ``Repetitions``.
package struct LineLogHandler: LogHandler {
    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    private let process: String
    private let repetitions = Repetitions()

    package init(process: String, logLevel: Logger.Level) {
        self.process = process
        self.logLevel = logLevel
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var details = metadata.merging(event.metadata ?? [:], uniquingKeysWith: { _, new in new })
        if event.level == .warning || event.level == .error {
            guard let repeated = repetitions.admit(event.message.description, event.level, now: .now) else { return }
            if repeated > 0 { details[Self.repeatedKey] = "\(repeated)" }
        }
        emit(event.message.description, event.level, details)
    }

    /// Writes how often warnings and errors have come again since they were last written.
    ///
    /// - Parameter isEnd: whether nothing will be written after this.
    package func writeRepetitions(isEnd: Bool = false) {
        for line in repetitions.takeDue(now: .now, isEnd: isEnd) {
            emit(line.message, line.level, [Self.repeatedKey: "\(line.count)"])
        }
    }

    private static let repeatedKey = "repeated"

    private func emit(_ message: String, _ level: Logger.Level, _ details: Logger.Metadata) {
        let time = WallClock.text(of: WallClock.milliseconds)
        var line = "\(time) \(level.rawValue) \(process) \(Self.escape(message))"
        for (key, value) in details.sorted(by: { $0.key < $1.key }) {
            line += " \(key)=\(Self.quote(value.description))"
        }
        line += "\n"
        line.withUTF8 { bytes in
            var written = 0
            while written < bytes.count {
                let count = write(STDERR_FILENO, bytes.baseAddress.map { $0 + written }, bytes.count - written)
                // A log that cannot be written must not stop the service.
                guard count > 0 || errno == EINTR else { return }
                written += max(0, count)
            }
        }
    }

    private static func escape(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) else { return text }
        var escaped = ""
        for scalar in text.unicodeScalars {
            if scalar.value < 0x20 || scalar.value == 0x7F {
                escaped += "\\u{" + String(scalar.value, radix: 16) + "}"
            } else {
                escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    private static func quote(_ value: String) -> String {
        let escaped = escape(value)
        guard escaped.isEmpty || escaped.contains(where: { $0 == " " || $0 == "\"" || $0 == "=" }) else {
            return escaped
        }
        return "\"" + escaped.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\\\"") + "\""
    }
}
