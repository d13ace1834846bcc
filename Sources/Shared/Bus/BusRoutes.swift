import Synchronization

/// What a handler knows about the call beside its payload.
package struct BusCall: Sendable {
    package let caller: ServiceName
    package let trace: String
    package let deadline: MonotonicTime

    /// The call that the running task answers, if it does.
    @TaskLocal package static var current: BusCall?

    /// For calls made on behalf of this one.
    package var context: CallContext { CallContext(trace: trace, deadline: deadline) }
}

/// The one chance to answer a call, from any thread. A responder that is dropped answers ``ServiceError/Code/internal``.
package final class Responder<Reply: WireRecord>: Sendable {
    private let isAnswered = Atomic(false)
    private let id: UInt64
    private let deliver: @Sendable ([UInt8]) -> Void

    init(id: UInt64, deliver: @escaping @Sendable ([UInt8]) -> Void) {
        self.id = id
        self.deliver = deliver
    }

    deinit { callAsFunction(.failure(ServiceError(.internal, detail: "no answer"))) }

    /// Sends the answer; a second one is ignored.
    package func callAsFunction(_ result: Result<Reply, ServiceError>) {
        guard !isAnswered.exchange(true, ordering: .relaxed) else { return }
        switch result {
        case .success(let reply): deliver(ReplyEnvelope.success(id, reply))
        case .failure(let error): deliver(ReplyEnvelope.failure(id, error))
        }
    }
}

/// The table of contents of a service: which requests it answers, for whom, and how.
package struct BusRoutes: Sendable {
    typealias Handler =
        @Sendable (_ payload: ArraySlice<UInt8>, _ call: BusCall, _ id: UInt64, _ reply: @escaping Reply) -> Void
    typealias Reply = @Sendable ([UInt8]) -> Void

    struct Route: Sendable {
        let peers: Set<ServiceName>
        let handler: Handler
    }

    private(set) var routes: [String: Route] = [:]

    package init() {}

    /// The names of all routes, for the test that finds each request type answered by exactly one service.
    package var names: Set<String> { Set(routes.keys) }

    /// Answers a request on the bus thread itself: the handler must only decide and hand on, never block.
    package mutating func onBusThread<Request: BusRequest>(
        _: Request.Type, from peers: Set<ServiceName>,
        handler: @escaping @Sendable (Request, BusCall, Responder<Request.Reply>) -> Void
    ) {
        precondition(routes[Request.route] == nil, "\(Request.route) is registered twice")
        routes[Request.route] = Route(peers: peers) { payload, call, id, reply in
            let request: Request
            do throws(WireError) {
                request = try Request(wireBytes: payload)
            } catch {
                return reply(ReplyEnvelope.failure(id, ServiceError(.badRequest, detail: "\(error)")))
            }
            handler(request, call, Responder(id: id, deliver: reply))
        }
    }

    /// Answers a request in a task of its own.
    package mutating func on<Request: BusRequest>(
        _ type: Request.Type, from peers: Set<ServiceName>,
        handler: @escaping @Sendable (Request, BusCall) async throws(ServiceError) -> Request.Reply
    ) {
        onBusThread(type, from: peers) { request, call, respond in
            Task {
                await BusCall.$current.withValue(call) {
                    do throws(ServiceError) {
                        respond(.success(try await handler(request, call)))
                    } catch {
                        respond(.failure(error))
                    }
                }
            }
        }
    }
}
