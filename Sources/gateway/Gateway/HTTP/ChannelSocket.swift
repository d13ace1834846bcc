import Glibc
import NIOCore

/// The socket under a channel, for what the channel itself does not offer. Of a channel that has none, everything has
/// arrived as soon as it is written.
struct ChannelSocket {
    private let channel: any Channel
    /// The same, kept: to look for it costs a good part of a short write (decision 0011). The two names of NIO that are not
    /// meant for users of channels stand here and nowhere else; without a shortcut everything works, through the channel.
    private let shortcut: (any NIOTransportAccessibleChannelCore<NIOBSDSocket.Handle>)?

    /// - Parameter takesShortcut: whether it is worth the cast.
    init(_ channel: any Channel, takesShortcut: Bool) {
        self.channel = channel
        shortcut =
            takesShortcut ? channel._channelCore as? any NIOTransportAccessibleChannelCore<NIOBSDSocket.Handle> : nil
    }

    /// Writes what the kernel takes at once, past the channel, and returns how many bytes that is: 0 without a shortcut.
    /// Whatever keeps the kernel from taking more, the channel finds out too.
    func write(_ bytes: ByteBuffer) -> Int {
        let written = try? shortcut?.withUnsafeTransport { socket in
            bytes.withUnsafeReadableBytes { Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        }
        return max(0, written ?? 0)
    }

    /// Bytes written that the peer's kernel has not acknowledged; `nil` when the socket is gone.
    var unacknowledgedBytes: Int? {
        var count: CInt = 0
        func ask(_ socket: NIOBSDSocket.Handle) -> CInt { ioctl(socket, UInt(TIOCOUTQ), &count) }
        do {
            let result =
                try shortcut?.withUnsafeTransport(ask)
                ?? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self, ask)
            return result == nil || result == 0 ? Int(max(0, count)) : nil
        } catch {
            // The socket is closed.
            return nil
        }
    }
}
