package import Shared

extension BusRoutes {
    /// Answers a request from a snapshot of the database, on one of its reading threads: for what only reads.
    ///
    /// A request whose deadline has passed before its turn came is refused as ``ServiceError/Code/unavailable``, as is one
    /// more than may wait.
    package mutating func on<Request: BusRequest>(
        _ type: Request.Type, from peers: Set<ServiceName>, reading database: ServiceDatabase,
        handler: @escaping @Sendable (Request, Snapshot) throws -> Request.Reply
    ) {
        onBusThread(type, from: peers) { request, call, respond in
            database.read(until: call.deadline) { db in
                try handler(request, db)
            } completion: { result in
                respond(result)
            }
        }
    }
}
