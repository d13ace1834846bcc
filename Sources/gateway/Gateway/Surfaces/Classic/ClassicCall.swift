import Shared

typealias ClassicCall = SurfaceCall<ClassicError>

extension ClassicCall {
    /// The address of a profile's picture, where this client's proxy finds it; empty when it has none.
    func pictureAddress(of profile: Profile) -> String {
        let address = MediaEndpoint.address(of: profile)
        return address.isEmpty || !request.path.hasPrefix("/api/") ? address : "/api" + address
    }

    /// `"True"` or `"False"`, or a JSON boolean; `nil` for another text.
    func agreement() throws(ClassicError) -> Bool? {
        switch body["agree"] {
        case .string("True"), .bool(true): return true
        case .string("False"), .bool(false): return false
        case .string: return nil
        default: throw .badField("agree")
        }
    }
}
