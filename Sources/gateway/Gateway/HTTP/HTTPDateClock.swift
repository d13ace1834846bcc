import Glibc

/// The time in the form of the `Date` header, made anew once a second (RFC 9110 section 5.6.7).
struct HTTPDateClock {
    private var second: Int = .min
    private var cached = ""

    /// The present time, for example `Sun, 06 Nov 1994 08:49:37 GMT`.
    mutating func text() -> String {
        let now = time(nil)
        if now != second {
            second = now
            cached = Self.format(secondsSince1970: now)
        }
        return cached
    }

    /// Proleptic Gregorian calendar by whole days, without a C library call that could depend on the locale.
    static func format(secondsSince1970 seconds: Int) -> String {
        var days = seconds / 86_400
        var rest = seconds % 86_400
        if rest < 0 {
            rest += 86_400
            days -= 1
        }
        // Days are counted from 1 March of the year 0, so that a leap day ends its year; 400 years are one era.
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)

        // 1 January 1970 was a Thursday.
        let weekday = weekdays[((days + 4) % 7 + 7) % 7]
        let time = "\(padded(rest / 3600)):\(padded(rest / 60 % 60)):\(padded(rest % 60))"
        return "\(weekday), \(padded(day)) \(months[month - 1]) \(year) \(time) GMT"
    }

    private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    private static func padded(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
}
