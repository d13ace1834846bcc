import Testing

@testable import AuthService

@Suite struct RateWindowTests {
    private func window(limit: Int = 3, maxKeys: Int = 10) -> RateWindow<String> {
        RateWindow(limit: limit, window: 10_000, maxKeys: maxKeys)
    }

    private func count(_ key: String, at time: Int64, in window: inout RateWindow<String>) {
        window.begin(key, now: time)
        window.finish(key, counts: true, now: time)
    }

    @Test func `a key has room until its limit and again when the oldest event leaves the window`() {
        var window = window()
        for time in [0, 1_000, 2_000] as [Int64] {
            #expect(window.secondsToWait("a", now: time) == nil)
            count("a", at: time, in: &window)
        }

        #expect(window.secondsToWait("a", now: 2_000) == 8)
        #expect(window.secondsToWait("a", now: 9_999) == 1)
        #expect(window.secondsToWait("a", now: 10_000) == nil)
        #expect(window.secondsToWait("b", now: 2_000) == nil)
        count("a", at: 10_000, in: &window)
        #expect(window.secondsToWait("a", now: 10_000) == 1)
        #expect(window.secondsToWait("a", now: 10_999) == 1)
        #expect(window.secondsToWait("a", now: 11_000) == nil)
    }

    @Test func `pending work counts until it is finished`() {
        var window = window()
        for _ in 1...3 { window.begin("a", now: 0) }
        #expect(window.secondsToWait("a", now: 0) == 1)

        window.finish("a", counts: false, now: 0)
        #expect(window.secondsToWait("a", now: 0) == nil)
        window.finish("a", counts: true, now: 0)
        window.finish("a", counts: false, now: 0)
        count("a", at: 0, in: &window)
        #expect(window.secondsToWait("a", now: 0) == nil)
        count("a", at: 0, in: &window)
        #expect(window.secondsToWait("a", now: 0) == 10)
    }

    @Test func `keys without events are forgotten at once`() {
        var window = window()
        window.begin("a", now: 0)
        #expect(window.keyCount == 1)

        window.finish("a", counts: false, now: 0)

        #expect(window.keyCount == 0)
    }

    @Test func `a new key displaces the ones whose events are past, else the quietest`() {
        var window = window(limit: 1, maxKeys: 3)
        for (key, time) in [("a", 0), ("b", 2_000), ("c", 1_000)] as [(String, Int64)] {
            count(key, at: time, in: &window)
        }

        count("d", at: 3_000, in: &window)
        #expect(window.keyCount == 3)
        #expect(window.secondsToWait("a", now: 3_000) == nil)
        #expect(window.secondsToWait("c", now: 3_000) == 8)
        count("e", at: 12_500, in: &window)
        #expect(window.keyCount == 2)
        #expect(window.secondsToWait("d", now: 12_500) == 1)
    }

    @Test func `work that is pending is not displaced`() {
        var window = window(limit: 1, maxKeys: 2)
        window.begin("a", now: 0)
        count("b", at: 0, in: &window)

        count("c", at: 0, in: &window)

        #expect(window.secondsToWait("a", now: 0) == 1)
        #expect(window.secondsToWait("b", now: 0) == nil)
    }
}
