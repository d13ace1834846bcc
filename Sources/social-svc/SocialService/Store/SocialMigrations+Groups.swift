import GRDB

extension SocialMigrations {
    /// - `chatGroup` is what social-svc knows of a conversation of the kind `group`; one that is dissolved stays, because
    ///   its conversation stays.
    /// - `member.id` ascends with the joining, whatever the clock does: who has been in longest has the smallest. `role` is
    ///   the wire value of `SocialAPI.Role`, so that owner, admins and members sort in this order; the partial index is
    ///   the rule "at most one owner".
    /// - `joinRequest` keeps what was decided; the partial index is the rule "at most one pending".
    /// - `friendGroup` is built anew: its names become bytes, as every text from users is.
    static func createGroups(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE TABLE cancelledAccount (
                    account INTEGER PRIMARY KEY,
                    cancelledAt INTEGER NOT NULL
                ) STRICT;

                CREATE TABLE chatGroup (
                    conversation INTEGER PRIMARY KEY REFERENCES conversation (id),
                    name BLOB NOT NULL,
                    createdAt INTEGER NOT NULL,
                    dissolvedAt INTEGER
                ) STRICT;

                CREATE TABLE member (
                    id INTEGER PRIMARY KEY AUTOINCREMENT,
                    conversation INTEGER NOT NULL REFERENCES chatGroup (conversation),
                    account INTEGER NOT NULL,
                    role INTEGER NOT NULL CHECK (role IN (1, 2, 3)),
                    joinedAt INTEGER NOT NULL,
                    UNIQUE (conversation, account)
                ) STRICT;
                CREATE UNIQUE INDEX member_owner ON member (conversation) WHERE role = 1;
                CREATE INDEX member_byRole ON member (conversation, role, id);
                CREATE INDEX member_byAccount ON member (account, conversation, role);

                CREATE TABLE announcement (
                    id INTEGER PRIMARY KEY AUTOINCREMENT,
                    conversation INTEGER NOT NULL REFERENCES chatGroup (conversation),
                    author INTEGER NOT NULL,
                    body BLOB NOT NULL,
                    publishedAt INTEGER NOT NULL
                ) STRICT;
                CREATE INDEX announcement_byConversation ON announcement (conversation, id);

                CREATE TABLE joinRequest (
                    id INTEGER PRIMARY KEY AUTOINCREMENT,
                    conversation INTEGER NOT NULL REFERENCES chatGroup (conversation),
                    inviter INTEGER NOT NULL,
                    invited INTEGER NOT NULL,
                    state TEXT NOT NULL CHECK (state IN ('pending', 'accepted', 'refused', 'cancelled')),
                    createdAt INTEGER NOT NULL,
                    decidedAt INTEGER,
                    CHECK ((state = 'pending') = (decidedAt IS NULL))
                ) STRICT;
                CREATE UNIQUE INDEX joinRequest_pending ON joinRequest (conversation, invited, inviter)
                    WHERE state = 'pending';
                CREATE INDEX joinRequest_pendingById ON joinRequest (conversation, id) WHERE state = 'pending';
                CREATE INDEX joinRequest_pendingByInvited ON joinRequest (invited) WHERE state = 'pending';
                CREATE INDEX joinRequest_pendingByInviter ON joinRequest (inviter) WHERE state = 'pending';

                CREATE TABLE friendGroupOfBytes (
                    id INTEGER PRIMARY KEY AUTOINCREMENT,
                    owner INTEGER NOT NULL,
                    name BLOB NOT NULL,
                    UNIQUE (owner, name),
                    UNIQUE (owner, id)
                ) STRICT;
                INSERT INTO friendGroupOfBytes SELECT id, owner, CAST(name AS BLOB) FROM friendGroup;
                DROP TABLE friendGroup;
                ALTER TABLE friendGroupOfBytes RENAME TO friendGroup;
                """)
    }
}
