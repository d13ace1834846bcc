import Testing

@testable import MartletTool

@Suite struct RunPartsTests {
    @Test func `what is written in pieces comes as lines`() {
        var lines = LogLines()
        #expect(lines.append("one\ntw".utf8).map(text) == ["one"])
        #expect(lines.append("o\n\nthree".utf8).map(text) == ["two", ""])
        #expect(lines.finish().map(text) == ["three"])
        #expect(lines.finish().isEmpty)
        #expect(lines.last.map(text) == ["one", "two", "", "three"])
    }

    @Test func `a line without an end is cut, and nothing of it is lost`() {
        var lines = LogLines()
        let long = [UInt8](repeating: UInt8(ascii: "x"), count: LogLines.maxLineBytes * 2 + 1)
        let cut = lines.append(long) + lines.finish()
        #expect(cut.map(\.count) == [LogLines.maxLineBytes, LogLines.maxLineBytes, 1])
    }

    @Test func `the delay doubles up to its limit, and begins anew after a healthy life`() {
        var delay = RestartDelay()
        let delays = (1...7).map { _ in delay.next(afterLifeOf: .zero) }
        #expect(delays == [200, 400, 800, 1_600, 3_200, 5_000, 5_000].map { .milliseconds($0) })
        #expect(delay.next(afterLifeOf: RestartDelay.healthy) == RestartDelay.first)
    }

    @Test func `an answer of the gateway is read whole`() throws {
        let ready = try #require(Readiness.parse("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"))
        #expect(ready.isReady)
        #expect(ready.body == "{}")
        #expect(Readiness.parse("HTTP/1.1 503 Service Unavailable\r\n\r\n{\"a\":false}")?.isReady == false)
        #expect(Readiness.parse("garbage") == nil)
    }

    private func text(_ line: [UInt8]) -> String { String(decoding: line, as: UTF8.self) }
}
