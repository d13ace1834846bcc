import Glibc

/// Bytes that are appended at one end and taken from the other.
final class ByteQueue {
    private var storage = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private var start = 0
    private var end = 0

    deinit { storage.deallocate() }

    var count: Int { end - start }
    var isEmpty: Bool { start == end }

    /// What is in it, until the next change.
    var bytes: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(rebasing: storage[start..<end]) }

    func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, !bytes.isEmpty else { return }
        memcpy(room(for: bytes.count), source, bytes.count)
        end += bytes.count
    }

    func append(_ byte: UInt8) {
        room(for: 1).storeBytes(of: byte, as: UInt8.self)
        end += 1
    }

    func removeFirst(_ count: Int) {
        start += count
        if start == end { removeAll() }
    }

    func removeAll() { (start, end) = (0, 0) }

    private func room(for count: Int) -> UnsafeMutableRawPointer {
        if let base = storage.baseAddress, end + count <= storage.count { return base + end }
        // Moved to the front when that frees half of it, else into twice the space.
        let used = end - start
        let capacity = 2 * (used + count) <= storage.count ? storage.count : max(1_024, 2 * (used + count))
        let moved = capacity == storage.count ? storage : .allocate(byteCount: capacity, alignment: 16)
        if used > 0, let target = moved.baseAddress, let source = storage.baseAddress {
            memmove(target, source + start, used)
        }
        if capacity != storage.count {
            storage.deallocate()
            storage = moved
        }
        (start, end) = (0, used)
        guard let base = storage.baseAddress else { fatalError("an allocation of \(capacity) bytes has no address") }
        return base + end
    }
}
