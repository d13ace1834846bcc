import NIOCore
import Shared

extension BusClient {
    /// Makes a call; `completion` runs exactly once, on the event loop, in a later tick.
    func send<Request: BusRequest>(
        _ request: Request, _ context: CallContext, on eventLoop: any EventLoop,
        completion: @escaping @Sendable (Result<Request.Reply, ServiceError>) -> Void
    ) {
        send(request, context) { result in eventLoop.execute { completion(result) } }
    }
}
