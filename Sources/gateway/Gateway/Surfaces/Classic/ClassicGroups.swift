import Shared

extension ClassicSurface {
    /// People a group begins with at least, its creator among them.
    private static var minGroupMembers: Int32 { 3 }

    @Sendable func createConversation(
        _ call: ClassicCall, _ session: Session
    ) async throws(ClassicError) -> SurfaceAnswer {
        let friends = try call.accounts("friendIds")
        var name = try call.text("conversationName")
        if name.isEmpty {
            let members = [session.account] + friends
            let profiles = try await profiles(of: members, call.context)
            name = ClassicTitle.made(of: members.compactMap { profiles[$0]?.userName })
        }
        let reply = try await socialService.ask(
            SocialAPI.CreateGroup(
                creator: session.account, name: name, friends: friends, handle: nil, introduction: "",
                minMembers: Self.minGroupMembers), call.context,
            wording: [.malformedName: .badField("conversationName")])
        return SurfaceAnswer(fields: { $0.field("conversation_id", reply.conversation.rawValue) })
    }

    // MARK: - Members and roles

    @Sendable func pullMemberList(_ call: ClassicCall, _ session: Session) async throws(ClassicError) -> SurfaceAnswer {
        let group = try await group(call, session)
        let members = try await profiles(of: group.members.map(\.account), call.context)
        let pictures = try await pictures(of: members.values, call)
        return SurfaceAnswer { json in
            json.array("member_list", group.members) { member, json in
                json.object {
                    $0.field("member_name", members[member.account]?.userName ?? "")
                    $0.field("member_id", member.account.rawValue)
                    $0.field("member_picture", pictures[member.account])
                    $0.field("role", member.role.classicName)
                }
            }
            Self.write(group.announcements, to: &json)
        }
    }

    @Sendable func appointAdmins(_ call: ClassicCall, _ session: Session) async throws(ClassicError) -> SurfaceAnswer {
        let conversation = ConversationID(try call.id("conversationId"))
        let admins = try call.accounts("adminIds")
        _ = try await socialService.ask(
            SocialAPI.AppointAdmins(owner: session.account, conversation: conversation, accounts: admins), call.context,
            wording: [.notAllowed: .notOwner])
        return .succeed
    }

    @Sendable func transferOwnership(
        _ call: ClassicCall, _ session: Session
    ) async throws(ClassicError) -> SurfaceAnswer {
        let conversation = ConversationID(try call.id("conversationId"))
        let heir = AccountID(try call.id("memberId"))
        _ = try await socialService.ask(
            SocialAPI.TransferOwnership(owner: session.account, conversation: conversation, heir: heir), call.context,
            wording: [.notAllowed: .notOwner])
        return .succeed
    }

    @Sendable func quitConversation(
        _ call: ClassicCall, _ session: Session
    ) async throws(ClassicError) -> SurfaceAnswer {
        let conversation = ConversationID(try call.id("conversationId"))
        _ = try await socialService.ask(
            SocialAPI.LeaveGroup(account: session.account, conversation: conversation), call.context,
            wording: [.notGroupMember: .notGroupMember])
        return .succeed
    }

    @Sendable func removeMembers(_ call: ClassicCall, _ session: Session) async throws(ClassicError) -> SurfaceAnswer {
        let conversation = ConversationID(try call.id("conversationId"))
        let removed = try call.accounts("removeMemberIds")
        _ = try await socialService.ask(
            SocialAPI.RemoveMembers(actor: session.account, conversation: conversation, accounts: removed),
            call.context,
            wording: [.notGroupMember: .notGroupMember])
        return .succeed
    }

    // MARK: - Announcements

    @Sendable func pullAnnouncements(
        _ call: ClassicCall, _ session: Session
    ) async throws(ClassicError) -> SurfaceAnswer {
        let group = try await group(call, session)
        return SurfaceAnswer(fields: { Self.write(group.announcements, to: &$0) })
    }

    @Sendable func putAnnouncement(
        _ call: ClassicCall, _ session: Session
    ) async throws(ClassicError) -> SurfaceAnswer {
        let conversation = ConversationID(try call.id("conversationId"))
        let spelling = call.body["announcement"] == nil && call.body["announcementBody"] != nil
        let body = try call.text(spelling ? "announcementBody" : "announcement")
        let reply = try await socialService.ask(
            SocialAPI.Announce(author: session.account, conversation: conversation, body: body), call.context,
            wording: [.notAllowed: .noRightToAnnounce, .invalidText: .emptyAnnouncement])
        return SurfaceAnswer(fields: { $0.field("announcement_id", reply.announcement.rawValue) })
    }

    /// Clients open private conversations too with what is said of groups.
    private func group(_ call: ClassicCall, _ session: Session) async throws(ClassicError) -> SocialAPI.Group.Reply {
        let conversation = ConversationID(try call.queryID("conversationId"))
        return try await socialService.ask(
            SocialAPI.Group(account: session.account, conversation: conversation, orPrivate: true), call.context)
    }

    private static func write(_ announcements: [SocialAPI.Announcement], to json: inout JSONWriter) {
        json.array("announcement_chain", announcements) { announcement, json in
            json.object {
                $0.field("announcement_body", announcement.body)
                $0.field("announcement_id", announcement.id.rawValue)
            }
        }
    }

    // MARK: - Joining

    @Sendable func inviteMembers(_ call: ClassicCall, _ session: Session) async throws(ClassicError) -> SurfaceAnswer {
        let conversation = ConversationID(try call.id("conversationId"))
        let invited = try call.accounts("newMemberIds")
        _ = try await socialService.ask(
            SocialAPI.Invite(inviter: session.account, conversation: conversation, accounts: invited), call.context,
            wording: [.notGroupMember: .notGroupMember])
        return .succeed
    }

    @Sendable func pullJoinRequests(_ call: ClassicCall, _ session: Session) async throws(ClassicError) -> SurfaceAnswer
    {
        let conversation = try call.optionalQueryID("conversationId").map { ConversationID($0) }
        let reply = try await socialService.ask(
            SocialAPI.JoinRequests(account: session.account, conversation: conversation), call.context,
            wording: [.notAllowed: .noRightToSeeRequests])
        let people = try await profiles(of: reply.requests.flatMap { [$0.inviter, $0.invited] }, call.context)
        let requests = Dictionary(grouping: reply.requests, by: \.conversation)
        return SurfaceAnswer { json in
            json.array("total_conversation_apply_chain", reply.groups) { group, json in
                json.object {
                    $0.field("conversation_id", group.conversation.rawValue)
                    $0.field("conversation_name", group.name)
                    $0.array("conversation_apply_chain", requests[group.conversation] ?? []) { request, json in
                        json.object {
                            $0.field("invitor_user_id", request.inviter.rawValue)
                            $0.field("invitor_user_name", people[request.inviter]?.userName ?? "")
                            $0.field("invited_user_id", request.invited.rawValue)
                            $0.field("invited_user_name", people[request.invited]?.userName ?? "")
                        }
                    }
                }
            }
        }
    }

    @Sendable func decideJoinRequests(
        _ call: ClassicCall, _ session: Session
    ) async throws(ClassicError) -> SurfaceAnswer {
        let conversation = ConversationID(try call.id("conversationId"))
        let invited = try call.accounts("invitedUserIds")
        guard let accepts = try call.agreement() else {
            // The right to decide comes before what is decided.
            _ = try await socialService.ask(
                SocialAPI.JoinRequests(account: session.account, conversation: conversation), call.context)
            throw .badAgreement
        }
        _ = try await socialService.ask(
            SocialAPI.DecideJoin(
                actor: session.account, conversation: conversation, invited: invited, accepts: accepts), call.context)
        return SurfaceAnswer(fields: { $0.field("conversation_id", "\(conversation)") })
    }
}

extension SocialAPI.Role {
    /// The document's word for a role.
    var classicName: String {
        switch self {
        case .owner: "groupOwner"
        case .admin: "admin"
        case .member: "commonUser"
        }
    }
}
