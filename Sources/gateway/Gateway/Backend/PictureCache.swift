import Shared
import SharedCrypto
import Synchronization

/// Pictures as the texts they were uploaded as, base64 or data URLs, kept within a limit of bytes; a new version of a
/// picture is a new entry.
final class PictureCache: Sendable {
    /// Pictures of one fetch.
    private static let batch = 4

    private struct Key: Hashable {
        let account: AccountID
        let version: Int64
    }

    private struct State {
        var texts: [Key: String] = [:]
        var bytes = 0
    }

    private let auth: BusClient
    private let maxBytes: Int
    private let state = Mutex(State())

    init(auth: BusClient, maxBytes: Int) {
        self.auth = auth
        self.maxBytes = maxBytes
    }

    /// Bytes of text in memory.
    var bytes: Int { state.withLock { $0.bytes } }

    /// The pictures of profiles that have one, in their order, until `room` is used up; no more of them is fetched.
    ///
    /// - Parameter uses: how often each picture will be written.
    func texts(
        of profiles: [Profile], uses: [AccountID: Int], room: Int, _ context: CallContext
    ) async throws(ServiceError) -> [AccountID: String] {
        var found: [AccountID: String] = [:]
        var room = room
        var rest = profiles.filter { $0.pictureVersion > 0 }[...]
        while !rest.isEmpty, room > 0 {
            let batch = rest.prefix(Self.batch)
            rest = rest.dropFirst(Self.batch)
            let texts = try await texts(of: batch, context)
            for profile in batch {
                guard let text = texts[profile.account] else { continue }
                let size = text.utf8.count * max(1, uses[profile.account] ?? 1)
                // The rest goes by address: looking for a smaller one could mean fetching all of them.
                guard size <= room else { return found }
                room -= size
                found[profile.account] = text
            }
        }
        return found
    }

    private func texts(
        of profiles: ArraySlice<Profile>, _ context: CallContext
    ) async throws(ServiceError) -> [AccountID: String] {
        var found: [AccountID: String] = [:]
        for profile in profiles {
            let key = Key(account: profile.account, version: profile.pictureVersion)
            found[profile.account] = state.withLock { $0.texts[key] }
        }
        let missing = profiles.map(\.account).filter { found[$0] == nil }
        guard !missing.isEmpty else { return found }
        for picture in try await auth.call(AuthAPI.Pictures(accounts: missing), context).pictures {
            let base64 = Base64.encode(picture.content.bytes)
            let text = picture.isDataURL ? "data:\(picture.mediaType);base64,\(base64)" : base64
            found[picture.account] = text
            keep(text, as: Key(account: picture.account, version: picture.version))
        }
        return found
    }

    private func keep(_ text: String, as key: Key) {
        let size = text.utf8.count
        guard size <= maxBytes else { return }
        state.withLock { state in
            if state.bytes + size > maxBytes { state = State() }
            if state.texts.updateValue(text, forKey: key) == nil { state.bytes += size }
        }
    }
}
