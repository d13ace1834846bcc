extension SocialAPI {
    /// Says which accounts have push connections at a gateway, and renews the gateway's lease of 10 seconds.
    /// Idempotent.
    ///
    /// A gateway whose lease runs out has nobody online. `isKnown` is `false` when changes came from a gateway whose
    /// complete list is not known (any more): it has to send that.
    package struct ReportPresence: BusRequest {
        package static let route = "social.reportPresence"

        package struct Reply: WireRecord, Hashable {
            package var isKnown: Bool
            package init(isKnown: Bool) { self.isKnown = isKnown }
            package static let wireFormat = WireFormat(Self.init, \.isKnown)
        }

        /// The number a gateway has given itself for its life.
        package var gateway: Int64
        /// Whether `online` is everybody this gateway has a push connection of; else both lists are changes.
        package var isComplete: Bool
        package var online: [AccountID]
        package var offline: [AccountID]

        package init(gateway: Int64, isComplete: Bool, online: [AccountID], offline: [AccountID]) {
            self.gateway = gateway
            self.isComplete = isComplete
            self.online = online
            self.offline = offline
        }
        package static let wireFormat = WireFormat(Self.init, \.gateway, \.isComplete, \.online, \.offline)
    }

    /// Which of some accounts have a push connection at any gateway, at this moment.
    package struct Presence: BusRequest {
        package static let route = "social.presence"

        package struct Reply: WireRecord, Hashable {
            package var online: [AccountID]
            package init(online: [AccountID]) { self.online = online }
            package static let wireFormat = WireFormat(Self.init, \.online)
        }

        /// At most 5,000.
        package var accounts: [AccountID]
        package init(accounts: [AccountID]) { self.accounts = accounts }
        package static let wireFormat = WireFormat(Self.init, \.accounts)
    }

    /// Gives a notice connection that is about to open its rank among the account's others.
    ///
    /// Claims ascend over all accounts and restarts. A claim does nothing to others before ``EnforceClaim``, so that one
    /// whose client gives up meanwhile is forgotten.
    package struct ClaimNotices: BusRequest {
        package static let route = "social.claimNotices"

        package struct Reply: WireRecord, Hashable {
            package var claim: Int64
            package init(claim: Int64) { self.claim = claim }
            package static let wireFormat = WireFormat(Self.init, \.claim)
        }

        package var account: AccountID
        package init(account: AccountID) { self.account = account }
        package static let wireFormat = WireFormat(Self.init, \.account)
    }

    /// Makes a notice connection that is open the account's only one: all with a smaller claim have to close.
    /// ``NoticesClaimed`` tells the other gateways. Idempotent.
    package struct EnforceClaim: BusRequest {
        package static let route = "social.enforceClaim"
        package typealias Reply = Done

        package var account: AccountID
        /// What ``ClaimNotices`` gave.
        package var claim: Int64

        package init(account: AccountID, claim: Int64) {
            self.account = account
            self.claim = claim
        }
        package static let wireFormat = WireFormat(Self.init, \.account, \.claim)
    }

    // MARK: - Events

    /// Notice connections of an account with a smaller claim than this have to close.
    package struct NoticesClaimed: BusEvent {
        package static let kind = "social.noticesClaimed"

        package var account: AccountID
        package var claim: Int64

        package init(account: AccountID, claim: Int64) {
            self.account = account
            self.claim = claim
        }
        package static let wireFormat = WireFormat(Self.init, \.account, \.claim)
    }

    /// A friend who is told of a change of presence.
    package struct Witness: WireRecord, Hashable {
        package var account: AccountID
        /// What he calls the friend; empty for nothing.
        package var remark: String

        package init(account: AccountID, remark: String) {
            self.account = account
            self.remark = remark
        }
        package static let wireFormat = WireFormat(Self.init, \.account, \.remark)
    }

    /// An account has come online, or has been away for 3 seconds.
    package struct PresenceChanged: BusEvent {
        package static let kind = "social.presenceChanged"

        package var account: AccountID
        package var isOnline: Bool
        /// Friends who are online themselves. A change with very many of them is told in several events.
        package var friends: [Witness]

        package init(account: AccountID, isOnline: Bool, friends: [Witness]) {
            self.account = account
            self.isOnline = isOnline
            self.friends = friends
        }
        package static let wireFormat = WireFormat(Self.init, \.account, \.isOnline, \.friends)
    }
}
