import GRDB

extension SocialMigrations {
    /// - `block.id` ascends with the blocking, whatever the clock does: the latest has the greatest.
    /// - `noticeClaim` has one row: the last claim given to a notice connection.
    /// - `chatGroup` is built anew: every group has a unique handle, and those that exist get their default. One that is
    ///   dissolved keeps its handle.
    /// - `joinRequest.message` is what an applicant says for himself, `friendship.remark` what the owner calls the friend.
    /// - `friendRequest` is listed whatever has become of it; the index by state serves the pending ones too.
    static func createBlocksAndHandles(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE TABLE block (
                    id INTEGER PRIMARY KEY AUTOINCREMENT,
                    account INTEGER NOT NULL,
                    target INTEGER NOT NULL,
                    blockedAt INTEGER NOT NULL,
                    UNIQUE (account, target),
                    CHECK (account <> target)
                ) STRICT;
                CREATE INDEX block_byAccount ON block (account, id);

                CREATE TABLE noticeClaim (last INTEGER NOT NULL) STRICT;
                INSERT INTO noticeClaim VALUES (0);

                CREATE TABLE chatGroupWithHandle (
                    conversation INTEGER PRIMARY KEY REFERENCES conversation (id),
                    name BLOB NOT NULL,
                    handle BLOB NOT NULL UNIQUE,
                    introduction BLOB NOT NULL,
                    createdAt INTEGER NOT NULL,
                    dissolvedAt INTEGER
                ) STRICT;
                INSERT INTO chatGroupWithHandle
                    SELECT conversation, name, CAST('g' || conversation AS BLOB), X'', createdAt, dissolvedAt
                    FROM chatGroup;
                DROP TABLE chatGroup;
                ALTER TABLE chatGroupWithHandle RENAME TO chatGroup;

                ALTER TABLE joinRequest ADD COLUMN message BLOB NOT NULL DEFAULT X'';
                ALTER TABLE friendship ADD COLUMN remark BLOB NOT NULL DEFAULT X'';

                DROP INDEX friendRequest_pendingByTarget;
                CREATE INDEX friendRequest_byTarget ON friendRequest (target, id);
                CREATE INDEX friendRequest_byTargetAndState ON friendRequest (target, state, id);
                """)
    }
}
