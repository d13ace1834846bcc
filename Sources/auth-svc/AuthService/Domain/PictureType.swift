/// What a picture is, by its first bytes: what a client says about it is not asked for.
enum PictureType {
    /// Stands for everything a browser should not show.
    static let unknown = "application/octet-stream"

    /// The media type of a file that begins with these bytes.
    static func mediaType(of bytes: [UInt8]) -> String {
        func begins(with start: [UInt8], at offset: Int = 0) -> Bool {
            bytes.dropFirst(offset).starts(with: start)
        }
        if begins(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) { return "image/png" }
        if begins(with: [0xFF, 0xD8, 0xFF]) { return "image/jpeg" }
        if begins(with: Array("GIF87a".utf8)) || begins(with: Array("GIF89a".utf8)) { return "image/gif" }
        // The four bytes between the two are the length of the file.
        if begins(with: Array("RIFF".utf8)), begins(with: Array("WEBP".utf8), at: 8) { return "image/webp" }
        if begins(with: Array("BM".utf8)) { return "image/bmp" }
        return unknown
    }
}
