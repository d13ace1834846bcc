import GRDB
import Shared
import SharedStorage
import TestSupport
import Testing

@testable import SocialService

/// Friend requests, friendships and blocks according to the contract, written down as plainly as possible.
private struct FriendshipModel {
    enum Operation {
        case apply(AccountID, AccountID, SocialAPI.WhenPending)
        case decide(AccountID, AccountID, Bool)
        case decideRequest(AccountID, Int, Bool)
        case dismiss(AccountID, Int)
        case end(AccountID, AccountID)
        case block(AccountID, AccountID)
        case unblock(AccountID, AccountID)
        case cancel(AccountID)
    }

    struct Request {
        let applicant: AccountID
        let target: AccountID
        var isShown: Bool
        var state = RequestState.pending
    }

    static let people = (1...5).map { AccountID($0) }

    /// Every request ever filed; the id of the first is 1.
    var requests: [Request] = []
    /// Unordered pairs.
    var friendships: Set<Set<AccountID>> = []
    /// Who has blocked, and whom.
    var blocks: Set<[AccountID]> = []
    var cancelled: Set<AccountID> = []

    private func pending(_ applicant: AccountID, _ target: AccountID) -> Int? {
        requests.firstIndex { $0.applicant == applicant && $0.target == target && $0.state == .pending }
    }

    private func pendingAndShown(_ applicant: AccountID, _ target: AccountID) -> Int? {
        pending(applicant, target).flatMap { requests[$0].isShown ? $0 : nil }
    }

    private mutating func unblock(_ target: AccountID, by account: AccountID) {
        blocks.remove([account, target])
        if let index = pending(target, account) { requests[index].isShown = true }
    }

    private mutating func settle(_ applicant: AccountID, _ target: AccountID, as state: RequestState) {
        if let index = pending(applicant, target) { requests[index].state = state }
    }

    private mutating func accept(_ applicant: AccountID, _ target: AccountID) {
        settle(applicant, target, as: .accepted)
        settle(target, applicant, as: .accepted)
        friendships.insert([applicant, target])
    }

    mutating func perform(_ operation: Operation) -> ServiceError.Code? {
        switch operation {
        case .apply(let applicant, let target, let whenPending):
            if applicant == target { return .cannotBefriendSelf }
            if friendships.contains([applicant, target]) { return .alreadyFriends }
            if !cancelled.isDisjoint(with: [applicant, target]) { return .accountCancelled }
            if pending(applicant, target) != nil { return whenPending == .refuse ? .alreadyApplied : nil }
            unblock(target, by: applicant)
            requests.append(
                Request(applicant: applicant, target: target, isShown: !blocks.contains([target, applicant])))
        case .decide(let account, let applicant, let accepts):
            guard pendingAndShown(applicant, account) != nil else {
                let wasAccepted = requests.contains {
                    $0.applicant == applicant && $0.target == account && $0.state == .accepted
                }
                return wasAccepted && friendships.contains([applicant, account]) ? .alreadyFriends : .noSuchApplication
            }
            if accepts { accept(applicant, account) } else { settle(applicant, account, as: .refused) }
        case .decideRequest(let account, let number, let accepts):
            guard requests.indices.contains(number - 1), requests[number - 1].target == account else {
                return .noSuchApplication
            }
            let request = requests[number - 1]
            if request.state != .pending { return .alreadyDecided }
            if !request.isShown { return .noSuchApplication }
            if accepts { accept(request.applicant, account) } else { requests[number - 1].state = .refused }
        case .dismiss(let account, let number):
            guard requests.indices.contains(number - 1) else { return .noSuchApplication }
            let request = requests[number - 1]
            switch (account, request.state) {
            case (request.applicant, .pending): requests[number - 1].state = .cancelled
            case (request.applicant, _): return .alreadyDecided
            case (request.target, .pending):
                guard request.isShown else { return .noSuchApplication }
                requests[number - 1].state = .refused
            case (request.target, _): requests[number - 1].isShown = false
            default: return .noSuchApplication
            }
        case .end(let account, let friend):
            return account != friend && friendships.remove([account, friend]) != nil ? nil : .notFriends
        case .block(let account, let target):
            if account == target { return .cannotBefriendSelf }
            guard blocks.insert([account, target]).inserted else { return nil }
            settle(target, account, as: .refused)
            settle(account, target, as: .cancelled)
        case .unblock(let account, let target): unblock(target, by: account)
        case .cancel(let account):
            cancelled.insert(account)
            for other in Self.people {
                settle(account, other, as: .cancelled)
                settle(other, account, as: .cancelled)
                blocks.remove([account, other])
            }
        }
        return nil
    }

    func randomOperation(using random: inout SeededGenerator) -> Operation {
        let person = Self.people.randomElement(using: &random) ?? .ann
        let other = Self.people.randomElement(using: &random) ?? .bob
        let number = Int.random(in: 0...requests.count + 1, using: &random)
        let isPending = requests.indices.contains(number - 1)
        let party = isPending ? requests[number - 1].target : person
        switch Int.random(in: 0..<200, using: &random) {
        case 0..<60: return .apply(person, other, Bool.random(using: &random) ? .refuse : .announceAgain)
        case 60..<90: return .decide(person, other, Bool.random(using: &random))
        case 90..<115:
            return .decideRequest(Bool.random(using: &random) ? party : person, number, Bool.random(using: &random))
        case 115..<130: return .dismiss(Bool.random(using: &random) ? party : person, number)
        case 130..<155: return .end(person, other)
        case 155..<175: return .block(person, other)
        case 175..<199: return .unblock(person, other)
        default: return cancelled.count < 2 ? .cancel(person) : .unblock(person, other)
        }
    }
}

extension SocialStore {
    /// How an operation is refused; `nil` when it is not.
    fileprivate func perform(_ operation: FriendshipModel.Operation) async -> ServiceError.Code? {
        await refusal { () async throws(ServiceError) in
            switch operation {
            case .apply(let applicant, let target, let whenPending):
                let application = SocialAPI.Apply(
                    applicant: applicant, target: target, message: "", whenPending: whenPending)
                _ = try await apply(application, now: 1)
            case .decide(let account, let applicant, true): _ = try await accept(applicant, by: account, now: 1)
            case .decide(let account, let applicant, false): try await refuse(applicant, by: account, now: 1)
            case .decideRequest(let account, let number, let accepts):
                _ = try await decide(
                    on: FriendRequestID(Int64(number)), accepting: accepts, by: account, now: 1)
            case .dismiss(let account, let number):
                try await dismiss(FriendRequestID(Int64(number)), by: account, now: 1)
            case .end(let account, let friend): _ = try await endFriendship(of: account, with: friend)
            case .block(let account, let target): _ = try await block(target, by: account, now: 1)
            case .unblock(let account, let target): _ = try await unblock(target, by: account)
            case .cancel(let account):
                try await database.write { try SocialStore.cancel(account, now: 1, $0) }
            }
        }?.code
    }
}

/// Random histories against a model that does by brute force what the contract says.
@Suite(.timeLimit(.minutes(2))) struct FriendshipHistoryTests {
    @Test(arguments: SeededGenerator.seeds(4))
    func `after any history requests, friends and blocks are what a plain model says`(seed: UInt64) async throws {
        try await withStore { store in
            var random = SeededGenerator(seed: seed)
            var model = FriendshipModel()
            var successes = 0
            var begunUnderBlock = 0
            for step in 1...400 {
                let operation = model.randomOperation(using: &random)
                let before = model.friendships
                let expected = model.perform(operation)
                let actual = await store.perform(operation)
                #expect(actual == expected, "seed \(seed), step \(step): \(operation)")
                if actual == nil { successes += 1 }
                for pair in model.friendships.subtracting(before) {
                    begunUnderBlock += model.blocks.count { Set($0) == pair }
                }
            }

            #expect(begunUnderBlock == 0)
            #expect(successes > 120, "a history of refusals proves nothing")
            try await check(model, store)
        }
    }

    private func check(_ model: FriendshipModel, _ store: SocialStore) async throws {
        var silenced: [ConversationID: Set<AccountID>] = [:]
        for person in FriendshipModel.people {
            let friends = try await store.friendList(of: person).flatMap(\.friends)
            #expect(
                Set(friends.map(\.account))
                    == Set(FriendshipModel.people.filter { $0 != person && model.friendships.contains([person, $0]) }))
            #expect(
                try await Set(store.blocks(of: person))
                    == Set(model.blocks.filter { $0[0] == person }.map { $0[1] }))
            let listed = try await store.friendRequests(to: person, in: nil, before: nil, limit: 500)
            let expected = model.requests.enumerated().filter { $0.element.target == person && $0.element.isShown }
                .map { "\($0.offset + 1) \($0.element.applicant) \($0.element.state)" }
            #expect(listed.map { "\($0.id) \($0.applicant) \($0.state)" } == expected.reversed())
            for friend in friends where model.blocks.contains([person, friend.account]) {
                silenced[friend.conversation, default: []].insert(friend.account)
            }
        }
        // What message-svc is owed, applied in order, is silence where friends are blocked and nowhere else.
        let owed = try await store.database.read { db in
            try Row.fetchAll(db, sql: "SELECT kind, payload FROM outbox ORDER BY number").map { row in
                (kind: row["kind"] as String, payload: row["payload"] as Blob)
            }
        }
        var told: [ConversationID: Set<AccountID>] = [:]
        for effect in owed {
            switch effect.kind {
            case MessageAPI.OpenConversation.kind:
                told[try MessageAPI.OpenConversation(wireBytes: effect.payload.bytes).conversation] = []
            case MessageAPI.CloseConversation.kind:
                told[try MessageAPI.CloseConversation(wireBytes: effect.payload.bytes).conversation] = nil
            case MessageAPI.ChangeSilence.kind:
                let change = try MessageAPI.ChangeSilence(wireBytes: effect.payload.bytes)
                var accounts = try #require(told[change.conversation], "silenced while it is not open")
                #expect(accounts.contains(change.account) != change.isSilenced, "told twice")
                if change.isSilenced { accounts.insert(change.account) } else { accounts.remove(change.account) }
                told[change.conversation] = accounts
            default: Issue.record("\(effect.kind) is no matter of friends")
            }
        }
        #expect(told.filter { !$0.value.isEmpty } == silenced)
    }
}
