import Logging
import Shared

/// What every surface works with.
struct GatewayCore: Sendable {
    let backend: Backend
    let profiles: ProfileCache
    let groups: GroupCache
    let gate: TokenGate
    let hub: PushHub
    /// Time from a request's arrival to its answer.
    let timeout: Duration
    let limits: SurfaceLimits
    /// The gateway's event loop, for tasks.
    let executor: EventLoopTaskExecutor
    let logger: Logger

    /// Runs a task on the event loop.
    func onLoop(_ body: @escaping @Sendable () async -> Void) {
        Task(executorPreference: executor, operation: body)
    }
}

/// How often one account may do what costs others something at one gateway, in all dialects together; `nil` where rates
/// are off.
struct SurfaceLimits: Sendable {
    /// User searches, and what else tells whether somebody exists: 60 a minute.
    let lookUps: RateLimiter?
    /// Names looked up to apply for a friendship: 60 a minute.
    let applications: RateLimiter?
    /// Passwords tried with a session: 10 at once, one a minute.
    let passwords: RateLimiter?
    /// Changes of the own name and of the own blocks: 60 a minute.
    let ownChanges: RateLimiter?
    /// Groups made, invitations and announcements: 60 a minute.
    let groupChanges: RateLimiter?
    /// Messages, those included that never reach message-svc, which counts over all gateways.
    let messages: RateLimiter?
    /// Connections whose opening sends another one of the account away: 10 at once, one a second.
    let noticeConnections: RateLimiter?

    /// - Parameter isOn: whether anything is limited at all.
    init(isOn: Bool) {
        func limiter(rate: Double, burst: Double) -> RateLimiter? {
            isOn ? RateLimiter(rate: rate, burst: burst) : nil
        }
        lookUps = limiter(rate: 1, burst: 60)
        applications = limiter(rate: 1, burst: 60)
        passwords = limiter(rate: 1.0 / 60, burst: 10)
        ownChanges = limiter(rate: 1, burst: 60)
        groupChanges = limiter(rate: 1, burst: 60)
        messages = isOn ? .messages : nil
        noticeConnections = limiter(rate: 1, burst: 10)
    }
}
