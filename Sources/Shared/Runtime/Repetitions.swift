package import Logging
import Synchronization

/// Keeps what repeats from filling the disk: of the warnings and errors with one text, the first of a minute is written and
/// the others are counted. No clock of its own.
package final class Repetitions: Sendable {
    /// Time in which a text is written once.
    package static let interval = Duration.seconds(60)
    /// Texts remembered; beyond that all are forgotten, with what they count.
    static let maxTexts = 256

    /// Lines that were not written.
    package struct Line: Hashable, Sendable {
        package let message: String
        package let level: Logger.Level
        package let count: Int
    }

    private struct Entry {
        let level: Logger.Level
        var until: MonotonicTime
        var count = 0
    }

    private let entries = Mutex<[String: Entry]>([:])

    package init() {}

    /// Decides about a line.
    ///
    /// - Returns: how many with its text were not written before it; `nil` when it is not to be written either.
    func admit(_ message: String, _ level: Logger.Level, now: MonotonicTime) -> Int? {
        entries.withLock { entries in
            if let entry = entries[message], now < entry.until {
                entries[message]?.count += 1
                return nil
            }
            if entries.count >= Self.maxTexts { entries = [:] }
            let former = entries.updateValue(Entry(level: level, until: now + Self.interval), forKey: message)
            return former?.count ?? 0
        }
    }

    /// What was counted long enough, to be written now. A text that did not come again is forgotten.
    ///
    /// - Parameter isEnd: whether everything is due.
    func takeDue(now: MonotonicTime, isEnd: Bool = false) -> [Line] {
        entries.withLock { entries in
            var lines: [Line] = []
            for (message, entry) in entries where isEnd || entry.until <= now {
                if entry.count > 0 {
                    lines.append(Line(message: message, level: entry.level, count: entry.count))
                    entries[message] = Entry(level: entry.level, until: now + Self.interval)
                } else {
                    entries[message] = nil
                }
            }
            return lines.sorted { $0.message < $1.message }
        }
    }
}
