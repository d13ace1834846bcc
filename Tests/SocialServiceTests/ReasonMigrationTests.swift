import GRDB
import Shared
import SharedStorage
import TestSupport
import Testing

@testable import SocialService

/// What an earlier version has left in the outbox, with the event that was to follow the acknowledgement beside it.
@Suite struct ReasonMigrationTests {
    private struct FormerRow: Sendable {
        var kind: String
        var payload: [UInt8]
        var eventKind: String?
        var event: [UInt8] = []
    }

    /// A folder as the version before left it.
    private func folder(_ rows: [FormerRow]) async throws -> TestBus {
        let bus = try TestBus()
        let database = try ServiceDatabase(
            in: DataDirectory(path: bus.configuration.dataPath, service: .social), logger: bus.logger,
            migrations: SocialMigrations.register)
        defer { database.close() }
        try await database.write { transaction in
            try transaction.db.execute(
                sql: """
                    ALTER TABLE outbox ADD COLUMN eventKind TEXT;
                    ALTER TABLE outbox ADD COLUMN eventPayload BLOB;
                    DELETE FROM grdb_migrations WHERE identifier IN ('social-4', 'shared-3');
                    """)
            for row in rows {
                try transaction.db.execute(
                    sql: "INSERT INTO outbox (receiver, kind, payload, eventKind, eventPayload) VALUES (4, ?, ?, ?, ?)",
                    arguments: [row.kind, Blob(row.payload), row.eventKind, row.eventKind.map { _ in Blob(row.event) }])
            }
        }
        return bus
    }

    /// What the event was called that has become a reason.
    private func formerKind(_ reason: ConversationReason) -> String? {
        switch reason {
        case .friendshipBegan: "social.friendshipBegan"
        case .friendshipEnded: "social.friendshipEnded"
        case .membersJoined: "social.membersJoined"
        case .membersLeft: "social.membersLeft"
        case .roleChanged, .announced, .joinRequested, .joinRefused: nil
        }
    }

    @Test func `what was owed before is delivered with its reason, in its order`() async throws {
        let effects: [any BusEffect] = [
            MessageAPI.OpenConversation(
                conversation: ConversationID(9), conversationKind: .private, participants: [.ann, .bob],
                greeting: "hello", greeter: .bob,
                reason: .friendshipBegan(
                    SocialAPI.FriendshipBegan(
                        applicant: .ann, accepter: .bob, conversation: ConversationID(9), request: FriendRequestID(5)))),
            MessageAPI.ChangeSilence(conversation: ConversationID(9), account: .ann, isSilenced: true),
            MessageAPI.OpenConversation(
                conversation: ConversationID(10), conversationKind: .group, participants: [.ann, .bob, .cid],
                greeting: "", greeter: .ann,
                reason: .membersJoined(
                    SocialAPI.MembersJoined(
                        conversation: ConversationID(10), name: "G\0好", accounts: [.bob, .cid], operator: .ann,
                        settled: []))),
            MessageAPI.ChangeParticipants(
                conversation: ConversationID(10), joined: [], left: [.cid],
                reason: .membersLeft(
                    SocialAPI.MembersLeft(
                        conversation: ConversationID(10), name: "G", accounts: [.cid], operator: .ann))),
            MessageAPI.CloseConversation(
                conversation: ConversationID(9),
                reason: .friendshipEnded(
                    SocialAPI.FriendshipEnded(account: .ann, friend: .bob, conversation: ConversationID(9)))),
        ]
        // As the version before wrote them: the reason was no part of the effect, and its number was not written at all.
        let rows = effects.map { effect in
            var row = FormerRow(kind: type(of: effect).kind, payload: effect.wireBytes)
            guard let reason = MessageEffect(effect)?.reason else { return row }
            row.eventKind = formerKind(reason)
            row.event = reason.content.wireBytes
            row.payload.removeLast(row.event.count + 2)
            return row
        }
        let bus = try await folder(rows)

        try await withSocialService(on: bus) { social in
            try await withFakeMessageService(on: bus) { messages in
                try await eventually("all is delivered") { try await messages.effects.count == effects.count }
                #expect(try await messages.effects == effects.compactMap { MessageEffect($0) })
            }
            // What is owed from now on has nothing beside it.
            #expect(try await social.events().isEmpty)
        }
    }
}
