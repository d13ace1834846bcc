/// Something a test waited for did not come true in time.
package struct NeverHappened: Error, CustomStringConvertible {
    package let description: String
}

/// Waits until a condition holds, for things that cannot be awaited.
///
/// - Throws: ``NeverHappened`` when it does not hold within `limit`, and whatever the condition throws.
package func eventually(
    _ what: String, within limit: Duration = .seconds(10), every interval: Duration = .milliseconds(10),
    isolation: isolated (any Actor)? = #isolation, _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while try await !condition() {
        guard ContinuousClock.now < deadline else { throw NeverHappened(description: "not within \(limit): \(what)") }
        try await Task.sleep(for: interval)
    }
}
