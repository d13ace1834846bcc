/// A send into groups of members who are not there.
enum GroupGrowth {
    static func measure(_ run: LoadRun) throws {
        let people = try run.people()
        let sizes = [10, 1_000, 5_000]
        // Owner included, which makes the largest one as large as a group can be.
        let hub = try people.hub(0, friends: 4_999)
        let crowd = try people.crowd(4_999)
        let loads = try sizes.map { size in
            let group = try people.group(hub, crowd[..<(size - 1)])
            return try RequestLoad(
                run.site(), run.loop, connections: 8,
                MartletTraffic.classicSend(hub, conversation: "\(group.conversation)"))
        }
        try run.measureGrowth(
            "send into a group, members offline", "CPU µs per send",
            zip(sizes, loads).map { size, load in (size, { try load.window(seconds: 1).cpuTogether }) })
        for load in loads { try load.close() }
    }
}
