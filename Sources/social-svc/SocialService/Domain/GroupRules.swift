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
    /// Those of them, and he himself, who have cancelled their accounts.
    var cancelled: Set<AccountID> = []
}

/// What is asked for joining a group when somebody decides on it.
struct JoinState: Hashable {
    /// Those of the accounts named for whom a request is pending.
    var pending: Set<AccountID> = []
    var memberCount = 0
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
    /// Members a group begins with at least.
    static let minMembers = 3

    let limits: SocialLimits

    /// Whether a role comes with the right to decide who joins, and to announce.
    static func isDecider(_ role: SocialAPI.Role?) -> Bool { role == .owner || role == .admin }

    /// Judges the creation of a group of an account and its friends.
    func judgeCreation(
        by creator: AccountID, name: String, with friends: [AccountID], _ acquaintances: Acquaintances
    ) throws(ServiceError) {
        // The creator is nobody's friend but may name himself, which makes nobody the third.
        guard Set(friends + [creator]).count >= Self.minMembers else { throw ServiceError(.tooFewMembers) }
        guard acquaintances.friends.isSuperset(of: friends) else { throw ServiceError(.notFriends) }
        guard acquaintances.cancelled.isEmpty else { throw ServiceError(.accountCancelled) }
        try limits.checkPresent(name, atMost: limits.maxName)
        try checkRoom(for: friends.count + 1)
    }

    /// Judges an announcement.
    func judgeAnnouncement(_ body: String, by author: SocialAPI.Role?) throws(ServiceError) {
        guard Self.isDecider(author) else { throw ServiceError(.notAllowed) }
        try limits.checkPresent(body, atMost: limits.maxAnnouncement)
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
        guard acquaintances.friends.isSuperset(of: accounts) else { throw ServiceError(.notFriends) }
        guard acquaintances.cancelled.isEmpty else { throw ServiceError(.accountCancelled) }
    }

    /// Judges a decision on who joins.
    func judgeDecision(
        on accounts: [AccountID], accepts: Bool, by actor: SocialAPI.Role?, _ state: JoinState
    ) throws(ServiceError) {
        guard Self.isDecider(actor) else { throw ServiceError(.notAllowed) }
        guard state.pending.isSuperset(of: accounts) else { throw ServiceError(.noSuchApplication) }
        if accepts { try checkRoom(for: state.memberCount + accounts.count) }
    }

    private func checkRoom(for memberCount: Int) throws(ServiceError) {
        guard memberCount <= limits.maxGroupMembers else {
            throw ServiceError(.limitReached, detail: "\(limits.maxGroupMembers)")
        }
    }
}
