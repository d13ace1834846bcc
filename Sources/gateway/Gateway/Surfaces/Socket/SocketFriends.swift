import Logging
import Shared

extension SocketSurface {
    @Sendable func addFriend(_ call: SocketCall) async throws(SocketRefusal) -> SocketAnswer {
        let target = AccountID(try call.id("userId"))
        let remark = try call.optionalText("remark") ?? ""
        guard try await livingProfile(of: target, call) != nil else { throw SocketRefusal(.unknownUser) }
        let reply = try await ask(
            core.backend.social,
            SocialAPI.Apply(
                applicant: call.session.account, target: target, message: remark, whenPending: .refuse),
            call.context,
            wording: [
                .cannotBefriendSelf: SocketRefusal(.addsHimself), .alreadyFriends: SocketRefusal(.alreadyFriends),
                .alreadyApplied: SocketRefusal(.friendRequestPending),
            ])
        return SocketAnswer(.done) { $0.field("friendApplyId", "\(reply.request)") }
    }

    @Sendable func replyToFriendRequest(_ call: SocketCall) async throws(SocketRefusal) -> SocketAnswer {
        let request = FriendRequestID(try call.id("friendApplyId"))
        let agrees = try call.agreement()
        let reply = try await ask(
            core.backend.social,
            SocialAPI.DecideRequest(account: call.session.account, request: request, accepts: agrees), call.context,
            wording: [
                .noSuchApplication: SocketRefusal(because: "notFound"),
                .alreadyDecided: SocketRefusal(.friendRequestHandled),
            ])
        return await decision(agrees, about: reply.applicant, call)
    }

    @Sendable func deleteFriend(_ call: SocketCall) async throws(SocketRefusal) -> SocketAnswer {
        let friend = AccountID(try call.id("userId"))
        _ = try await ask(
            core.backend.social, SocialAPI.EndFriendship(account: call.session.account, friend: friend), call.context,
            wording: [.notFriends: SocketRefusal(because: "notFriends")])
        return SocketAnswer(.done)
    }

    // MARK: - Groups

    @Sendable func applyToGroup(_ call: SocketCall) async throws(SocketRefusal) -> SocketAnswer {
        let group = ConversationID(try call.id("groupId"))
        let remark = try call.optionalText("remark") ?? ""
        let reply = try await ask(
            core.backend.social,
            SocialAPI.ApplyToJoin(applicant: call.session.account, conversation: group, message: remark),
            call.context,
            wording: [
                .noSuchGroup: SocketRefusal(.unknownGroup), .alreadyApplied: SocketRefusal(.joinRequestPending),
                .alreadyMember: SocketRefusal(.alreadyMember),
            ])
        return SocketAnswer(.done) { $0.field("groupApplyId", "\(reply.request)") }
    }

    @Sendable func replyToJoinRequest(_ call: SocketCall) async throws(SocketRefusal) -> SocketAnswer {
        let request = JoinRequestID(try call.id("groupApplyId"))
        let agrees = try call.agreement()
        let reply = try await ask(
            core.backend.social,
            SocialAPI.DecideJoinRequest(actor: call.session.account, request: request, accepts: agrees), call.context,
            wording: [
                .noSuchApplication: SocketRefusal(.unknownJoinRequest),
                .alreadyDecided: SocketRefusal(.joinRequestHandled),
            ])
        return await decision(agrees, about: reply.request.invited, call)
    }

    /// What was decided, and about whom. That is done, so it is said even when nobody can tell his names.
    private func decision(_ agrees: Bool, about account: AccountID, _ call: SocketCall) async -> SocketAnswer {
        var person = SocketPerson(account, nil)
        do throws(ServiceError) {
            person = SocketPerson(account, try await core.profiles.values(of: [account], call.context)[account])
        } catch {
            core.logger.debug("a decision is told without names", metadata: ["reason": "\(error)"])
        }
        return SocketAnswer(.done) { json in
            json.field("agree", agrees)
            json.field("userId", person.id)
            person.writeNames(to: &json)
        }
    }
}
