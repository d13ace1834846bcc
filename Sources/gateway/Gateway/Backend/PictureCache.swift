import Shared
import SharedCrypto
import Synchronization

/// Pictures as base64 text, kept within a limit of bytes; a new version of a picture is a new entry.
final class PictureCache: Sendable {
    /// Pictures of one fetch (the limit of `AuthAPI.Pictures`).
    private static let batch = 16

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

    /// The pictures of those profiles that have one.
    func base64(
        of profiles: some Sequence<Profile>, _ context: CallContext
    ) async throws(ServiceError) -> [AccountID: String] {
        var found: [AccountID: String] = [:]
        var missing: [AccountID] = []
        for profile in profiles where profile.pictureVersion > 0 && found[profile.account] == nil {
            let key = Key(account: profile.account, version: profile.pictureVersion)
            if let text = state.withLock({ $0.texts[key] }) {
                found[profile.account] = text
            } else {
                missing.append(profile.account)
            }
        }
        while !missing.isEmpty {
            let batch = Array(missing.prefix(Self.batch))
            missing.removeFirst(batch.count)
            for picture in try await auth.call(AuthAPI.Pictures(accounts: batch), context).pictures {
                let text = Base64.encode(picture.content.bytes)
                found[picture.account] = text
                keep(text, as: Key(account: picture.account, version: picture.version))
            }
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
