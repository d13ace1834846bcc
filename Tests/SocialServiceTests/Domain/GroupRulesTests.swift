import Shared
import Testing

@testable import SocialService

@Suite struct GroupRulesTests {
    private let rules: GroupRules

    init() {
        var limits = SocialLimits()
        limits.maxGroupMembers = 4
        limits.maxName = 5
        limits.maxAnnouncement = 5
        limits.maxIntroduction = 5
        limits.maxRequestMessage = 5
        rules = GroupRules(limits: limits)
    }

    /// Ann owns the group, Bob is an admin, Cid, Dan and nobody else are members.
    private func view(for role: SocialAPI.Role?) -> GroupView {
        GroupView(
            actorRole: role, namedRoles: [.ann: .owner, .bob: .admin, .cid: .member, .dan: .member])
    }

    private func refusal(_ body: () throws -> Void) -> ServiceError.Code? {
        do {
            try body()
            return nil
        } catch {
            return (error as? ServiceError)?.code ?? .internal
        }
    }

    // MARK: - The table of the document

    /// One column of the table: what a role is refused with when it does a thing that could be done.
    struct Right: Sendable, CustomTestStringConvertible {
        let name: String
        let act: @Sendable (GroupRules, GroupView) throws -> Void
        /// What owner, admin, member and stranger are told; `nil` for a success.
        let answers: [ServiceError.Code?]

        var testDescription: String { name }
    }

    static let rights: [Right] = [
        Right(
            name: "appoint", act: { _ = try $0.judgeAppointment(of: [.cid], $1) },
            answers: [nil, .notAllowed, .notAllowed, .notAllowed]),
        Right(
            name: "transfer", act: { _ = try $0.judgeTransfer(to: .cid, $1) },
            answers: [nil, .notAllowed, .notAllowed, .notAllowed]),
        Right(
            name: "remove a member", act: { try $0.judgeRemoval(of: [.cid], $1) },
            answers: [nil, nil, .notAllowed, .notGroupMember]),
        Right(
            name: "remove an admin", act: { try $0.judgeRemoval(of: [.bob], $1) },
            answers: [nil, .notAllowed, .notAllowed, .notGroupMember]),
        Right(
            name: "remove the owner", act: { try $0.judgeRemoval(of: [.ann], $1) },
            answers: [.notAllowed, .notAllowed, .notAllowed, .notGroupMember]),
        Right(
            name: "remove a stranger", act: { try $0.judgeRemoval(of: [.cid, .fay], $1) },
            answers: [.notAllowed, .notAllowed, .notAllowed, .notGroupMember]),
        Right(
            name: "remove nobody", act: { try $0.judgeRemoval(of: [], $1) },
            answers: [nil, nil, .notAllowed, .notGroupMember]),
        Right(
            name: "announce", act: { try $0.judgeAnnouncement("hello", by: $1.actorRole) },
            answers: [nil, nil, .notAllowed, .notAllowed]),
        Right(
            name: "decide",
            act: { try $0.judgeDecision(on: [.fay], accepts: true, by: $1.actorRole, JoinState(pending: [.fay])) },
            answers: [nil, nil, .notAllowed, .notAllowed]),
        Right(
            name: "leave", act: { try $0.judgeLeaving($1.actorRole) },
            answers: [.ownerCannotLeave, nil, nil, .notGroupMember]),
        Right(
            name: "invite", act: { try $0.judgeInvitation(of: [.fay], $1, Acquaintances(friends: [.fay])) },
            answers: [nil, nil, nil, .notGroupMember]),
    ]

    @Test(arguments: rights)
    func `each role may do what the document says`(right: Right) {
        let roles: [SocialAPI.Role?] = [.owner, .admin, .member, nil]
        #expect(roles.map { role in refusal { try right.act(rules, view(for: role)) } } == right.answers)
    }

    // MARK: - Beyond the roles

    @Test func `appointing skips the owner and admins and stops at a stranger`() throws {
        #expect(try rules.judgeAppointment(of: [.ann, .cid, .bob, .dan], view(for: .owner)) == [.cid, .dan])
        #expect(try rules.judgeAppointment(of: [], view(for: .owner)).isEmpty)
        #expect(throws: ServiceError(.targetNotMember)) {
            try rules.judgeAppointment(of: [.cid, .fay], view(for: .owner))
        }
        #expect(throws: ServiceError(.notAllowed)) { try rules.judgeAppointment(of: [.fay], view(for: .admin)) }
    }

    @Test func `a group goes to a member and going to its owner changes nothing`() throws {
        #expect(try rules.judgeTransfer(to: .bob, view(for: .owner)))
        #expect(try !rules.judgeTransfer(to: .ann, view(for: .owner)))
        #expect(throws: ServiceError(.targetNotMember)) { try rules.judgeTransfer(to: .fay, view(for: .owner)) }
    }

    @Test func `creations are refused in the order of the contract`() {
        func refusal(
            _ friends: [AccountID], name: String = "too long", handle: String? = nil, introduction: String = "",
            minMembers: Int32 = 3, isHandleTaken: Bool = false, _ acquaintances: Acquaintances
        ) -> ServiceError? {
            let creation = SocialAPI.CreateGroup(
                creator: .ann, name: name, friends: friends, handle: handle, introduction: introduction,
                minMembers: minMembers)
            do {
                try rules.judgeCreation(creation, acquaintances, isHandleTaken: isHandleTaken)
                return nil
            } catch {
                return error
            }
        }
        let friends: [AccountID] = [.bob, .cid, .dan, .eve]
        let all = Acquaintances(friends: Set(friends))

        #expect(refusal([], Acquaintances()) == ServiceError(.tooFewMembers))
        #expect(refusal([.bob], Acquaintances(cancelled: [.bob])) == ServiceError(.tooFewMembers))
        #expect(refusal([.ann, .bob], Acquaintances(cancelled: [.bob])) == ServiceError(.tooFewMembers))
        #expect(refusal(friends, Acquaintances(friends: [.bob], cancelled: [.cid])) == ServiceError(.notFriends))
        #expect(refusal([.ann, .bob, .cid], all) == ServiceError(.notFriends), "nobody is his own friend")
        #expect(
            refusal(friends, Acquaintances(friends: Set(friends), blockers: [.cid], cancelled: [.dan]))
                == ServiceError(.notFriends), "who has blocked the creator is none of his")
        #expect(
            refusal(friends, Acquaintances(friends: Set(friends), cancelled: [.cid])) == ServiceError(.accountCancelled)
        )
        #expect(refusal(friends, all) == ServiceError(.messageTooLong, detail: "5"))
        #expect(refusal(friends, name: "", all)?.code == .badRequest)
        #expect(refusal(friends, name: "x", handle: "too long", isHandleTaken: true, all)?.code == .messageTooLong)
        #expect(refusal(friends, name: "x", introduction: "too long", all)?.code == .messageTooLong)
        #expect(refusal(friends, name: "x", handle: "", all)?.code == .badRequest)
        #expect(refusal(friends, name: "x", handle: "dev", isHandleTaken: true, all)?.code == .groupHandleTaken)
        #expect(refusal(friends, name: "12345", handle: "dev", all) == ServiceError(.limitReached, detail: "4"))
        #expect(refusal([], name: "x", minMembers: 1, Acquaintances()) == nil, "the creator alone")
        #expect(refusal([.ann], name: "x", minMembers: 1, Acquaintances()) == ServiceError(.notFriends))
        #expect(refusal([.bob], name: "x", minMembers: 3, all) == ServiceError(.tooFewMembers))
        #expect(refusal([.bob], name: "x", minMembers: 2, all) == nil)
        for handle in ["g1", "g007", "g9999"] {
            #expect(refusal([.bob, .cid], name: "x", handle: handle, all) == ServiceError(.groupHandleTaken))
        }
        for handle in ["g", "G1", "g1x", "xg1", "g١", "1"] {
            #expect(refusal([.bob, .cid], name: "x", handle: handle, all) == nil, "\(handle)")
        }
        #expect(refusal([.bob, .cid], name: "群名五个字", all) == nil)
    }

    @Test func `announcements are refused in the order of the contract`() {
        #expect(refusal { try rules.judgeAnnouncement("too long", by: .member) } == .notAllowed)
        #expect(refusal { try rules.judgeAnnouncement("too long", by: .admin) } == .messageTooLong)
        #expect(refusal { try rules.judgeAnnouncement("", by: .owner) } == .invalidText)
    }

    @Test func `invitations are refused in the order of the contract`() {
        let stranger = GroupView(namedRoles: [.bob: .admin])
        let named: [AccountID] = [.bob, .eve, .fay]
        let nobody = Acquaintances(cancelled: [.fay])

        #expect(refusal { try rules.judgeInvitation(of: named, stranger, nobody) } == .notGroupMember)
        #expect(refusal { try rules.judgeInvitation(of: named, view(for: .member), nobody) } == .alreadyMember)
        #expect(refusal { try rules.judgeInvitation(of: [.eve, .fay], view(for: .member), nobody) } == .notFriends)
        #expect(
            refusal {
                try rules.judgeInvitation(
                    of: [.eve, .fay], view(for: .member), Acquaintances(friends: [.eve, .fay], cancelled: [.fay]))
            } == .accountCancelled)
    }

    @Test func `decisions are refused in the order of the contract and a refusal needs no room`() {
        let full = JoinState(pending: [.eve], memberCount: 4)

        #expect(
            refusal { try rules.judgeDecision(on: [.fay], accepts: true, by: .member, full) } == .notAllowed)
        #expect(
            refusal { try rules.judgeDecision(on: [.eve, .fay], accepts: true, by: .owner, full) }
                == .noSuchApplication)
        #expect(refusal { try rules.judgeDecision(on: [.eve], accepts: true, by: .owner, full) } == .limitReached)
        #expect(refusal { try rules.judgeDecision(on: [.eve], accepts: false, by: .owner, full) } == nil)
        let last = JoinState(pending: [.eve], memberCount: 3)
        #expect(refusal { try rules.judgeDecision(on: [.eve], accepts: true, by: .admin, last) } == nil)
    }

    @Test func `requests to join are refused in the order of the contract`() {
        var view = DoorView(exists: false, isPending: true, isMember: true, isCancelled: true)
        func refusal() -> ServiceError.Code? {
            self.refusal { try rules.judgeApplication(saying: "too long", view) }
        }

        #expect(refusal() == .noSuchGroup)
        view.exists = true
        #expect(refusal() == .alreadyApplied)
        view.isPending = false
        #expect(refusal() == .alreadyMember)
        view.isMember = false
        #expect(refusal() == .accountCancelled)
        view.isCancelled = false
        #expect(refusal() == .messageTooLong)
        #expect(self.refusal { try rules.judgeApplication(saying: "hello", view) } == nil)
    }

    @Test func `a decision by id tells strangers nothing and is refused in the order of the contract`() {
        func refusal(_ state: RequestState?, by role: SocialAPI.Role?, accepts: Bool = true) -> ServiceError.Code? {
            self.refusal { try rules.judgeDecision(on: state, accepts: accepts, by: role, memberCount: 4) }
        }

        for role in [.owner, .admin] as [SocialAPI.Role] {
            #expect(refusal(nil, by: role) == .noSuchApplication)
            for state in RequestState.allCases where state != .pending {
                #expect(refusal(state, by: role) == .alreadyDecided)
            }
            #expect(refusal(.pending, by: role) == .limitReached)
            #expect(refusal(.pending, by: role, accepts: false) == nil)
        }
        for state in RequestState.allCases {
            #expect(refusal(state, by: .member) == .noSuchApplication)
            #expect(refusal(state, by: nil) == .noSuchApplication)
        }
    }

    @Test func `ids are folded where they came first and too many are no request`() throws {
        #expect(try SocialLimits.folded([AccountID.bob, .ann, .bob, .cid, .ann]) == [.bob, .ann, .cid])
        #expect(throws: ServiceError.self) { try SocialLimits.folded((1...501).map { AccountID($0) }) }
    }
}
