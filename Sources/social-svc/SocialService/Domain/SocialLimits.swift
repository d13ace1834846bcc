import Shared

/// How many and how long things may be.
///
/// Characters are Unicode scalars: one visible character may be made of any number of them, so that counting those would
/// bound nothing.
package struct SocialLimits: Sendable, Hashable {
    /// Ids named in one request, as the contract has it; no dialect lets more through.
    static let maxNamed = 500
    /// Accounts whose presence is asked for in one request.
    static let maxPresence = 5_000

    /// Friends of one account.
    package var maxFriends = 5_000
    /// Groups of one account's friend list.
    package var maxFriendGroups = 500
    /// Accounts one account has blocked.
    package var maxBlocks = 5_000
    /// Members of a group.
    package var maxGroupMembers = 5_000
    /// Characters of the message of a friend request, and of a request to join a group.
    package var maxRequestMessage = 255
    /// Characters of what an account calls a friend.
    package var maxRemark = 255
    /// Characters of the name and of the handle of a group, and of the name of a group of a friend list.
    package var maxName = 255
    /// Characters of the introduction of a group.
    package var maxIntroduction = 255
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

    /// A name that people see as it is stored. An empty one stays empty: what it means is for each rule to say.
    ///
    /// - Parameter field: what the refusal calls it.
    /// - Throws: ``ServiceError/Code/malformedName``.
    static func name(_ text: String, field: String) throws(ServiceError) -> String {
        guard !text.isEmpty else { return text }
        guard let name = DisplayName(text) else { throw ServiceError(.malformedName, detail: field) }
        return name.text
    }

    /// A list of ids without repetitions.
    ///
    /// - Throws: ``ServiceError/Code/badRequest`` when it is longer than such a request may be.
    static func folded<ID: Hashable>(_ ids: [ID], atMost limit: Int = maxNamed) throws(ServiceError) -> [ID] {
        guard ids.count <= limit else { throw ServiceError(.badRequest, detail: "more than \(limit) ids") }
        var seen: Set<ID> = []
        return ids.filter { seen.insert($0).inserted }
    }
}
