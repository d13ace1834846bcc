import Logging
import Shared
import SharedStorage
import Synchronization

/// What the handlers of social-svc work with; each handler has a file of its own.
struct SocialHandlers: Sendable {
    let store: SocialStore
    let relay: OutboxRelay
    let keeper: PresenceKeeper
    /// `nil` when rates are not limited.
    let requestRate: RequestRateLimiter?
    let logger: Logger

    /// Everything social-svc answers.
    var routes: BusRoutes {
        var routes = BusRoutes()
        routes.on(SocialAPI.Apply.self, from: [.gateway], handler: apply)
        routes.on(SocialAPI.PendingRequests.self, from: [.gateway], handler: pendingRequests)
        routes.on(SocialAPI.ConfirmRequests.self, from: [.gateway], handler: confirmRequests)
        routes.on(SocialAPI.FriendRequests.self, from: [.gateway], handler: friendRequests)
        routes.on(SocialAPI.Decide.self, from: [.gateway], handler: decide)
        routes.on(SocialAPI.DecideRequest.self, from: [.gateway], handler: decideRequest)
        routes.on(SocialAPI.DismissRequest.self, from: [.gateway], handler: dismissRequest)
        routes.on(SocialAPI.FriendList.self, from: [.gateway], handler: friendList)
        routes.on(SocialAPI.FindFriend.self, from: [.gateway], handler: findFriend)
        routes.on(SocialAPI.SetRemark.self, from: [.gateway], handler: setRemark)
        routes.on(SocialAPI.GroupFriends.self, from: [.gateway], handler: groupFriends)
        routes.on(SocialAPI.DeleteFriendGroup.self, from: [.gateway], handler: deleteFriendGroup)
        routes.on(SocialAPI.EndFriendship.self, from: [.gateway], handler: endFriendship)
        routes.on(SocialAPI.Block.self, from: [.gateway], handler: block)
        routes.on(SocialAPI.Unblock.self, from: [.gateway], handler: unblock)
        routes.on(SocialAPI.Blocks.self, from: [.gateway], handler: blocks)
        routes.on(SocialAPI.CreateGroup.self, from: [.gateway], handler: createGroup)
        routes.on(SocialAPI.Groups.self, from: [.gateway], handler: groups)
        routes.on(SocialAPI.FindGroups.self, from: [.gateway], handler: findGroups)
        routes.on(SocialAPI.GroupsOf.self, from: [.gateway], handler: groupsOf)
        routes.on(SocialAPI.RoleIn.self, from: [.gateway], handler: roleIn)
        routes.on(SocialAPI.Group.self, from: [.gateway], handler: group)
        routes.on(SocialAPI.Announce.self, from: [.gateway], handler: announce)
        routes.on(SocialAPI.AppointAdmins.self, from: [.gateway], handler: appointAdmins)
        routes.on(SocialAPI.TransferOwnership.self, from: [.gateway], handler: transferOwnership)
        routes.on(SocialAPI.LeaveGroup.self, from: [.gateway], handler: leaveGroup)
        routes.on(SocialAPI.RemoveMembers.self, from: [.gateway], handler: removeMembers)
        routes.on(SocialAPI.Invite.self, from: [.gateway], handler: invite)
        routes.on(SocialAPI.ApplyToJoin.self, from: [.gateway], handler: applyToJoin)
        routes.on(SocialAPI.JoinRequests.self, from: [.gateway], handler: joinRequests)
        routes.on(SocialAPI.DecideJoin.self, from: [.gateway], handler: decideJoin)
        routes.on(SocialAPI.DecideJoinRequest.self, from: [.gateway], handler: decideJoinRequest)
        routes.on(SocialAPI.ReportPresence.self, from: [.gateway], handler: reportPresence)
        routes.on(SocialAPI.Presence.self, from: [.gateway], handler: presence)
        routes.on(SocialAPI.ClaimNotices.self, from: [.gateway], handler: claimNotices)
        routes.on(SocialAPI.EnforceClaim.self, from: [.gateway], handler: enforceClaim)
        SocialEffects.inbox.addRoute(to: &routes, from: [.auth], database: store.database, relay: relay)
        return routes
    }
}

/// The rate of friend requests and requests to join, shared by the handlers that run at the same time.
final class RequestRateLimiter: Sendable {
    private let rate: Mutex<RequestRate>

    init(perMinute: Int) { rate = Mutex(RequestRate(perMinute: perMinute)) }

    func admit(_ account: AccountID) throws(ServiceError) {
        try rate.withLock { (rate) throws(ServiceError) in try rate.admit(account, now: .now) }
    }
}
