import Shared
import SharedCrypto

/// Pictures as `classic` clients send them.
enum ClassicPicture {
    /// What base64 text or a data URL stands for; `nil` when it is neither. Empty text is no picture.
    static func decode(_ text: String) -> PictureUpload? {
        guard text.hasPrefix("data:") else {
            return Base64.decode(text).map { PictureUpload(Blob($0), isDataURL: false) }
        }
        guard let comma = text.firstIndex(of: ","), text[..<comma].hasSuffix(";base64") else { return nil }
        return Base64.decode(text[text.index(after: comma)...]).map { PictureUpload(Blob($0), isDataURL: true) }
    }
}

/// The `*_picture` fields of one answer.
struct ClassicPictures: Sendable {
    fileprivate let texts: [AccountID: String]

    /// The field's text; empty for an account without a picture.
    subscript(account: AccountID) -> String { texts[account] ?? "" }
}

extension ClassicSurface {
    /// Bytes of the texts of one answer; what would go beyond it is given by address.
    private static var maxInlineBytes: Int { 6 << 20 }

    /// For each account with a picture the text it was uploaded as, or its address when the request has `pictures=url`.
    ///
    /// - Parameter uses: how often each account's picture appears in the answer.
    func pictures(
        of profiles: some Sequence<Profile>, _ call: ClassicCall, uses: [AccountID: Int] = [:]
    ) async throws(ClassicError) -> ClassicPictures {
        let profiles = Array(profiles)
        var texts: [AccountID: String] = [:]
        for profile in profiles { texts[profile.account] = call.pictureAddress(of: profile) }
        guard call.request.query["pictures"] != "url" else { return ClassicPictures(texts: texts) }
        do throws(ServiceError) {
            let inline = try await pictures.texts(
                of: profiles, uses: uses, room: Self.maxInlineBytes, call.context)
            texts.merge(inline) { _, text in text }
        } catch {
            throw ClassicError(error)
        }
        return ClassicPictures(texts: texts)
    }
}
