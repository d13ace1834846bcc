import Glibc

/// A point on the clock that never jumps, in nanoseconds; deadlines and timers live on it.
package struct MonotonicTime: Comparable, Hashable, Sendable {
    package let nanoseconds: Int64

    package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    package static var now: MonotonicTime {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return MonotonicTime(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    /// The point this much from now.
    package static func after(_ duration: Duration) -> MonotonicTime { now + duration }

    /// Whole milliseconds until this point; 0 when it has passed.
    package var millisecondsFromNow: Int { milliseconds(after: .now) }

    /// Whole milliseconds from another point until this one; 0 when it is the earlier.
    package func milliseconds(after other: Self) -> Int {
        max(0, Int((nanoseconds - other.nanoseconds + 999_999) / 1_000_000))
    }

    package var hasPassed: Bool { self <= .now }

    package static func < (left: Self, right: Self) -> Bool { left.nanoseconds < right.nanoseconds }

    package static func + (time: Self, duration: Duration) -> Self {
        let (seconds, attoseconds) = duration.components
        return MonotonicTime(nanoseconds: time.nanoseconds + seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }
}

/// The wall clock, for what is shown: milliseconds since 1970. It jumps, so nothing that is compared is measured by it;
/// that is what ``MonotonicTime`` and ``ServiceClock`` are for.
package enum WallClock {
    package static var milliseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    }

    package static var seconds: Int64 { milliseconds / 1_000 }

    /// A time in milliseconds since 1970 as RFC 3339 writes it, in UTC: `2024-02-29T12:00:00.007Z`.
    package static func text(of milliseconds: Int64) -> String {
        var seconds = time_t(milliseconds / 1_000)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func padded(_ value: Int32, _ width: Int = 2) -> String {
            let digits = String(value)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        return "\(parts.tm_year + 1900)-\(padded(parts.tm_mon + 1))-\(padded(parts.tm_mday))T\(padded(parts.tm_hour)):"
            + "\(padded(parts.tm_min)):\(padded(parts.tm_sec)).\(padded(Int32(milliseconds % 1_000), 3))Z"
    }
}
