/// A message to groups of members who are all there.
enum FanOutGrowth {
    static func measure(_ run: LoadRun) throws {
        let people = try run.people()
        let sizes = [10, 100, 1_000]
        let hub = try people.hub(0, friends: sizes.reduce(0, +))
        let crowd = try people.crowd(sizes.reduce(0, +))
        var start = 0
        var rooms: [(size: Int, traffic: Traffic)] = []
        for size in sizes {
            let group = try people.group(hub, crowd[start..<(start + size)])
            start += size
            rooms.append((size, try MartletTraffic.room(run, group, run.options.dialect)))
        }
        let points = try run.measureGrowth(
            "message to a group, members online", "CPU µs per message",
            rooms.map { size, traffic in
                (size, { try traffic.closedLoop(window: 1, seconds: 1).cpuTogether * Double(size) })
            })
        if let first = points.first, let last = points.last {
            run.report.add(
                "fan-out to one more online member", (last.value - first.value) / Double(last.size - first.size),
                "CPU µs")
        }
        for room in rooms { try room.traffic.close() }
    }
}
