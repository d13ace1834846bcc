/// A positive 53-bit number that names one thing of one kind; the kind is part of the type.
package struct Identifier<Kind>: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    package let rawValue: Int64

    package init(rawValue: Int64) { self.rawValue = rawValue }
    package init(_ rawValue: Int64) { self.rawValue = rawValue }

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    package var description: String { String(rawValue) }
}

/// The kinds of things that have an ``Identifier``.
package enum IdentifierKind {
    package enum Account {}
    package enum Session {}
    package enum Conversation {}
    package enum Message {}
    package enum FriendRequest {}
    package enum Announcement {}
    package enum JoinRequest {}
}

/// An account, ascending from 1; auth-svc assigns it.
package typealias AccountID = Identifier<IdentifierKind.Account>
/// One login of an account; auth-svc assigns it.
package typealias SessionID = Identifier<IdentifierKind.Session>
/// A conversation or group (a group *is* its conversation); social-svc assigns it.
package typealias ConversationID = Identifier<IdentifierKind.Conversation>
/// A message; ascends over all conversations in commit order; message-svc assigns it.
package typealias MessageID = Identifier<IdentifierKind.Message>
/// A friend request; social-svc assigns it.
package typealias FriendRequestID = Identifier<IdentifierKind.FriendRequest>
/// An announcement of a group; social-svc assigns it.
package typealias AnnouncementID = Identifier<IdentifierKind.Announcement>
/// A request to join a group; social-svc assigns it.
package typealias JoinRequestID = Identifier<IdentifierKind.JoinRequest>
