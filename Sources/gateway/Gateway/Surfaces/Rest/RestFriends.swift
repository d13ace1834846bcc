import Shared

extension RestSurface {
    /// A friendship is known by its conversation, which opens and ends with it.
    @Sendable func listFriends(_ call: RestCall, _ session: Session) async throws(RestError) -> SurfaceAnswer {
        let friends = try await friends(of: session, call).sorted { $0.conversation < $1.conversation }
        let profiles = try await profiles(of: friends.map(\.account), call.context)
        return .data { json in
            json.array(friends) { friend, json in
                json.object {
                    let profile = profiles[friend.account]
                    $0.field("friendship_id", friend.conversation.rawValue)
                    $0.field("friend_id", friend.account.rawValue)
                    $0.field("name", profile?.nickname ?? "")
                    $0.writeNames(of: friend, profile)
                    $0.field("friend_uid", profile?.uid ?? "")
                    $0.field("conversation_id", friend.conversation.rawValue)
                }
            }
        }
    }

    func friends(of session: Session, _ call: RestCall) async throws(RestError) -> [SocialAPI.Friend] {
        try await socialService.ask(SocialAPI.FriendList(account: session.account), call.context)
            .groups.flatMap(\.friends)
    }

    @Sendable func deleteFriend(_ call: RestCall, _ session: Session) async throws(RestError) -> SurfaceAnswer {
        let friend = AccountID(try call.pathID("friend_id"))
        _ = try await socialService.ask(
            SocialAPI.EndFriendship(account: session.account, friend: friend), call.context,
            wording: [.notFriends: .noFriendship])
        return .noData
    }

    @Sendable func remarkFriend(_ call: RestCall, _ session: Session) async throws(RestError) -> SurfaceAnswer {
        let friend = AccountID(try call.pathID("friend_id"))
        let remark = try call.text("remark")
        _ = try await socialService.ask(
            SocialAPI.SetRemark(owner: session.account, friend: friend, remark: remark), call.context,
            wording: [.notFriends: .noFriendship])
        return .noData
    }

    // MARK: - Requests

    @Sendable func listFriendRequests(_ call: RestCall, _ session: Session) async throws(RestError) -> SurfaceAnswer {
        var state: SocialAPI.RequestState?
        if let status = call.optionalQueryText("status") {
            state = SocialAPI.RequestState.allCases.first { $0.restName == status }
            guard state != nil else { throw .badField("status") }
        }
        let before = try call.optionalQueryID("before").map { FriendRequestID($0) }
        // Clients of the document know no pages.
        let limit = try call.pageLimit(unlessGiven: 500)
        let requests = try await socialService.ask(
            SocialAPI.FriendRequests(account: session.account, state: state, before: before, limit: limit),
            call.context
        ).requests
        let applicants = try await profiles(of: requests.map(\.applicant), call.context)
        return .data { json in
            json.array(requests) { request, json in
                json.object {
                    $0.field("request_id", request.id.rawValue)
                    $0.field("sender_id", request.applicant.rawValue)
                    $0.field("sender_name", applicants[request.applicant]?.nickname ?? "")
                    $0.field("verification_message", request.message)
                    $0.field("status", request.state.restName)
                    $0.field("created_at", time: request.createdAt)
                }
            }
        }
    }

    /// The request's id is answered, since nothing else tells the applicant what he may cancel.
    @Sendable func applyForFriendship(_ call: RestCall, _ session: Session) async throws(RestError) -> SurfaceAnswer {
        let target = AccountID(try call.id("receiver_id"))
        let message = try call.optionalText("verification_message") ?? ""
        _ = try await person(target, call)
        let request = try await socialService.ask(
            SocialAPI.Apply(applicant: session.account, target: target, message: message, whenPending: .refuse),
            call.context
        ).request
        return .data { json in json.object { $0.field("request_id", request.rawValue) } }
    }

    /// Without a body it is accepted.
    @Sendable func decideFriendRequest(_ call: RestCall, _ session: Session) async throws(RestError) -> SurfaceAnswer {
        let request = FriendRequestID(try call.pathID("request_id"))
        let accepts: Bool
        switch call.hasBody ? try call.text("status") : SocialAPI.RequestState.accepted.restName {
        case SocialAPI.RequestState.accepted.restName: accepts = true
        case SocialAPI.RequestState.refused.restName: accepts = false
        default: throw .badField("status")
        }
        let reply = try await socialService.ask(
            SocialAPI.DecideRequest(account: session.account, request: request, accepts: accepts), call.context)
        guard let conversation = reply.conversation else { return .noData }
        return .data { json in
            json.object {
                $0.field("friend_id", reply.applicant.rawValue)
                $0.field("conversation_id", conversation.rawValue)
            }
        }
    }

    /// The one who was asked refuses it, or takes what is decided off the list; the applicant takes it back.
    @Sendable func dismissFriendRequest(
        _ call: RestCall, _ session: Session
    ) async throws(RestError) -> SurfaceAnswer {
        let request = FriendRequestID(try call.pathID("request_id"))
        _ = try await socialService.ask(
            SocialAPI.DismissRequest(account: session.account, request: request), call.context)
        return .noData
    }
}

extension JSONWriter {
    /// What a friend is called. Clients show `friend_remark` alone, so that it is his name while there is no remark.
    ///
    /// - Parameter profile: `nil` when nobody could tell it.
    mutating func writeNames(of friend: SocialAPI.Friend, _ profile: Profile?) {
        let name = profile?.nickname ?? ""
        let remark = friend.remark.isEmpty ? nil : friend.remark
        field("friend_name", name)
        field("friend_remark", remark ?? name)
        field("remark", remark)
    }
}

extension SocialAPI.RequestState {
    /// What the document calls it.
    var restName: String {
        switch self {
        case .pending: "pending"
        case .accepted: "accepted"
        case .refused: "rejected"
        case .cancelled: "canceled"
        }
    }
}
