import Shared

/// A group as somebody acts in it: his role, and those of the accounts he names.
struct GroupView: Hashable {
    /// `nil` for a stranger; in a group that does not exist everyone is one.
    var actorRole: SocialAPI.Role?
    /// The roles of the accounts named; those without one are no members.
    var namedRoles: [AccountID: SocialAPI.Role] = [:]
}

/// Whom of the accounts he names somebody may bring into a group.
struct Acquaintances: Hashable {
    /// Those of them who are his friends.
    var friends: Set<AccountID> = []
    /// Those of them who have blocked him.
    var blockers: Set<AccountID> = []
    /// Those of them, and he himself, who have cancelled their accounts.
    var cancelled: Set<AccountID> = []

    /// Those he may bring: one who has blocked him counts as no friend, and he is not told the difference.
    var welcome: Set<AccountID> { friends.subtracting(blockers) }
}

/// What is asked for joining a group when somebody decides on it.
struct JoinState: Hashable {
    /// Those of the accounts named for whom a request is pending.
    var pending: Set<AccountID> = []
    var memberCount = 0
}

/// A group as somebody asks to be let in.
struct DoorView: Hashable {
    /// Whether there is such a group that is not dissolved.
    var exists = false
    /// Whether he has asked already and waits for a decision.
    var isPending = false
    var isMember = false
    /// Whether he has cancelled his account.
    var isCancelled = false
}

/// Who may do what in a group. Judged on what one transaction sees; no I/O. The order of the checks is part of the
/// contract; lists of accounts come without duplicates.
///
/// | | announce | decide | remove members | remove admins | appoint | transfer | leave | invite |
/// |---|---|---|---|---|---|---|---|---|
/// | owner | ✓ | ✓ | ✓ | ✓ | ✓ | ✓ | – | ✓ |
/// | admin | ✓ | ✓ | ✓ | – | – | – | ✓ | ✓ |
/// | member | – | – | – | – | – | – | ✓ | ✓ |
struct GroupRules {
    let limits: SocialLimits

    /// The handle of a group whose creator has chosen none; nobody can choose one of this form.
    static func defaultHandle(of conversation: ConversationID) -> String { "g\(conversation)" }

    private static func looksLikeDefault(_ handle: String) -> Bool {
        let digits = handle.utf8.dropFirst()
        return handle.utf8.first == UInt8(ascii: "g") && !digits.isEmpty
            && digits.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    /// Whether a role comes with the right to decide who joins, and to announce.
    static func isDecider(_ role: SocialAPI.Role?) -> Bool { role == .owner || role == .admin }

    /// Judges the creation of a group of an account and its friends.
    func judgeCreation(
        _ creation: SocialAPI.CreateGroup, _ acquaintances: Acquaintances, isHandleTaken: Bool
    ) throws(ServiceError) {
        let friends = creation.friends
        // The creator is nobody's friend but may name himself, which makes nobody the next.
        guard Set(friends + [creation.creator]).count >= creation.minMembers else { throw ServiceError(.tooFewMembers) }
        guard acquaintances.welcome.isSuperset(of: friends) else { throw ServiceError(.notFriends) }
        guard acquaintances.cancelled.isEmpty else { throw ServiceError(.accountCancelled) }
        try limits.checkPresent(creation.name, atMost: limits.maxName)
        try limits.check(creation.introduction, atMost: limits.maxIntroduction)
        if let handle = creation.handle {
            try limits.checkPresent(handle, atMost: limits.maxName)
            guard !isHandleTaken, !Self.looksLikeDefault(handle) else { throw ServiceError(.groupHandleTaken) }
        }
        try checkRoom(for: friends.count + 1)
    }

    /// Judges an announcement.
    func judgeAnnouncement(_ body: String, by author: SocialAPI.Role?) throws(ServiceError) {
        guard Self.isDecider(author) else { throw ServiceError(.notAllowed) }
        guard !body.isEmpty else { throw ServiceError(.invalidText, detail: "\(limits.maxAnnouncement)") }
        try limits.check(body, atMost: limits.maxAnnouncement)
    }

    /// Judges an appointment of admins.
    ///
    /// - Returns: who of them is none yet.
    func judgeAppointment(of accounts: [AccountID], _ view: GroupView) throws(ServiceError) -> [AccountID] {
        guard view.actorRole == .owner else { throw ServiceError(.notAllowed) }
        guard accounts.allSatisfy({ view.namedRoles[$0] != nil }) else { throw ServiceError(.targetNotMember) }
        return accounts.filter { view.namedRoles[$0] == .member }
    }

    /// Judges a change of the owner.
    ///
    /// - Returns: whether it changes anything.
    func judgeTransfer(to heir: AccountID, _ view: GroupView) throws(ServiceError) -> Bool {
        guard view.actorRole == .owner else { throw ServiceError(.notAllowed) }
        guard let role = view.namedRoles[heir] else { throw ServiceError(.targetNotMember) }
        return role != .owner
    }

    /// Judges whether somebody may leave.
    func judgeLeaving(_ role: SocialAPI.Role?) throws(ServiceError) {
        guard let role else { throw ServiceError(.notGroupMember) }
        guard role != .owner else { throw ServiceError(.ownerCannotLeave) }
    }

    /// Judges a removal of members.
    func judgeRemoval(of accounts: [AccountID], _ view: GroupView) throws(ServiceError) {
        let removable: Set<SocialAPI.Role>
        switch view.actorRole {
        case nil: throw ServiceError(.notGroupMember)
        // There is one owner, so that the one he may not remove is himself.
        case .owner: removable = [.admin, .member]
        case .admin: removable = [.member]
        case .member: throw ServiceError(.notAllowed)
        }
        guard accounts.allSatisfy({ view.namedRoles[$0].map(removable.contains) ?? false }) else {
            throw ServiceError(.notAllowed)
        }
    }

    /// Judges a proposal of friends for a group.
    func judgeInvitation(
        of accounts: [AccountID], _ view: GroupView, _ acquaintances: Acquaintances
    ) throws(ServiceError) {
        guard view.actorRole != nil else { throw ServiceError(.notGroupMember) }
        guard accounts.allSatisfy({ view.namedRoles[$0] == nil }) else { throw ServiceError(.alreadyMember) }
        guard acquaintances.welcome.isSuperset(of: accounts) else { throw ServiceError(.notFriends) }
        guard acquaintances.cancelled.isEmpty else { throw ServiceError(.accountCancelled) }
    }

    /// Judges somebody's own request to join.
    func judgeApplication(saying message: String, _ view: DoorView) throws(ServiceError) {
        guard view.exists else { throw ServiceError(.noSuchGroup) }
        guard !view.isPending else { throw ServiceError(.alreadyApplied) }
        guard !view.isMember else { throw ServiceError(.alreadyMember) }
        guard !view.isCancelled else { throw ServiceError(.accountCancelled) }
        try limits.check(message, atMost: limits.maxRequestMessage)
    }

    /// Judges a decision on who joins.
    func judgeDecision(
        on accounts: [AccountID], accepts: Bool, by actor: SocialAPI.Role?, _ state: JoinState
    ) throws(ServiceError) {
        guard Self.isDecider(actor) else { throw ServiceError(.notAllowed) }
        guard state.pending.isSuperset(of: accounts) else { throw ServiceError(.noSuchApplication) }
        if accepts { try checkRoom(for: state.memberCount + accounts.count) }
    }

    /// Judges a decision on a request that is named by its id, which tells nothing to those who may not decide on it.
    ///
    /// - Parameter request: what has become of it; `nil` for none.
    func judgeDecision(
        on request: RequestState?, accepts: Bool, by actor: SocialAPI.Role?, memberCount: Int
    ) throws(ServiceError) {
        guard let request, Self.isDecider(actor) else { throw ServiceError(.noSuchApplication) }
        guard request == .pending else { throw ServiceError(.alreadyDecided) }
        if accepts { try checkRoom(for: memberCount + 1) }
    }

    private func checkRoom(for memberCount: Int) throws(ServiceError) {
        guard memberCount <= limits.maxGroupMembers else {
            throw ServiceError(.limitReached, detail: "\(limits.maxGroupMembers)")
        }
    }
}
