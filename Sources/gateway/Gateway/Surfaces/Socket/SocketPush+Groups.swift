import Shared

extension SocketPush {
    // MARK: - Joining

    /// What owner and admins have to decide, one by one.
    func joinRequests(_ requested: SocialAPI.JoinRequested, _ names: PushNames) -> [Push] {
        requested.requests.map { request in
            Push(to: .accounts(requested.deciders)) {
                Self.notice("group_add", from: "\(request.inviter)") { json in
                    json.field("groupApplyId", "\(request.id)")
                    let group = names.socketGroup(requested.conversation, requested.name)
                    group.writeNames(to: &json)
                    group.writePicture(to: &json)
                    let person = names.socketPerson(request.invited)
                    json.field("userId", person.id)
                    person.writeNames(to: &json)
                    json.field("remark", request.message)
                    group.writeIntroduction(to: &json)
                }
            }
        }
    }

    /// Newcomers: those who asked for it and those who asked for others hear how it ended, those whom others brought in
    /// by whom, and those already there of each. Of a group that begins there was nobody before.
    func welcomes(_ joined: SocialAPI.MembersJoined, _ names: PushNames) -> [Push] {
        let group = names.socketGroup(joined.conversation, joined.name)
        let newcomers = joined.settled.isEmpty ? [] : joined.accounts
        let others = Audience.members(joined.conversation, besides: Set(joined.accounts))
        return invitations(joined, to: group, names)
            + joinResults(of: joined.settled, agree: true, by: joined.operator, in: group, names)
            + newcomers.map { newcomer in
                Push(to: others) {
                    Self.notice("group_join", from: "\(joined.operator)") { json in
                        group.writeNames(to: &json)
                        group.writePicture(to: &json)
                        group.writeOwner(to: &json)
                        group.writeIntroduction(to: &json)
                        let person = names.socketPerson(newcomer)
                        json.field("userId", person.id)
                        person.writeNames(to: &json)
                        person.writeDescription(to: &json)
                    }
                }
            }
    }

    /// Each newcomer whom somebody else brought in is told of the first who did.
    private func invitations(
        _ joined: SocialAPI.MembersJoined, to group: SocketGroup, _ names: PushNames
    ) -> [Push] {
        var inviters: [AccountID: AccountID] = [:]
        for request in joined.settled where request.inviter != request.invited {
            inviters[request.invited] = inviters[request.invited] ?? request.inviter
        }
        if joined.settled.isEmpty {
            for newcomer in joined.accounts { inviters[newcomer] = joined.operator }
        }
        return Dictionary(grouping: inviters.keys) { inviters[$0] }.compactMap { inviter, newcomers in
            guard let inviter else { return nil }
            return Push(to: .accounts(newcomers)) {
                Self.notice("group_invite", from: "\(inviter)") { json in
                    group.writeNames(to: &json)
                    group.writePicture(to: &json)
                    group.writeIntroduction(to: &json)
                    let inviter = names.socketPerson(inviter)
                    json.field("inviterUserId", inviter.id)
                    json.field("inviterUsername", inviter.username)
                    json.field("inviterNickname", inviter.nickname)
                }
            }
        }
    }

    /// How requests ended, told to those who made them: for himself, or for another.
    func joinResults(
        of settled: [SocialAPI.JoinRequest], agree: Bool, by decider: AccountID, in group: SocketGroup,
        _ names: PushNames
    ) -> [Push] {
        settled.map { request in
            Push(to: .accounts([request.inviter])) {
                let isOwn = request.inviter == request.invited
                return Self.notice(isOwn ? "group_add_result" : "group_invite_result", from: "\(decider)") { json in
                    json.field("agree", agree)
                    group.writeNames(to: &json)
                    if isOwn {
                        group.writePicture(to: &json)
                        group.writeOwner(to: &json)
                        group.writeIntroduction(to: &json)
                    } else {
                        let person = names.socketPerson(request.invited)
                        json.field("userId", person.id)
                        json.field("username", person.username)
                        json.field("nickname", person.nickname)
                    }
                }
            }
        }
    }

    // MARK: - Leaving

    /// Those who stay hear of each who left or was removed, and those who were removed by whom.
    func farewells(_ left: SocialAPI.MembersLeft, _ names: PushNames) -> [Push] {
        let group = names.socketGroup(left.conversation, left.name)
        let removed = left.accounts.filter { $0 != left.operator }
        let others = Audience.members(left.conversation, besides: Set(left.accounts))
        let kick = Push(to: .accounts(removed)) {
            Self.notice("group_kicked_out", from: "\(left.operator)") { json in
                group.writeNames(to: &json)
                group.writePicture(to: &json)
            }
        }
        return [kick]
            + left.accounts.map { leaver in
                Push(to: others) {
                    Self.notice("group_leave", from: "\(leaver)") { json in
                        group.writeNames(to: &json)
                        let person = names.socketPerson(leaver)
                        json.field("userId", person.id)
                        json.field("username", person.username)
                        json.field("nickname", person.nickname)
                        json.field("kicked", leaver != left.operator)
                    }
                }
            }
    }
}
