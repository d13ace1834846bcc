import NIOCore
import Shared

typealias RestCall = SurfaceCall<RestError>

extension RestCall {
    /// Whether anything was sent as a body, be it an empty object.
    var hasBody: Bool { request.body.readableBytes > 0 }

    /// The first of several spellings of a field that the body has; the first one when it has none.
    func spelling(_ names: String...) -> String { names.first { body[$0] != nil } ?? names[0] }

    /// The message a request is about: of the body, or of the query, because not every client sends a body with DELETE.
    func messageID() throws(RestError) -> MessageID {
        let name = spelling("message_id", "id")
        if body[name] != nil { return MessageID(try id(name)) }
        if let id = try optionalQueryID("id"), request.query["message_id"] == nil { return MessageID(id) }
        return MessageID(try queryID("message_id"))
    }

    /// How many items a page of a list may have.
    ///
    /// - Parameter count: unless the query says otherwise.
    func pageLimit(unlessGiven count: Int64) throws(RestError) -> Int32 {
        let limit = try optionalQueryID("limit") ?? count
        guard limit > 0 else { throw .badField("limit") }
        return Int32(min(limit, Self.maxPage))
    }

    /// Items of the longest page of a list.
    private static var maxPage: Int64 { 500 }
}

extension JSONWriter {
    /// A time as RFC 3339 writes it, from milliseconds since 1970.
    mutating func field(_ name: String, time: Int64) { field(name, WallClock.text(of: time)) }

    /// A text, or `null`.
    mutating func field(_ name: String, _ value: String?) {
        if let value { field(name, value) } else { null(name) }
    }

    /// A number, or `null`.
    mutating func field(_ name: String, _ value: Int64?) {
        if let value { field(name, value) } else { null(name) }
    }
}
