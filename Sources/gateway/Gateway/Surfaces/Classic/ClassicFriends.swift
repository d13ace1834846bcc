import Logging
import Shared

extension ClassicSurface {
    @Sendable func applyForFriendship(
        _ call: ClassicCall, _ session: Session
    ) async throws(ClassicError) -> ClassicAnswer {
        let userName = try call.text("applyUserName")
        let message = try call.optionalText("message") ?? ""
        let found = try await backend.auth.ask(AuthAPI.FindByName(userName: userName, byPrefix: false), call.context)
        guard let target = found.profiles.first?.account else { throw .userUnknown }
        _ = try await backend.social.ask(
            SocialAPI.Apply(applicant: session.account, target: target, message: message), call.context,
            wording: [.alreadyFriends: .alreadyFriends(userName)])
        return .succeed
    }

    /// Each application is handed out once: marked when the answer was written, so that a broken connection repeats it.
    @Sendable func pullFriendChain(_ call: ClassicCall, _ session: Session) async throws(ClassicError) -> ClassicAnswer
    {
        if call.request.query["all"] == "true" {
            return try await friendChain(try await applications(to: session, all: true, call), call)
        }
        let turn = try await applicationTurns.begin(session.account)
        do throws(ClassicError) {
            let applications = try await applications(to: session, all: false, call)
            var answer = try await friendChain(applications, call)
            answer.afterWrite = { [backend, logger, timeout, applicationTurns] isWritten in
                guard isWritten, call.handsOut, !applications.isEmpty else {
                    return applicationTurns.endSoon(turn, of: session.account)
                }
                let confirmation = SocialAPI.ConfirmRequests(account: session.account, requests: applications.map(\.id))
                let context = CallContext(trace: call.context.trace, deadline: .after(timeout))
                backend.social.send(confirmation, context) { result in
                    applicationTurns.endSoon(turn, of: session.account)
                    guard case .failure(let error) = result else { return }
                    logger.warning("applications will be handed out again", metadata: ["reason": "\(error)"])
                }
            }
            return answer
        } catch {
            await applicationTurns.end(turn, of: session.account)
            throw error
        }
    }

    private func applications(
        to session: Session, all: Bool, _ call: ClassicCall
    ) async throws(ClassicError) -> [SocialAPI.FriendRequest] {
        try await backend.social.ask(
            SocialAPI.PendingRequests(account: session.account, includesHandedOver: all), call.context
        ).requests
    }

    private func friendChain(
        _ applications: [SocialAPI.FriendRequest], _ call: ClassicCall
    ) async throws(ClassicError) -> ClassicAnswer {
        let applicants = try await profiles(of: applications.map(\.applicant), call)
        let pictures = try await pictures(of: applicants.values, call)
        return ClassicAnswer { json in
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
    ) async throws(ClassicError) -> ClassicAnswer {
        let applicant = AccountID(try call.id("senderUserId"))
        let accepts: Bool
        switch call.body["agree"] {
        case .string("True"), .bool(true): accepts = true
        case .string("False"), .bool(false): accepts = false
        case .string: throw .badAgreement
        default: throw .badField("agree")
        }
        let name = try await profiles(of: [applicant], call)[applicant]?.userName ?? ""
        let reply = try await backend.social.ask(
            SocialAPI.Decide(account: session.account, applicant: applicant, accepts: accepts), call.context,
            wording: [.alreadyFriends: .alreadyFriends(name)])
        return ClassicAnswer { json in
            if let conversation = reply.conversation { json.field("conversation_id", "\(conversation)") }
        }
    }

    @Sendable func pullFriendList(_ call: ClassicCall, _ session: Session) async throws(ClassicError) -> ClassicAnswer {
        let groups = try await backend.social.ask(SocialAPI.FriendList(account: session.account), call.context).groups
        let friends = try await profiles(of: groups.flatMap(\.friends).map(\.account), call)
        let pictures = try await pictures(of: friends.values, call)
        return ClassicAnswer { json in
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
}
