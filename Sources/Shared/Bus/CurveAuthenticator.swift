package import Logging

/// Admits to CURVE sockets only the holders of the deployment's own key pair (RFC 27/ZAP).
package enum CurveAuthenticator {
    /// Starts to answer authentication requests of the reactor's context; call before any `tcp` socket is bound.
    package static func start(admitting keys: CurveKeyPair, reactor: BusReactor, logger: Logger) async throws {
        try await reactor.perform { loop in
            let socket = try ZMQSocket(.reply, context: reactor.context)
            try socket.bind("inproc://zeromq.zap.01")
            let admitted = keys.rawPublicKey
            loop.watch(socket) { _, frames in
                let answer = answer(to: frames, admitting: admitted)
                if answer.status != "200" {
                    logger.warning("a stranger was refused on the bus", metadata: ["address": "\(answer.address)"])
                }
                do throws(ZMQError) {
                    _ = try socket.send(
                        Array("1.0".utf8), answer.requestID, Array(answer.status.utf8), [], [], [])
                } catch {
                    logger.warning("an authentication went unanswered", metadata: ["error": "\(error)"])
                }
            }
        }
    }

    /// Frames: version, request id, domain, address, identity, mechanism, and for CURVE the client's 32-byte public key.
    static func answer(
        to frames: [[UInt8]], admitting admitted: [UInt8]
    ) -> (requestID: [UInt8], status: String, address: String) {
        guard frames.count >= 6 else { return ([], "500", "") }
        let isAdmitted = frames.count == 7 && frames[5] == Array("CURVE".utf8) && frames[6] == admitted
        return (frames[1], isAdmitted ? "200" : "400", String(decoding: frames[3], as: UTF8.self))
    }
}
