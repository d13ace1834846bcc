typealias ClassicCall = SurfaceCall<ClassicError>

extension ClassicCall {
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
