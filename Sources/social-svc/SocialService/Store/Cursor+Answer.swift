import GRDB
import Shared

extension Cursor where Element: WireRecord {
    /// The elements from the front that have at most so many bytes together.
    func prefix(wireBytes: Int) throws -> [Element] {
        var elements: [Element] = []
        var room = wireBytes
        while let element = try next() {
            room -= element.wireBytes.count
            guard room >= 0 else { break }
            elements.append(element)
        }
        return elements
    }
}
