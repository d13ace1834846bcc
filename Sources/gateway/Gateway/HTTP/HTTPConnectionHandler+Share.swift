import NIOCore
import NIOHTTP1
import Shared

/// Whose work a connection's requests are.
///
/// That is found out for each request: behind a proxy those of many people come over one connection.
extension HTTPConnectionHandler {
    /// Takes the work of a request from the share of whoever asks.
    func findOwner(of request: HTTPRequest) {
        let token = request.headers.first(name: "Authorization")
        if token != nil, token == ownersToken { return }
        let account = server.application.account(of: request)
        ownersToken = account == nil ? nil : token
        move(to: account.map(WorkShares.Owner.account) ?? .network(Network.name(of: request.remoteAddress)))
    }

    private func move(to owner: WorkShares.Owner) {
        guard share?.owner != owner else { return }
        let joined = server.shares.join(owner)
        leaveShare()
        share = joined
    }

    /// Idempotent.
    func leaveShare() {
        share.map(server.shares.leave)
        share = nil
    }

    /// Whether more may be read now; if not, reading goes on when there is room again.
    func mayRead() -> Bool {
        guard !isHeldBack else { return false }
        guard let share, !share.hasRoom(now: server.eventLoop.now) else { return true }
        isHeldBack = true
        share.wait { [self] in
            isHeldBack = false
            readAgain()
        }
        return false
    }
}
