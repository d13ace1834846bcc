import Shared

/// What is true between an applicant and his target when one of them acts.
struct Relation: Hashable {
    var areFriends = false
    /// Whether the target has blocked the applicant, who is not told so: his requests are withheld.
    var isBlocked = false
    /// Whether one of the two has cancelled his account.
    var isCancelled = false
    /// The applicant's pending request to the target.
    var request: FriendRequestID?
    /// Whether an earlier request of the applicant's was accepted by the target.
    var wasAccepted = false
    /// The target's pending request to the applicant.
    var mirroredRequest: FriendRequestID?
    var applicantFriendCount = 0
    var targetFriendCount = 0

    /// The applicant's pending request as the target sees it.
    var shownRequest: FriendRequestID? { isBlocked ? nil : request }
}

/// Who may become whose friend. Judged on what one transaction sees; no I/O.
struct FriendshipRules {
    /// What an application leads to.
    enum Application: Hashable {
        /// A new request is filed.
        case file
        /// This request is pending already, stays as it is and is announced again.
        case repeated(FriendRequestID)
    }

    /// What the dismissal of a request leads to.
    enum Dismissal: Hashable {
        /// It comes to its end.
        case settle(Settlement)
        /// It is decided, and whoever was asked does not want to see it any more.
        case takeOffList
    }

    /// What the owner of a friend list says when he accepts; the first message of the conversation.
    static let greeting = "I have accepted your friend request. Now let's start chatting."

    let limits: SocialLimits

    /// Judges an application; the order of the checks is part of the contract.
    ///
    /// One who is blocked is told what everybody would be told.
    func judgeApplication(_ application: SocialAPI.Apply, _ relation: Relation) throws(ServiceError) -> Application {
        guard application.applicant != application.target else { throw ServiceError(.cannotBefriendSelf) }
        guard !relation.areFriends else { throw ServiceError(.alreadyFriends) }
        guard !relation.isCancelled else { throw ServiceError(.accountCancelled) }
        try limits.check(application.message, atMost: limits.maxRequestMessage)
        guard relation.request == nil || application.whenPending == .announceAgain else {
            throw ServiceError(.alreadyApplied)
        }
        try checkRoom(relation)
        return relation.request.map(Application.repeated) ?? .file
    }

    /// Judges an acceptance.
    ///
    /// - Returns: how it settles the request decided on and, when both had applied, its mirror image.
    func judgeAcceptance(_ relation: Relation) throws(ServiceError) -> Settlement {
        let request = try requestToDecide(relation)
        try checkRoom(relation)
        return Settlement(requests: [request] + (relation.mirroredRequest.map { [$0] } ?? []), state: .accepted)
    }

    /// Judges a refusal.
    ///
    /// - Returns: how it settles the request; one the other way round stays for the other to decide.
    func judgeRefusal(_ relation: Relation) throws(ServiceError) -> Settlement {
        Settlement(requests: [try requestToDecide(relation)], state: .refused)
    }

    /// Judges whether somebody may decide on a request he names by its id.
    ///
    /// - Returns: the request, which is pending.
    func judgeDecision(
        by account: AccountID, on request: FiledRequest?
    ) throws(ServiceError) -> FiledRequest {
        guard let request, request.target == account, !request.isWithheld else {
            throw ServiceError(.noSuchApplication)
        }
        guard request.state == .pending else { throw ServiceError(.alreadyDecided) }
        return request
    }

    /// Judges the dismissal of a request: whoever was asked refuses it, or no longer wants to see what was decided; whoever
    /// asked takes it back.
    func judgeDismissal(by account: AccountID, of request: FiledRequest?) throws(ServiceError) -> Dismissal {
        switch request {
        case let request? where request.target == account && !request.isWithheld:
            guard request.state == .pending else { return .takeOffList }
            return .settle(Settlement(requests: [request.id], state: .refused))
        case let request? where request.applicant == account:
            guard request.state == .pending else { throw ServiceError(.alreadyDecided) }
            return .settle(Settlement(requests: [request.id], state: .cancelled))
        default: throw ServiceError(.noSuchApplication)
        }
    }

    /// Judges a remark on a friend.
    func judgeRemark(_ remark: String, areFriends: Bool) throws(ServiceError) {
        guard areFriends else { throw ServiceError(.notFriends) }
        try limits.check(remark, atMost: limits.maxRemark)
    }

    /// Judges a block.
    ///
    /// - Returns: whether it changes anything.
    func judgeBlock(
        of target: AccountID, by account: AccountID, isBlocked: Bool, blockCount: Int
    ) throws(ServiceError) -> Bool {
        guard account != target else { throw ServiceError(.cannotBefriendSelf) }
        guard !isBlocked else { return false }
        guard blockCount < limits.maxBlocks else { throw ServiceError(.limitReached, detail: "\(limits.maxBlocks)") }
        return true
    }

    /// What a block does to the requests between the two; `relation` is that of the one who blocks to the other.
    func settlements(ofBlock relation: Relation) -> [Settlement] {
        [
            Settlement(requests: relation.mirroredRequest.map { [$0] } ?? [], state: .refused),
            Settlement(requests: relation.request.map { [$0] } ?? [], state: .cancelled),
        ]
    }

    private func requestToDecide(_ relation: Relation) throws(ServiceError) -> FriendRequestID {
        // Nobody decides on what was never asked, friend or not; deciding again on what was accepted says so.
        guard relation.shownRequest != nil || (relation.areFriends && relation.wasAccepted) else {
            throw ServiceError(.noSuchApplication)
        }
        guard let request = relation.shownRequest, !relation.areFriends else { throw ServiceError(.alreadyFriends) }
        return request
    }

    private func checkRoom(_ relation: Relation) throws(ServiceError) {
        guard max(relation.applicantFriendCount, relation.targetFriendCount) < limits.maxFriends else {
            throw ServiceError(.limitReached, detail: "\(limits.maxFriends)")
        }
    }
}
