/// Times in nanoseconds, kept to 1.6 % in buckets that grow with them.
struct Histogram {
    private static let bucketsPerDoubling = 64
    private static let shift = 6

    private var counts = [Int](repeating: 0, count: 58 * bucketsPerDoubling)
    private(set) var count = 0
    private(set) var largest: Int64 = 0

    mutating func add(_ nanoseconds: Int64) {
        let value = max(0, nanoseconds)
        counts[Self.bucket(of: value)] += 1
        count += 1
        largest = max(largest, value)
    }

    /// The time that this share of all were at most, in milliseconds; 0 of none.
    func milliseconds(at share: Double) -> Double {
        let wanted = Int((Double(count) * share).rounded(.up))
        var seen = 0
        for (bucket, number) in counts.enumerated() where number > 0 {
            seen += number
            if seen >= wanted { return Double(min(Self.upperEnd(of: bucket), largest)) / 1e6 }
        }
        return 0
    }

    /// Linear up to the first doubling, then this many buckets for each.
    private static func bucket(of value: Int64) -> Int {
        guard value >= bucketsPerDoubling else { return Int(value) }
        let exponent = 63 - value.leadingZeroBitCount - shift
        return (exponent + 1) * bucketsPerDoubling + Int(value >> Int64(exponent)) - bucketsPerDoubling
    }

    private static func upperEnd(of bucket: Int) -> Int64 {
        guard bucket >= bucketsPerDoubling else { return Int64(bucket) }
        let exponent = Int64(bucket / bucketsPerDoubling - 1)
        return (Int64(bucket % bucketsPerDoubling + bucketsPerDoubling + 1) << exponent) - 1
    }
}
