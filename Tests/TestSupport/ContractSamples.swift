package import Shared

/// One value of every type that travels on the bus, the same in every run.
package enum ContractSamples {
    /// A request with an answer to it.
    package struct Exchange: Sendable {
        package let request: any BusRequest
        package let reply: any WireRecord & Hashable

        fileprivate init<Request: BusRequest>(_ request: Request, _ reply: Request.Reply) {
            self.request = request
            self.reply = reply
        }
    }

    package static let auth = [
        Exchange(
            AuthAPI.Register(
                userName: "Ashitemaru", password: "123456", nickname: nil, phoneNumber: "13243218765",
                email: "12345678@qq.com", sex: -1, sign: "é",
                picture: PictureUpload(Blob([0x89, 0x50]), isDataURL: true), rules: .classic, address: "192.0.2.1"),
            AuthAPI.Register.Reply(profile: profile)),
        Exchange(
            AuthAPI.LogIn(
                kind: .userName, name: "Ashitemaru", password: "123456", dialect: .classic, device: "phone",
                secondLogin: .refuse, address: "192.0.2.1", presentedTokens: ["a.b.c"]),
            AuthAPI.LogIn.Reply(
                session: SessionID(7), token: "a.b.c", expiresAt: 1_700_000_000, expiresIn: 900, refreshToken: "r",
                profile: profile)),
        Exchange(
            AuthAPI.Refresh(refreshToken: "r"),
            AuthAPI.Refresh.Reply(
                session: SessionID(7), account: AccountID(1), token: "a.b.c", expiresAt: 1_700_000_000,
                expiresIn: 900, refreshToken: "s")),
        Exchange(AuthAPI.LogOut(account: AccountID(1), session: SessionID(7)), Done()),
        Exchange(
            AuthAPI.Sessions(account: AccountID(1)),
            AuthAPI.Sessions.Reply(
                sessions: [
                    AuthAPI.SessionInfo(
                        session: SessionID(7), dialect: .rest, device: "phone", createdAt: 1_700_000_000_000,
                        lastSeenAt: 1_700_000_000_001, expiresAt: 1_700_000_002)
                ])),
        Exchange(
            AuthAPI.NoteSeen(sessions: [SessionID(7)]), AuthAPI.NoteSeen.Reply(now: 1_700_000_000_000)),
        Exchange(
            AuthAPI.Profiles(accounts: [AccountID(1), AccountID(2)]), AuthAPI.Profiles.Reply(profiles: [profile])),
        Exchange(
            AuthAPI.FindAccounts(match: .userNamePrefix, text: "Ashi"), AuthAPI.Profiles.Reply(profiles: [profile])),
        Exchange(
            AuthAPI.Pictures(accounts: [AccountID(1)]),
            AuthAPI.Pictures.Reply(
                pictures: [
                    Picture(
                        account: AccountID(1), version: 3, mediaType: "image/png", isDataURL: true,
                        content: Blob([0x89, 0x50]))
                ])),
        Exchange(
            AuthAPI.SigningKeys(),
            AuthAPI.SigningKeys.Reply(keys: [AuthAPI.SigningKeys.Key(id: "key", publicKey: Blob([1, 2, 3]))])),
        Exchange(
            AuthAPI.RevokedSessions(after: SessionID(6)),
            AuthAPI.RevokedSessions.Reply(
                revocations: [
                    AuthAPI.RevokedSessions.Revocation(session: SessionID(7), expiresAt: 1_700_000_000)
                ], position: 12, hasMore: true, now: 1_700_000_000_000)),
        Exchange(
            AuthAPI.ModifyAccount(
                account: AccountID(1), session: SessionID(7), rules: .rest, password: "123456", newUserName: "Ashi",
                newNickname: nil, newUID: "ashi", newPassword: nil, newPhoneNumber: nil, newEmail: "a@qq.com",
                newPicture: PictureUpload(Blob([0x89]), isDataURL: false)),
            AuthAPI.ModifyAccount.Reply(profile: profile)),
        Exchange(
            AuthAPI.CancelAccount(account: AccountID(1), session: SessionID(7), password: "123456"), Done()),
    ]

    package static let social = [
        Exchange(
            SocialAPI.Apply(
                applicant: AccountID(1), target: AccountID(2), message: "hi", whenPending: .announceAgain),
            SocialAPI.Apply.Reply(request: FriendRequestID(5))),
        Exchange(
            SocialAPI.PendingRequests(account: AccountID(2), includesHandedOver: false),
            SocialAPI.PendingRequests.Reply(requests: [friendRequest])),
        Exchange(SocialAPI.ConfirmRequests(account: AccountID(2), requests: [FriendRequestID(5)]), Done()),
        Exchange(
            SocialAPI.Decide(account: AccountID(2), applicant: AccountID(1), accepts: true),
            SocialAPI.Decide.Reply(conversation: ConversationID(9))),
        Exchange(
            SocialAPI.FriendRequests(
                account: AccountID(2), state: .refused, before: FriendRequestID(6), limit: 50),
            SocialAPI.FriendRequests.Reply(requests: [friendRequest])),
        Exchange(
            SocialAPI.DecideRequest(account: AccountID(2), request: FriendRequestID(5), accepts: false),
            SocialAPI.DecideRequest.Reply(applicant: AccountID(1), conversation: nil)),
        Exchange(SocialAPI.DismissRequest(account: AccountID(1), request: FriendRequestID(5)), Done()),
        Exchange(
            SocialAPI.FriendList(account: AccountID(1)),
            SocialAPI.FriendList.Reply(
                groups: [
                    SocialAPI.FriendGroup(
                        name: "MyFriends", friends: [friend])
                ])),
        Exchange(
            SocialAPI.FindFriend(owner: AccountID(1), friend: AccountID(2)), SocialAPI.FindFriend.Reply(friend: friend)),
        Exchange(SocialAPI.SetRemark(owner: AccountID(1), friend: AccountID(2), remark: "é"), Done()),
        Exchange(SocialAPI.Block(account: AccountID(1), target: AccountID(2)), Done()),
        Exchange(SocialAPI.Unblock(account: AccountID(1), target: AccountID(2)), Done()),
        Exchange(SocialAPI.Blocks(account: AccountID(1)), SocialAPI.Blocks.Reply(accounts: [AccountID(2)])),
        Exchange(
            SocialAPI.ReportPresence(gateway: 77, isComplete: false, online: [AccountID(1)], offline: [AccountID(2)]),
            SocialAPI.ReportPresence.Reply(isKnown: true)),
        Exchange(
            SocialAPI.Presence(accounts: [AccountID(1), AccountID(2)]),
            SocialAPI.Presence.Reply(online: [AccountID(1)])),
        Exchange(SocialAPI.ClaimNotices(account: AccountID(1)), SocialAPI.ClaimNotices.Reply(claim: 12)),
        Exchange(SocialAPI.EnforceClaim(account: AccountID(1), claim: 12), Done()),
        Exchange(
            SocialAPI.GroupFriends(owner: AccountID(1), friends: [AccountID(2)], group: "Classmates"), Done()),
        Exchange(SocialAPI.DeleteFriendGroup(owner: AccountID(1), group: "Classmates"), Done()),
        Exchange(SocialAPI.EndFriendship(account: AccountID(1), friend: AccountID(2)), Done()),
    ]

    package static let groups = [
        Exchange(
            SocialAPI.CreateGroup(
                creator: AccountID(1), name: "Quick", friends: [AccountID(2), AccountID(3)], handle: "quick",
                introduction: "é", minMembers: 3),
            SocialAPI.CreateGroup.Reply(group: group)),
        Exchange(
            SocialAPI.Groups(conversations: [ConversationID(10)]), SocialAPI.Groups.Reply(groups: [group])),
        Exchange(
            SocialAPI.FindGroups(match: .partOfName, text: "qui"), SocialAPI.Groups.Reply(groups: [group])),
        Exchange(
            SocialAPI.GroupsOf(account: AccountID(1)),
            SocialAPI.GroupsOf.Reply(memberships: [SocialAPI.Membership(group: group, role: .owner)])),
        Exchange(
            SocialAPI.RoleIn(account: AccountID(1), conversation: ConversationID(10)),
            SocialAPI.RoleIn.Reply(role: .admin)),
        Exchange(
            SocialAPI.Group(account: AccountID(1), conversation: ConversationID(10), orPrivate: true),
            SocialAPI.Group.Reply(
                name: "Quick", members: [SocialAPI.Member(account: AccountID(1), role: .owner)],
                announcements: [announcement])),
        Exchange(
            SocialAPI.Announce(author: AccountID(1), conversation: ConversationID(10), body: "AAA"),
            SocialAPI.Announce.Reply(announcement: AnnouncementID(4))),
        Exchange(
            SocialAPI.AppointAdmins(owner: AccountID(1), conversation: ConversationID(10), accounts: [AccountID(2)]),
            Done()),
        Exchange(
            SocialAPI.TransferOwnership(owner: AccountID(1), conversation: ConversationID(10), heir: AccountID(2)),
            Done()),
        Exchange(SocialAPI.LeaveGroup(account: AccountID(1), conversation: ConversationID(10)), Done()),
        Exchange(
            SocialAPI.RemoveMembers(actor: AccountID(1), conversation: ConversationID(10), accounts: [AccountID(2)]),
            Done()),
        Exchange(
            SocialAPI.Invite(inviter: AccountID(1), conversation: ConversationID(10), accounts: [AccountID(4)]), Done()),
        Exchange(
            SocialAPI.ApplyToJoin(applicant: AccountID(4), conversation: ConversationID(10), message: "hi"),
            SocialAPI.ApplyToJoin.Reply(request: JoinRequestID(8))),
        Exchange(
            SocialAPI.JoinRequests(account: AccountID(1), conversation: ConversationID(10)),
            SocialAPI.JoinRequests.Reply(requests: [joinRequest], groups: [group])),
        Exchange(
            SocialAPI.DecideJoinRequest(actor: AccountID(1), request: JoinRequestID(8), accepts: true),
            SocialAPI.DecideJoinRequest.Reply(request: joinRequest)),
        Exchange(
            SocialAPI.DecideJoin(
                actor: AccountID(1), conversation: ConversationID(10), invited: [AccountID(4)], accepts: true), Done()),
    ]

    package static let message = [
        Exchange(
            MessageAPI.Send(
                sender: AccountID(1), to: .conversation(ConversationID(9)), text: "hello", replyTo: MessageID(4),
                clientID: "a"),
            MessageAPI.Send.Reply(
                conversation: ConversationID(9), message: MessageID(11), sequence: 3, sentAt: 1_700_000_000_123)),
        Exchange(
            MessageAPI.Recall(account: AccountID(1), message: MessageID(11), isModerator: false), Done()),
        Exchange(
            MessageAPI.PullHandOver(account: AccountID(1), acknowledged: nil, limit: 1_000),
            MessageAPI.PullHandOver.Reply(messages: [listed], hasMore: true, receipt: receipt)),
        Exchange(MessageAPI.SettleHandOver(account: AccountID(1), receipt: receipt, delivered: true), Done()),
        Exchange(
            MessageAPI.History(
                account: AccountID(1), conversation: ConversationID(9), before: MessageID(12), limit: 50,
                sentFrom: 1_700_000_000_000, sentUntil: nil, senders: [AccountID(1)], includesUnread: true),
            MessageAPI.History.Reply(
                messages: [listed], hasMore: false,
                readIndexes: [ReadIndex(account: AccountID(2), message: MessageID(11))], unreadCount: 1)),
        Exchange(
            MessageAPI.Conversations(account: AccountID(1), includesLast: true),
            MessageAPI.Conversations.Reply(
                conversations: [
                    MessageAPI.Conversations.Entry(
                        conversation: ConversationID(9), kind: .private, peer: AccountID(2), unreadCount: 1,
                        last: listed.message)
                ])),
        Exchange(
            MessageAPI.Attach(account: AccountID(1), missed: .after(MessageID(10)), lastOpening: 39),
            MessageAPI.Attach.Reply(
                position: 40, conversations: [ConversationID(9)], missed: [listed.message], hasMore: false,
                last: MessageID(11),
                openings: [
                    MessageAPI.Opening(
                        number: 40, conversation: ConversationID(9), peer: AccountID(2), reason: reasons[0])
                ])),
        Exchange(
            MessageAPI.ConfirmNotices(
                places: [MessageAPI.NoticePlace(account: AccountID(1), message: MessageID(11))]), Done()),
        Exchange(
            MessageAPI.MarkRead(account: AccountID(1), conversation: ConversationID(9), message: MessageID(11)), Done()),
        Exchange(
            MessageAPI.MessageDetails(account: AccountID(1), message: MessageID(11)),
            MessageAPI.MessageDetails.Reply(
                conversation: ConversationID(9), conversationKind: .private, replyCount: 2, readers: [AccountID(1)])),
        Exchange(MessageAPI.HideMessage(account: AccountID(1), message: MessageID(11)), Done()),
    ]

    /// What several services answer.
    package static let shared = [
        Exchange(
            EventLogAPI.Read(after: 39, limit: 500),
            EventLogAPI.Read.Reply(
                batch: EventBatch(
                    age: 2, epoch: 6, head: 40,
                    events: [NumberedEvent(number: 40, kind: "test.event", payload: Blob([1]))]),
                isTooOld: false)),
        Exchange(
            EffectAPI.Apply(
                sender: .social, epoch: 6,
                effects: [EffectAPI.Effect(number: 3, kind: "test.effect", payload: Blob([1]))]),
            EffectAPI.Apply.Reply(applied: 3)),
        Exchange(
            MarksAPI.Exchange(known: [MarksAPI.Known(service: .auth, mark: Mark(age: 1, epoch: 6, head: 40))]),
            MarksAPI.Exchange.Reply(
                known: [MarksAPI.Known(service: .message, mark: Mark(age: 0, epoch: 7, head: 41))])),
    ]

    package static let events: [any BusEvent] = [
        AuthAPI.SessionRevoked(session: SessionID(7), account: AccountID(1), expiresAt: 1_700_000_000),
        AuthAPI.ProfileChanged(account: AccountID(1)),
        SocialAPI.FriendshipRequested(
            request: FriendRequestID(5), applicant: AccountID(1), target: AccountID(2), message: "hi"),
        SocialAPI.FriendRequestClosed(
            request: FriendRequestID(5), applicant: AccountID(1), target: AccountID(2), state: .refused,
            closer: AccountID(2)),
        SocialAPI.NoticesClaimed(account: AccountID(1), claim: 12),
        SocialAPI.PresenceChanged(
            account: AccountID(1), isOnline: true, friends: [SocialAPI.Witness(account: AccountID(2), remark: "é")]),
        MessageAPI.ReadIndexMoved(
            conversation: ConversationID(9), account: AccountID(1), message: MessageID(11)),
        MessageAPI.MessageSent(message: listed.message),
        MessageAPI.MessageRecalled(
            conversation: ConversationID(9), message: MessageID(11), operator: AccountID(1),
            recalledAt: 1_700_000_000_124),
        MessageAPI.MessageHidden(
            conversation: ConversationID(9), message: MessageID(11), account: AccountID(1)),
        MessageAPI.ConversationChanged(
            conversation: ConversationID(9), joined: [AccountID(1), AccountID(2)], left: [AccountID(3)],
            reason: reasons[0]),
    ]

    /// Why conversations change, as it travels in effects and in their event.
    package static let reasons: [ConversationReason] = [
        .friendshipBegan(
            SocialAPI.FriendshipBegan(
                applicant: AccountID(1), accepter: AccountID(2), conversation: ConversationID(9),
                request: FriendRequestID(5))),
        .friendshipEnded(
            SocialAPI.FriendshipEnded(
                account: AccountID(1), friend: AccountID(2), conversation: ConversationID(9))),
        .membersJoined(
            SocialAPI.MembersJoined(
                conversation: ConversationID(10), name: "Quick", accounts: [AccountID(4)], operator: AccountID(1),
                settled: [joinRequest])),
        .membersLeft(
            SocialAPI.MembersLeft(
                conversation: ConversationID(10), name: "Quick", accounts: [AccountID(4)], operator: AccountID(4))),
        .roleChanged(
            SocialAPI.RoleChanged(
                conversation: ConversationID(10), name: "Quick", account: AccountID(2), role: .admin)),
        .announced(SocialAPI.Announced(conversation: ConversationID(10), announcement: announcement)),
        .joinRequested(
            SocialAPI.JoinRequested(
                conversation: ConversationID(10), name: "Quick", requests: [joinRequest], deciders: [AccountID(1)])),
        .joinRefused(
            SocialAPI.JoinRefused(
                conversation: ConversationID(10), name: "Quick", settled: [joinRequest], operator: AccountID(1))),
    ]

    package static let effects: [any BusEffect] = [
        MessageAPI.OpenConversation(
            conversation: ConversationID(9), conversationKind: .private, participants: [AccountID(1), AccountID(2)],
            greeting: "hello", greeter: AccountID(2), reason: reasons[0]),
        MessageAPI.ChangeParticipants(
            conversation: ConversationID(10), joined: [AccountID(4)], left: [AccountID(3)], reason: reasons[2]),
        MessageAPI.TellConversation(conversation: ConversationID(10), reason: reasons[4]),
        MessageAPI.ChangeSilence(conversation: ConversationID(9), account: AccountID(1), isSilenced: true),
        MessageAPI.CloseConversation(conversation: ConversationID(9), reason: reasons[1]),
        SocialAPI.CancelAccount(account: AccountID(1)),
    ]

    /// Everything that is asked.
    package static var exchanges: [Exchange] { auth + social + groups + message + shared }

    private static let profile = Profile(
        account: AccountID(1), userName: "Ashitemaru", nickname: "Ashi", uid: "m_1", phoneNumber: "13243218765",
        email: "12345678@qq.com", pictureVersion: 3, sex: -1, sign: "é", isCancelled: false)

    private static let friendRequest = SocialAPI.FriendRequest(
        id: FriendRequestID(5), applicant: AccountID(1), message: "hi", createdAt: 1_700_000_000_000, state: .pending)

    private static let friend = SocialAPI.Friend(
        account: AccountID(2), conversation: ConversationID(9), remark: "é")

    private static let group = SocialAPI.GroupInfo(
        conversation: ConversationID(10), name: "Quick", handle: "quick", introduction: "é", owner: AccountID(1),
        memberCount: 3)

    private static let joinRequest = SocialAPI.JoinRequest(
        id: JoinRequestID(8), conversation: ConversationID(10), inviter: AccountID(2), invited: AccountID(4),
        message: "hi", createdAt: 1_700_000_000_000)

    private static let announcement = SocialAPI.Announcement(
        id: AnnouncementID(4), author: AccountID(1), body: "AAA", publishedAt: 1_700_000_000_000)

    private static let receipt = MessageAPI.HandOverReceipt(turn: 3, last: MessageID(11))

    private static let listed = ListedMessage(
        message: Message(
            id: MessageID(11), conversation: ConversationID(9), conversationKind: .private, sequence: 3,
            sender: AccountID(1), text: "hello", replyTo: nil, sentAt: 1_700_000_000_123), replyCount: 2)
}
