import Shared
import SharedCrypto

/// Pictures as `classic` clients send them.
enum ClassicPicture {
    /// The bytes of base64 text or of a data URL; `nil` when it is neither. Empty text is no picture.
    static func decode(_ text: String) -> [UInt8]? {
        guard text.hasPrefix("data:") else { return Base64.decode(text) }
        guard let comma = text.firstIndex(of: ","), text[..<comma].hasSuffix(";base64") else { return nil }
        return Base64.decode(text[text.index(after: comma)...])
    }
}

/// The `*_picture` fields of one answer.
struct ClassicPictures: Sendable {
    fileprivate let texts: [AccountID: String]

    /// The field's text; empty for an account without a picture.
    subscript(account: AccountID) -> String { texts[account] ?? "" }
}

extension ClassicSurface {
    /// Base64 text of one answer; what would go beyond it is given by address.
    private static var maxInlineBytes: Int { 6 << 20 }

    /// Base64 text for each account with a picture, or its address when the request has `pictures=url`.
    ///
    /// - Parameter uses: how often each account's picture appears in the answer.
    func pictures(
        of profiles: some Sequence<Profile>, _ call: ClassicCall, uses: [AccountID: Int] = [:]
    ) async throws(ClassicError) -> ClassicPictures {
        let profiles = Array(profiles)
        var texts: [AccountID: String] = [:]
        for profile in profiles { texts[profile.account] = MediaEndpoint.address(of: profile) }
        guard call.request.query["pictures"] != "url" else { return ClassicPictures(texts: texts) }
        do throws(ServiceError) {
            let inline = try await pictures.base64(
                of: profiles, uses: uses, room: Self.maxInlineBytes, call.context)
            texts.merge(inline) { _, base64 in base64 }
        } catch {
            throw ClassicError(error)
        }
        return ClassicPictures(texts: texts)
    }
}
