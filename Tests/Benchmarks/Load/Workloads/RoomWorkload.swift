/// A group whose members are all online.
enum RoomWorkload {
    static func measure(_ run: LoadRun) throws {
        let options = run.options
        let people = try run.people()
        let hub = try people.hub(0, friends: options.members)
        let group = try people.group(hub, try people.crowd(options.members))
        let martlet = try MartletTraffic.room(run, group, options.dialect)
        let relay = try RelayTraffic.room(run, members: options.members)
        try run.compare("room", martlet, relay) {
            try $0.openLoop(perSecond: options.roomRate, seconds: options.seconds)
        }
    }
}
