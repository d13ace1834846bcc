import Shared

extension JSONWriter {
    /// What everybody may know of a person.
    mutating func writePerson(_ profile: Profile) {
        field("id", profile.account.rawValue)
        field("uid", profile.uid)
        field("name", profile.nickname)
    }
}

extension RestSurface {
    /// The profile of somebody who has not cancelled his account.
    func person(_ account: AccountID, _ call: RestCall) async throws(RestError) -> Profile {
        guard let profile = try await profiles(of: [account], call.context)[account], !profile.isCancelled else {
            throw .personUnknown
        }
        return profile
    }

    // MARK: - Strangers

    @Sendable func showStrangerByID(_ call: RestCall, _ session: Session) async throws(RestError) -> SurfaceAnswer {
        let account = AccountID(try call.pathID("id"))
        let profile = try await person(account, call)
        return .data { json in json.object { $0.writePerson(profile) } }
    }

    @Sendable func showStrangerByUID(_ call: RestCall, _ session: Session) async throws(RestError) -> SurfaceAnswer {
        guard let profile = try await find(call, session) else { throw .personUnknown }
        return .data { json in json.object { $0.writePerson(profile) } }
    }

    // MARK: - Friends

    @Sendable func showFriendByID(_ call: RestCall, _ session: Session) async throws(RestError) -> SurfaceAnswer {
        let account = AccountID(try call.pathID("id"))
        let friend = try await friend(account, of: session, call)
        guard let profile = try await profiles(of: [account], call.context)[account], !profile.isCancelled else {
            throw .friendUnknown
        }
        return show(friend, profile)
    }

    /// Looked for among all accounts, and so as limited as a search for strangers.
    @Sendable func showFriendByUID(_ call: RestCall, _ session: Session) async throws(RestError) -> SurfaceAnswer {
        guard let profile = try await find(call, session) else { throw .friendUnknown }
        return show(try await friend(profile.account, of: session, call), profile)
    }

    /// Whoever has the handle of the path.
    private func find(_ call: RestCall, _ session: Session) async throws(RestError) -> Profile? {
        let uid = call.request.parameters["uid"] ?? ""
        return try await authService.ask(AuthAPI.FindAccounts(match: .uid, text: uid), call.context).profiles.first
    }

    private func friend(
        _ account: AccountID, of session: Session, _ call: RestCall
    ) async throws(RestError) -> SocialAPI.Friend {
        try await socialService.ask(
            SocialAPI.FindFriend(owner: session.account, friend: account), call.context,
            wording: [.notFriends: .friendUnknown]
        ).friend
    }

    private func show(_ friend: SocialAPI.Friend, _ profile: Profile) -> SurfaceAnswer {
        .data { json in
            json.object {
                $0.writePerson(profile)
                $0.writeNames(of: friend, profile)
            }
        }
    }

    // MARK: - Blocks

    @Sendable func listBlocks(_ call: RestCall, _ session: Session) async throws(RestError) -> SurfaceAnswer {
        let blocked = try await socialService.ask(SocialAPI.Blocks(account: session.account), call.context).accounts
        let profiles = try await profiles(of: blocked, call.context)
        return .data { json in
            json.array(blocked.compactMap { profiles[$0] }) { profile, json in
                json.object { $0.writePerson(profile) }
            }
        }
    }

    @Sendable func block(_ call: RestCall, _ session: Session) async throws(RestError) -> SurfaceAnswer {
        let target = AccountID(try call.pathID("user_id"))
        _ = try await person(target, call)
        _ = try await socialService.ask(
            SocialAPI.Block(account: session.account, target: target), call.context,
            wording: [.cannotBefriendSelf: .blocksHimself])
        return .noData
    }

    @Sendable func unblock(_ call: RestCall, _ session: Session) async throws(RestError) -> SurfaceAnswer {
        let target = AccountID(try call.pathID("user_id"))
        _ = try await socialService.ask(SocialAPI.Unblock(account: session.account, target: target), call.context)
        return .noData
    }
}
