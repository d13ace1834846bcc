import Shared

extension SocketSurface {
    /// Accounts whose presence is asked for at once.
    private static let presenceBatch = 5_000
    /// Members of all the groups of one answer; whoever wants more asks for fewer groups at once.
    private static let maxListedMembers = 100_000

    @Sendable func friendList(
        _ call: SocketHTTPCall, _ session: Session
    ) async throws(SocketHTTPError) -> SurfaceAnswer {
        let friends = try await socialService.ask(SocialAPI.FriendList(account: session.account), call.context)
            .groups.flatMap(\.friends)
        let people = try await profiles(of: friends.map(\.account), call.context)
        let online = try await online(among: friends.map(\.account), call)
        return .list(friends) { friend, json in
            let person = SocketPerson(friend.account, people[friend.account])
            json.field("userId", person.id)
            person.writeNames(to: &json)
            person.writeDescription(to: &json)
            json.field("remark", friend.remark)
            json.field("status", online.contains(friend.account) ? "1" : "0")
        }
    }

    private func online(
        among accounts: [AccountID], _ call: SocketHTTPCall
    ) async throws(SocketHTTPError) -> Set<AccountID> {
        var online: Set<AccountID> = []
        var rest = accounts[...]
        while !rest.isEmpty {
            let batch = Array(rest.prefix(Self.presenceBatch))
            online.formUnion(
                try await socialService.ask(SocialAPI.Presence(accounts: batch), call.context).online)
            rest = rest.dropFirst(Self.presenceBatch)
        }
        return online
    }

    @Sendable func friendRequests(
        _ call: SocketHTTPCall, _ session: Session
    ) async throws(SocketHTTPError) -> SurfaceAnswer {
        let requests = try await socialService.ask(
            SocialAPI.PendingRequests(account: session.account, includesHandedOver: true), call.context
        ).requests
        let people = try await profiles(of: requests.map(\.applicant), call.context)
        return .list(requests) { request, json in
            let person = SocketPerson(request.applicant, people[request.applicant])
            json.field("friendApplyId", "\(request.id)")
            json.field("fromUserId", person.id)
            person.writeNames(to: &json)
            person.writeDescription(to: &json)
            json.field("remark", request.message)
            json.field("createTime", request.createdAt)
        }
    }

    /// What waits for the decision of the account in all groups it owns or administers.
    @Sendable func joinRequests(
        _ call: SocketHTTPCall, _ session: Session
    ) async throws(SocketHTTPError) -> SurfaceAnswer {
        let reply = try await socialService.ask(
            SocialAPI.JoinRequests(account: session.account, conversation: nil), call.context)
        let groups = Dictionary(reply.groups.map { ($0.conversation, $0) }) { first, _ in first }
        let people = try await profiles(of: reply.requests.map(\.invited), call.context)
        return .list(reply.requests) { request, json in
            json.field("groupApplyId", "\(request.id)")
            json.field("fromUserId", "\(request.inviter)")
            let person = SocketPerson(request.invited, people[request.invited])
            json.field("userId", person.id)
            person.writeNames(to: &json)
            let group = SocketGroup(request.conversation, groups[request.conversation])
            group.writeNames(to: &json)
            group.writePicture(to: &json)
            json.field("remark", request.message)
            json.field("createTime", request.createdAt)
        }
    }

    // MARK: - Groups

    @Sendable func createGroup(
        _ call: SocketHTTPCall, _ session: Session
    ) async throws(SocketHTTPError) -> SurfaceAnswer {
        let handle = try call.nonEmptyText("groupName")
        let name = try call.nonEmptyText("groupNickname")
        let introduction = try call.optionalText("introduction") ?? ""
        let reply = try await socialService.ask(
            SocialAPI.CreateGroup(
                creator: session.account, name: name, friends: [], handle: handle, introduction: introduction,
                minMembers: 1), call.context)
        // Clients put it into their lists as it is.
        return .object { Self.write(reply.group, to: &$0) }
    }

    @Sendable func searchGroups(
        _ call: SocketHTTPCall, _ session: Session
    ) async throws(SocketHTTPError) -> SurfaceAnswer {
        let search: SocialAPI.FindGroups
        if let handle = call.optionalQueryText("groupName") {
            search = SocialAPI.FindGroups(match: .handle, text: handle)
        } else if let part = call.optionalQueryText("groupNickname") {
            search = SocialAPI.FindGroups(match: .partOfName, text: part)
        } else {
            throw .badField("groupName")
        }
        return .list(try await socialService.ask(search, call.context).groups) { group, json in
            Self.write(group, to: &json)
            json.field("memberCount", Int64(group.memberCount))
        }
    }

    /// `type=2` picks those the account made and owns; it is in all of them.
    @Sendable func groupList(
        _ call: SocketHTTPCall, _ session: Session
    ) async throws(SocketHTTPError) -> SurfaceAnswer {
        let ownedOnly = call.request.query["type"] == "2"
        let memberships = try await socialService.ask(SocialAPI.GroupsOf(account: session.account), call.context)
            .memberships
        return .list(memberships.filter { !ownedOnly || $0.role == .owner }) { membership, json in
            Self.write(membership.group, to: &json)
            json.field("memberCount", Int64(membership.group.memberCount))
            json.field("role", membership.role.socketName)
        }
    }

    private static func write(_ info: SocialAPI.GroupInfo, to json: inout JSONWriter) {
        let group = SocketGroup(info.conversation, info)
        group.writeNames(to: &json)
        group.writePicture(to: &json)
        group.writeIntroduction(to: &json)
        group.writeOwner(to: &json)
    }

    @Sendable func groupMembers(
        _ call: SocketHTTPCall, _ session: Session
    ) async throws(SocketHTTPError) -> SurfaceAnswer {
        var groups: [(conversation: ConversationID, members: [SocialAPI.Member])] = []
        var room = Self.maxListedMembers
        for conversation in try call.queryIDs("groupId").map({ ConversationID($0) }) {
            let members = try await socialService.ask(
                SocialAPI.Group(account: session.account, conversation: conversation), call.context
            ).members
            room -= members.count
            guard room >= 0 else { throw .badField("groupId") }
            groups.append((conversation, members))
        }
        let people = try await profiles(of: groups.flatMap(\.members).map(\.account), call.context)
        return .object { [groups] json in
            for (conversation, members) in groups {
                json.array("\(conversation)", members) { member, json in
                    json.object { Self.write(member, people[member.account], to: &$0) }
                }
            }
        }
    }

    private static func write(_ member: SocialAPI.Member, _ profile: Profile?, to json: inout JSONWriter) {
        let person = SocketPerson(member.account, profile)
        json.field("userId", person.id)
        person.writeNames(to: &json)
        person.writeDescription(to: &json)
        json.field("role", member.role.socketName)
    }
}
