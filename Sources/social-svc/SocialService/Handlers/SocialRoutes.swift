import Logging
import Shared
import SharedStorage
import Synchronization

/// What the handlers of social-svc work with; each handler has a file of its own.
struct SocialHandlers: Sendable {
    let store: SocialStore
    let relay: OutboxRelay
    /// `nil` when rates are not limited.
    let requestRate: RequestRateLimiter?
    let logger: Logger

    /// Everything social-svc answers.
    var routes: BusRoutes {
        var routes = BusRoutes()
        routes.on(SocialAPI.Apply.self, from: [.gateway], handler: apply)
        routes.on(SocialAPI.PendingRequests.self, from: [.gateway], handler: pendingRequests)
        routes.on(SocialAPI.ConfirmRequests.self, from: [.gateway], handler: confirmRequests)
        routes.on(SocialAPI.Decide.self, from: [.gateway], handler: decide)
        routes.on(SocialAPI.FriendList.self, from: [.gateway], handler: friendList)
        return routes
    }
}

/// The rate of friend requests, shared by the handlers that run at the same time.
final class RequestRateLimiter: Sendable {
    private let rate: Mutex<RequestRate>

    init(perMinute: Int) { rate = Mutex(RequestRate(perMinute: perMinute)) }

    func admit(_ account: AccountID) throws(ServiceError) {
        try rate.withLock { (rate) throws(ServiceError) in try rate.admit(account, now: .now) }
    }
}
