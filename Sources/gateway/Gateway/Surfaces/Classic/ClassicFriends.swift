import Logging
import Shared

extension ClassicSurface {
    @Sendable func applyForFriendship(
        _ call: ClassicCall, _ session: Session
    ) async throws(ClassicError) -> SurfaceAnswer {
        let userName = try call.text("applyUserName")
        let message = try call.optionalText("message") ?? ""
        let found = try await authService.ask(AuthAPI.FindAccounts(match: .userName, text: userName), call.context)
        guard let target = found.profiles.first?.account else { throw .userUnknown }
        _ = try await socialService.ask(
            SocialAPI.Apply(
                applicant: session.account, target: target, message: message, whenPending: .announceAgain),
            call.context,
            wording: [.alreadyFriends: .alreadyFriends(userName), .accountCancelled: .userUnknown])
        return .succeed
    }

    /// Each application is handed out once unless it is configured otherwise: marked when the answer was taken, so that a
    /// broken connection repeats it.
    @Sendable func pullFriendChain(_ call: ClassicCall, _ session: Session) async throws(ClassicError) -> SurfaceAnswer
    {
        if repeatsApplications || call.request.query["all"] == "true" {
            return try await friendChain(try await applications(to: session, all: true, call), call)
        }
        let turn = try await beginApplicationTurn(of: session, call)
        do throws(ClassicError) {
            let applications = try await applications(to: session, all: false, call)
            var answer = try await friendChain(applications, call)
            answer.onDelivery = { [core, applicationTurns] delivery in
                guard delivery == .taken, !applications.isEmpty else {
                    return applicationTurns.endSoon(turn, of: session.account)
                }
                let confirmation = SocialAPI.ConfirmRequests(account: session.account, requests: applications.map(\.id))
                let context = CallContext(trace: call.context.trace, deadline: .after(core.timeout))
                core.backend.social.send(confirmation, context) { result in
                    applicationTurns.endSoon(turn, of: session.account)
                    guard case .failure(let error) = result else { return }
                    core.logger.warning("applications will be handed out again", metadata: ["reason": "\(error)"])
                }
            }
            return answer
        } catch {
            await applicationTurns.end(turn, of: session.account)
            throw error
        }
    }

    private func beginApplicationTurn(of session: Session, _ call: ClassicCall) async throws(ClassicError) -> Int64 {
        do throws(ServiceError) {
            return try await applicationTurns.begin(session.account, until: call.context.deadline)
        } catch {
            throw ClassicError(error)
        }
    }

    private func applications(
        to session: Session, all: Bool, _ call: ClassicCall
    ) async throws(ClassicError) -> [SocialAPI.FriendRequest] {
        try await socialService.ask(
            SocialAPI.PendingRequests(account: session.account, includesHandedOver: all), call.context
        ).requests
    }

    private func friendChain(
        _ applications: [SocialAPI.FriendRequest], _ call: ClassicCall
    ) async throws(ClassicError) -> SurfaceAnswer {
        let applicants = try await profiles(of: applications.map(\.applicant), call.context)
        let pictures = try await pictures(of: applicants.values, call)
        return SurfaceAnswer { json in
            json.array("friend_chain", applications) { application, json in
                json.object {
                    $0.field("sender_user_id", "\(application.applicant)")
                    $0.field("sender_name", applicants[application.applicant]?.userName ?? "")
                    $0.field("sender_picture", pictures[application.applicant])
                    $0.field("message", application.message)
                }
            }
        }
    }

    @Sendable func decideApplication(
        _ call: ClassicCall, _ session: Session
    ) async throws(ClassicError) -> SurfaceAnswer {
        let applicant = AccountID(try call.id("senderUserId"))
        guard let accepts = try call.agreement() else { throw .badAgreement }
        let decision = SocialAPI.Decide(account: session.account, applicant: applicant, accepts: accepts)
        do throws(ServiceError) {
            let reply = try await core.backend.social.call(decision, call.context)
            return SurfaceAnswer { json in
                if let conversation = reply.conversation { json.field("conversation_id", "\(conversation)") }
            }
        } catch {
            guard error.code == .alreadyFriends else { throw ClassicError(error) }
            throw .alreadyFriends(try await profiles(of: [applicant], call.context)[applicant]?.userName ?? "")
        }
    }

    @Sendable func pullFriendList(_ call: ClassicCall, _ session: Session) async throws(ClassicError) -> SurfaceAnswer {
        let groups = try await socialService.ask(SocialAPI.FriendList(account: session.account), call.context).groups
        let friends = try await profiles(of: groups.flatMap(\.friends).map(\.account), call.context)
        let pictures = try await pictures(of: friends.values, call)
        return SurfaceAnswer { json in
            json.array("total_friend_list", groups) { group, json in
                json.object {
                    $0.field("group_name", group.name)
                    $0.array("friend_list", group.friends) { friend, json in
                        json.object {
                            $0.field("friend_name", friends[friend.account]?.userName ?? "")
                            $0.field("friend_id", friend.account.rawValue)
                            $0.field("friend_picture", pictures[friend.account])
                            $0.field("conversation_id", friend.conversation.rawValue)
                            $0.field("group_name", group.name)
                        }
                    }
                }
            }
        }
    }

    @Sendable func groupFriends(_ call: ClassicCall, _ session: Session) async throws(ClassicError) -> SurfaceAnswer {
        let friends = try call.accounts("friendIds")
        let group = try call.text("groupName")
        _ = try await socialService.ask(
            SocialAPI.GroupFriends(owner: session.account, friends: friends, group: group), call.context,
            wording: [.notFriends: .notFriendsToGroup, .malformedName: .badField("groupName")])
        return .succeed
    }

    @Sendable func deleteFriend(_ call: ClassicCall, _ session: Session) async throws(ClassicError) -> SurfaceAnswer {
        let friend = AccountID(try call.id("friendUserId"))
        _ = try await socialService.ask(
            SocialAPI.EndFriendship(account: session.account, friend: friend), call.context,
            wording: [.notFriends: .notFriendsToDelete])
        return .succeed
    }

    @Sendable func deleteFriendGroup(
        _ call: ClassicCall, _ session: Session
    ) async throws(ClassicError) -> SurfaceAnswer {
        let group = try call.text("groupName")
        _ = try await socialService.ask(
            SocialAPI.DeleteFriendGroup(owner: session.account, group: group), call.context)
        return .succeed
    }
}
