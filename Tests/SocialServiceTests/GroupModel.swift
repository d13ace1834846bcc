import Shared
import TestSupport

/// One thing somebody does, in whatever group.
enum GroupOperation {
    case create(AccountID, [AccountID])
    case invite(AccountID, ConversationID, [AccountID])
    case applyToJoin(AccountID, ConversationID)
    case decide(AccountID, ConversationID, [AccountID], Bool)
    /// By the number a request has among all that were ever filed.
    case decideRequest(AccountID, Int, Bool)
    case leave(AccountID, ConversationID)
    case remove(AccountID, ConversationID, [AccountID])
    case appoint(AccountID, ConversationID, [AccountID])
    case transfer(AccountID, ConversationID, AccountID)
    case announce(AccountID, ConversationID)
    case endFriendship(AccountID, AccountID)
    case befriend(AccountID, AccountID)
    case cancel(AccountID)

    /// Does it in the model and in the service.
    ///
    /// - Returns: how either refused it; `nil` for a success.
    func perform(
        on social: SocialHarness, _ model: inout GroupModel
    ) async throws -> (expected: ServiceError.Code?, actual: ServiceError.Code?) {
        switch self {
        case .create(let creator, let friends):
            if let refusal = model.refusalOfCreation(by: creator, with: friends) {
                return (
                    refusal,
                    await social.refusalCode(of: SocialAPI.CreateGroup(creator: creator, name: "g", friends: friends))
                )
            }
            let reply = try await social.call(SocialAPI.CreateGroup(creator: creator, name: "g", friends: friends))
            model.groups.append(GroupModel.Group(id: reply.conversation, owner: creator, members: friends))
            return (nil, nil)
        case .invite(let inviter, let group, let accounts):
            return (
                model.invite(accounts, by: inviter, to: group),
                await social.refusalCode(
                    of: SocialAPI.Invite(inviter: inviter, conversation: group, accounts: accounts))
            )
        case .applyToJoin(let applicant, let group):
            return (
                model.applyToJoin(applicant, to: group),
                await social.refusalCode(
                    of: SocialAPI.ApplyToJoin(applicant: applicant, conversation: group, message: "let me in"))
            )
        case .decideRequest(let actor, let number, let accepts):
            return (
                model.decide(on: number, accepts: accepts, by: actor),
                // Ids ascend from 1 in the order of the filing.
                await social.refusalCode(
                    of: SocialAPI.DecideJoinRequest(
                        actor: actor, request: JoinRequestID(Int64(number)), accepts: accepts))
            )
        case .decide(let actor, let group, let accounts, let accepts):
            return (
                model.decide(on: accounts, accepts: accepts, by: actor, in: group),
                await social.refusalCode(
                    of: SocialAPI.DecideJoin(actor: actor, conversation: group, invited: accounts, accepts: accepts))
            )
        case .leave(let account, let group):
            return (
                model.leave(group, account),
                await social.refusalCode(of: SocialAPI.LeaveGroup(account: account, conversation: group))
            )
        case .remove(let actor, let group, let accounts):
            return (
                model.remove(accounts, by: actor, from: group),
                await social.refusalCode(
                    of: SocialAPI.RemoveMembers(actor: actor, conversation: group, accounts: accounts))
            )
        case .appoint(let owner, let group, let accounts):
            return (
                model.appoint(accounts, by: owner, in: group),
                await social.refusalCode(
                    of: SocialAPI.AppointAdmins(owner: owner, conversation: group, accounts: accounts))
            )
        case .transfer(let owner, let group, let heir):
            return (
                model.transfer(group, from: owner, to: heir),
                await social.refusalCode(of: SocialAPI.TransferOwnership(owner: owner, conversation: group, heir: heir))
            )
        case .announce(let author, let group):
            let role = model.groups.first { $0.id == group }?.role(of: author)
            return (
                role == .owner || role == .admin ? nil : .notAllowed,
                await social.refusalCode(of: SocialAPI.Announce(author: author, conversation: group, body: "x"))
            )
        case .endFriendship(let account, let friend):
            return (
                model.friendships.remove([account, friend]) == nil ? .notFriends : nil,
                await social.refusalCode(of: SocialAPI.EndFriendship(account: account, friend: friend))
            )
        case .befriend(let applicant, let target):
            if let refusal = model.refusalOfApplication(of: applicant, to: target) {
                return (
                    refusal,
                    await social.refusalCode(of: SocialAPI.Apply(applicant: applicant, target: target, message: ""))
                )
            }
            model.friendships.insert([applicant, target])
            try await social.befriend(applicant, target)
            return (nil, nil)
        case .cancel(let account):
            model.cancel(account)
            try await social.cancel(account, number: Int64(model.cancelled.count))
            return (nil, nil)
        }
    }
}

extension SocialHarness {
    fileprivate func refusalCode(of request: some BusRequest) async -> ServiceError.Code? {
        let refusal = await refusal(of: request)
        return refusal?.code
    }
}

/// What groups are according to the contract, written down as plainly as possible.
struct GroupModel {
    struct Group {
        let id: ConversationID
        /// In the order of their joining.
        var members: [SocialAPI.Member]
        /// In the order of their making.
        var requests: [(inviter: AccountID, invited: AccountID)] = []

        init(id: ConversationID, owner: AccountID, members: [AccountID]) {
            self.id = id
            self.members =
                [SocialAPI.Member(account: owner, role: .owner)]
                + members.map { SocialAPI.Member(account: $0, role: .member) }
        }

        func role(of account: AccountID) -> SocialAPI.Role? { members.first { $0.account == account }?.role }

        mutating func set(_ role: SocialAPI.Role, for account: AccountID) {
            for index in members.indices where members[index].account == account { members[index].role = role }
        }

        var shownMembers: [SocialAPI.Member] {
            SocialAPI.Role.allCases.flatMap { role in members.filter { $0.role == role } }
        }
    }

    static let people = (1...9).map { AccountID($0) }

    let maxMembers: Int
    /// Unordered pairs.
    var friendships: Set<Set<AccountID>> = []
    var cancelled: Set<AccountID> = []
    var groups: [Group] = []
    /// Every request ever filed, in order.
    var filed: [(group: ConversationID, inviter: AccountID, invited: AccountID)] = []
    /// Those of them, from 1, that are pending.
    var pending: Set<Int> = []

    init(maxMembers: Int) { self.maxMembers = maxMembers }

    func isGroup(_ conversation: ConversationID) -> Bool { groups.contains { $0.id == conversation } }

    private func areFriends(_ account: AccountID, _ other: AccountID) -> Bool {
        account != other && friendships.contains([account, other])
    }

    private func index(of group: ConversationID) -> Int? { groups.firstIndex { $0.id == group } }

    // MARK: - Operations

    func refusalOfCreation(by creator: AccountID, with friends: [AccountID]) -> ServiceError.Code? {
        if Set(friends + [creator]).count < 3 { return .tooFewMembers }
        if friends.contains(where: { !areFriends(creator, $0) }) { return .notFriends }
        if !cancelled.isDisjoint(with: friends + [creator]) { return .accountCancelled }
        return friends.count + 1 > maxMembers ? .limitReached : nil
    }

    func refusalOfApplication(of applicant: AccountID, to target: AccountID) -> ServiceError.Code? {
        if applicant == target { return .cannotBefriendSelf }
        if areFriends(applicant, target) { return .alreadyFriends }
        return cancelled.isDisjoint(with: [applicant, target]) ? nil : .accountCancelled
    }

    mutating func invite(
        _ accounts: [AccountID], by inviter: AccountID, to id: ConversationID
    ) -> ServiceError.Code? {
        guard let index = index(of: id), groups[index].role(of: inviter) != nil else { return .notGroupMember }
        if accounts.contains(where: { groups[index].role(of: $0) != nil }) { return .alreadyMember }
        if accounts.contains(where: { !areFriends(inviter, $0) }) { return .notFriends }
        if !cancelled.isDisjoint(with: accounts) { return .accountCancelled }
        for account in accounts
        where !groups[index].requests.contains(where: { $0.inviter == inviter && $0.invited == account }) {
            file(account, by: inviter, at: index)
        }
        return nil
    }

    mutating func applyToJoin(_ applicant: AccountID, to id: ConversationID) -> ServiceError.Code? {
        guard let index = index(of: id), !groups[index].members.isEmpty else { return .noSuchGroup }
        if groups[index].requests.contains(where: { $0.inviter == applicant && $0.invited == applicant }) {
            return .alreadyApplied
        }
        if groups[index].role(of: applicant) != nil { return .alreadyMember }
        if cancelled.contains(applicant) { return .accountCancelled }
        file(applicant, by: applicant, at: index)
        return nil
    }

    private mutating func file(_ invited: AccountID, by inviter: AccountID, at index: Int) {
        groups[index].requests.append((inviter, invited))
        filed.append((groups[index].id, inviter, invited))
        pending.insert(filed.count)
    }

    /// Forgets what is not pending any more.
    private mutating func updatePending() {
        pending = pending.filter { number in
            let request = filed[number - 1]
            return groups.contains { group in
                group.id == request.group
                    && group.requests.contains { $0.inviter == request.inviter && $0.invited == request.invited }
            }
        }
    }

    mutating func decide(on number: Int, accepts: Bool, by actor: AccountID) -> ServiceError.Code? {
        guard filed.indices.contains(number - 1) else { return .noSuchApplication }
        let request = filed[number - 1]
        guard let index = index(of: request.group), [.owner, .admin].contains(groups[index].role(of: actor)) else {
            return .noSuchApplication
        }
        guard pending.contains(number) else { return .alreadyDecided }
        return decide(on: [request.invited], accepts: accepts, by: actor, in: request.group)
    }

    mutating func decide(
        on accounts: [AccountID], accepts: Bool, by actor: AccountID, in id: ConversationID
    ) -> ServiceError.Code? {
        guard let index = index(of: id), [.owner, .admin].contains(groups[index].role(of: actor)) else {
            return .notAllowed
        }
        if accounts.contains(where: { account in !groups[index].requests.contains { $0.invited == account } }) {
            return .noSuchApplication
        }
        if accepts {
            if groups[index].members.count + accounts.count > maxMembers { return .limitReached }
            groups[index].members += accounts.map { SocialAPI.Member(account: $0, role: .member) }
        }
        groups[index].requests.removeAll { accounts.contains($0.invited) }
        updatePending()
        return nil
    }

    mutating func leave(_ id: ConversationID, _ account: AccountID) -> ServiceError.Code? {
        guard let index = index(of: id), let role = groups[index].role(of: account) else { return .notGroupMember }
        if role == .owner { return .ownerCannotLeave }
        groups[index].members.removeAll { $0.account == account }
        return nil
    }

    mutating func remove(
        _ accounts: [AccountID], by actor: AccountID, from id: ConversationID
    ) -> ServiceError.Code? {
        guard let index = index(of: id), let role = groups[index].role(of: actor) else { return .notGroupMember }
        for account in accounts {
            let target = groups[index].role(of: account)
            let mayGo = role == .owner ? target != nil && account != actor : role == .admin && target == .member
            if !mayGo { return .notAllowed }
        }
        groups[index].members.removeAll { accounts.contains($0.account) }
        return nil
    }

    mutating func appoint(
        _ accounts: [AccountID], by owner: AccountID, in id: ConversationID
    ) -> ServiceError.Code? {
        guard let index = index(of: id), groups[index].role(of: owner) == .owner else { return .notAllowed }
        if accounts.contains(where: { groups[index].role(of: $0) == nil }) { return .targetNotMember }
        for account in accounts where account != owner { groups[index].set(.admin, for: account) }
        return nil
    }

    mutating func transfer(
        _ id: ConversationID, from owner: AccountID, to heir: AccountID
    ) -> ServiceError.Code? {
        guard let index = index(of: id), groups[index].role(of: owner) == .owner else { return .notAllowed }
        if groups[index].role(of: heir) == nil { return .targetNotMember }
        groups[index].set(.admin, for: owner)
        groups[index].set(.owner, for: heir)
        return nil
    }

    mutating func cancel(_ account: AccountID) {
        cancelled.insert(account)
        for index in groups.indices {
            groups[index].requests.removeAll { $0.inviter == account || $0.invited == account }
            let wasOwner = groups[index].role(of: account) == .owner
            groups[index].members.removeAll { $0.account == account }
            if wasOwner, let heir = groups[index].shownMembers.first?.account {
                groups[index].set(.owner, for: heir)
            }
            if groups[index].members.isEmpty { groups[index].requests = [] }
        }
        updatePending()
    }

    // MARK: - Chance

    /// Something that anybody might try, often enough one who may.
    func randomOperation(using random: inout SeededGenerator) -> GroupOperation {
        let person = Self.people.randomElement(using: &random) ?? .ann
        let other = Self.people.randomElement(using: &random) ?? .bob
        let group = groups.randomElement(using: &random) ?? Group(id: ConversationID(999), owner: .ann, members: [])
        let insider = group.members.randomElement(using: &random)?.account ?? person
        let boss = group.shownMembers.prefix(2).randomElement(using: &random)?.account ?? person
        let actor = Bool.random(using: &random) ? boss : Bool.random(using: &random) ? insider : person
        func some(_ accounts: [AccountID], atMost limit: Int) -> [AccountID] {
            Array(accounts.shuffled(using: &random).prefix(Int.random(in: 1...limit, using: &random)))
        }
        let insiders = group.members.map(\.account)
        let outsiders = Self.people.filter { !insiders.contains($0) }
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<10: return .create(person, some(Self.people.filter { $0 != person }, atMost: 6))
        case 10..<16:
            let isRefused = Int.random(in: 0..<8, using: &random) == 0
            return .applyToJoin(isRefused ? insider : outsiders.randomElement(using: &random) ?? person, group.id)
        case 16..<24:
            let some = Int.random(in: 0...filed.count + 1, using: &random)
            let number = Bool.random(using: &random) ? pending.sorted().randomElement(using: &random) ?? some : some
            let asked = filed.indices.contains(number - 1) ? groups.first { $0.id == filed[number - 1].group } : nil
            let decider = asked?.shownMembers.prefix(2).randomElement(using: &random)?.account ?? actor
            return .decideRequest(
                Int.random(in: 0..<4, using: &random) == 0 ? actor : decider, number, Bool.random(using: &random))
        case 24..<36:
            let pool = Int.random(in: 0..<8, using: &random) == 0 ? Self.people : outsiders
            return .invite(actor, group.id, some(pool, atMost: 2))
        case 36..<57:
            let pending = Array(Set(group.requests.map(\.invited))).sorted()
            let pool = Int.random(in: 0..<8, using: &random) == 0 ? Self.people : pending
            return .decide(actor, group.id, some(pool, atMost: 2), Int.random(in: 0..<4, using: &random) > 0)
        case 57..<63: return .leave(insider, group.id)
        case 63..<71:
            let pool = Int.random(in: 0..<4, using: &random) == 0 ? Self.people : insiders
            return .remove(actor, group.id, some(pool, atMost: 2))
        case 71..<79: return .appoint(actor, group.id, some(insiders, atMost: 2))
        case 79..<85: return .transfer(actor, group.id, Bool.random(using: &random) ? insider : other)
        case 85..<89: return .announce(actor, group.id)
        case 89..<93: return .endFriendship(person, other)
        case 93..<98: return .befriend(person, other)
        default:
            // Some stay to the end, so that something happens until then.
            guard cancelled.count < 4 else { return .announce(actor, group.id) }
            let living = Self.people.filter { !cancelled.contains($0) }
            return .cancel(living.randomElement(using: &random) ?? person)
        }
    }
}
