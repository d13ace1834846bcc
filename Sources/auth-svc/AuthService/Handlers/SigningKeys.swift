import Shared
import SharedCrypto

extension AuthHandlers {
    /// Tells the public half of the signing key.
    func signingKeys(
        _: AuthAPI.SigningKeys, _: BusCall
    ) async throws(ServiceError) -> AuthAPI.SigningKeys.Reply {
        let key = AuthAPI.SigningKeys.Key(id: publicKey.keyID, publicKey: Blob(publicKey.rawBytes))
        return AuthAPI.SigningKeys.Reply(keys: [key])
    }
}
