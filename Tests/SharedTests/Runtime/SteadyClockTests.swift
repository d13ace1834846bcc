import Shared
import TestSupport
import Testing

@Suite struct SteadyClockTests {
    private func time(_ milliseconds: Int64) -> MonotonicTime {
        MonotonicTime(nanoseconds: milliseconds * 1_000_000)
    }

    @Test func `it shows the wall clock's time while that goes forward`() {
        var clock = SteadyClock(at: 0, since: time(50))
        #expect(clock.read(wall: 10_000, at: time(60)) == 10_000)
        #expect(clock.read(wall: 10_001, at: time(61)) == 10_001)
        #expect(clock.read(wall: 99_000, at: time(62)) == 99_000)
    }

    @Test func `set back, it goes on at the pace of the monotonic clock until the wall clock has caught up`() {
        var clock = SteadyClock(at: 0, since: time(0))
        #expect(clock.read(wall: 100_000, at: time(1_000)) == 100_000)
        #expect(clock.read(wall: 40_000, at: time(1_000)) == 100_000)
        // Read often, it loses nothing of the time between.
        for tenth in 1...100 as ClosedRange<Int64> {
            let now = MonotonicTime(nanoseconds: 1_000_000_000 + tenth * 100_000)
            #expect(clock.read(wall: 40_000, at: now) == 100_000 + tenth / 10)
        }
        #expect(clock.read(wall: 160_000, at: time(61_000)) == 160_000)
        #expect(clock.read(wall: 160_500, at: time(61_000)) == 160_500)
    }

    @Test func `set forward, it waits for its patience before it believes that, and then shows the wall clock's time`()
    {
        var clock = SteadyClock(at: 100_000, since: time(0), patience: .seconds(600))
        let day: Int64 = 86_400_000
        #expect(clock.read(wall: 100_000 + day, at: time(0)) == 100_000)
        #expect(clock.read(wall: 699_000 + day, at: time(599_000)) == 699_000)
        #expect(clock.read(wall: 700_000 + day, at: time(600_000)) == 700_000 + day)
        // A correction is no step.
        #expect(clock.read(wall: 759_000 + day, at: time(600_001)) == 759_000 + day)
    }

    @Test func `set forward and back within its patience, it has never moved, and waits as long the next time`() {
        var clock = SteadyClock(at: 100_000, since: time(0), patience: .seconds(600))
        let day: Int64 = 86_400_000
        #expect(clock.read(wall: 100_000 + day, at: time(0)) == 100_000)
        #expect(clock.read(wall: 500_000, at: time(400_000)) == 500_000)
        #expect(clock.read(wall: 600_000 + day, at: time(500_000)) == 600_000)
        #expect(clock.read(wall: 1_100_000 + day, at: time(1_000_000)) == 1_100_000)
        #expect(clock.read(wall: 1_200_000 + day, at: time(1_100_000)) == 1_200_000 + day)
    }
}

@Suite struct ServiceClockTests {
    @Test func `it goes on from where it had come in an earlier life`() {
        let time = TestClock(wall: 1_000_000)
        let earlier = ServiceClock(reached: 0, reading: time.source)
        time.pass(.seconds(10))
        let reached = earlier.milliseconds
        time.set(by: .seconds(-3_600))

        let later = ServiceClock(reached: reached, reading: time.source)
        #expect(later.milliseconds == 1_010_000)
        time.pass(.seconds(5))
        #expect(later.milliseconds == 1_015_000)
    }

    @Test(arguments: [-3_600, 86_400] as [Int64])
    func `a wall clock that is set, and set right again, does not move it`(seconds: Int64) {
        let time = TestClock(wall: 10_000_000_000)
        let clock = ServiceClock(reached: 0, reading: time.source)
        for step in [seconds, -seconds] {
            time.set(by: .seconds(step))
            let before = clock.milliseconds
            time.pass(.seconds(30))
            #expect(clock.milliseconds == before + 30_000)
        }
        #expect(clock.milliseconds == 10_000_060_000)
    }
}
