import Shared

/// How many and how long things may be.
///
/// Characters are Unicode scalars: one visible character may be made of any number of them, so that counting those would
/// bound nothing.
package struct SocialLimits: Sendable, Hashable {
    /// Ids named in one request, as the contract has it; no dialect lets more through.
    static let maxNamed = 500

    /// Friends of one account.
    package var maxFriends = 5_000
    /// Groups of one account's friend list.
    package var maxFriendGroups = 500
    /// Members of a group.
    package var maxGroupMembers = 5_000
    /// Characters of the message of a friend request.
    package var maxRequestMessage = 255
    /// Characters of the name of a group, and of a group of a friend list.
    package var maxName = 255
    /// Characters of an announcement.
    package var maxAnnouncement = 10_000

    /// The defaults.
    package init() {}

    /// Checks a text that may not be longer than a limit.
    func check(_ text: String, atMost limit: Int) throws(ServiceError) {
        guard text.unicodeScalars.count <= limit else { throw ServiceError(.messageTooLong, detail: "\(limit)") }
    }

    /// Checks a text that may be neither empty nor longer than a limit.
    ///
    /// - Throws: ``ServiceError/Code/badRequest`` for an empty one, which no dialect lets through.
    func checkPresent(_ text: String, atMost limit: Int) throws(ServiceError) {
        guard !text.isEmpty else { throw ServiceError(.badRequest, detail: "empty text") }
        try check(text, atMost: limit)
    }

    /// A list of ids without repetitions.
    ///
    /// - Throws: ``ServiceError/Code/badRequest`` when it is longer than any request may be.
    static func folded<ID: Hashable>(_ ids: [ID]) throws(ServiceError) -> [ID] {
        guard ids.count <= maxNamed else { throw ServiceError(.badRequest, detail: "more than \(maxNamed) ids") }
        var seen: Set<ID> = []
        return ids.filter { seen.insert($0).inserted }
    }
}
