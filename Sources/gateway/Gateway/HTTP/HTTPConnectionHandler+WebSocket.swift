import Glibc
import NIOCore
import NIOHTTP1

extension HTTPConnectionHandler {
    private static let maxUnsentBytes = 64 * 1024

    /// Answers 101 and hands the connection over.
    func completeHandshake(_ exchange: Exchange, _ accept: @escaping @Sendable (WebSocketConnection) -> Void) {
        guard case .responding = phase, let context else { return }
        let path = exchange.request.path
        let id = exchange.request.id
        guard !server.isDraining else {
            enter(.awaitingHead)
            return refuse(.draining, path: path, requestID: id)
        }
        HTTPUpgradeRequest.responseHeaders(context.channel, exchange.head).assumeIsolated().whenComplete { result in
            guard case .responding = self.phase else { return }
            switch result {
            case .success(let headers):
                self.becomeWebSocket(HTTPResponseEncoder.encodeSwitchingProtocols(headers, requestID: id), accept)
            case .failure:
                self.enter(.awaitingHead)
                self.refuse(.malformedRequest, path: path, requestID: id)
            }
        }
    }

    private func becomeWebSocket(_ answer: ByteBuffer, _ accept: @Sendable (WebSocketConnection) -> Void) {
        guard let context, let place, let share else { return }
        let pipeline = context.pipeline.syncOperations
        let socket = WebSocketHandler(
            configuration: server.configuration.webSocket, eventLoop: context.eventLoop, flusher: server.flusher,
            shares: server.shares, owner: share.owner,
            onGone: { [server] in server.remove($0, place) })
        limitUnsentBytes(of: context.channel)
        do {
            try pipeline.addHandler(socket)
            let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
            write(answer, promise: nil)
            context.flush()
            enter(.finished)
            server.add(socket)
            givePlace()
            accept(socket.makeConnection(remoteAddress: remoteAddress))
            // The decoder goes last: it hands on the bytes that came behind the handshake, and by then the WebSocket
            // must be the next to receive them.
            pipeline.removeHandler(meter, promise: nil)
            pipeline.removeHandler(self, promise: nil)
            pipeline.removeHandler(decoder, promise: nil)
            if hasEnded { socket.inputEnded() }
        } catch {
            // The pipeline is gone with its channel.
            close()
        }
    }

    /// Has the kernel take no more than is on its way and a little more. Otherwise it takes megabytes for a peer that does not
    /// read, and the frame that tells why the connection ends waits behind them.
    private func limitUnsentBytes(of channel: any Channel) {
        let option = ChannelOptions.Types.SocketOption(
            level: .tcp, name: NIOBSDSocket.Option(rawValue: TCP_NOTSENT_LOWAT))
        // A Unix socket has no such option, and keeps little anyway.
        try? channel.syncOptions?.setOption(option, value: Self.maxUnsentBytes)
    }
}
