import GRDB

/// The schema of message-svc. A migration that has been released is never edited.
enum MessageMigrations {
    static func register(in migrator: inout DatabaseMigrator) {
        migrator.registerMigration("message-1") { db in
            try db.execute(
                sql: """
                    CREATE TABLE conversation (
                        id INTEGER PRIMARY KEY,
                        kind INTEGER NOT NULL CHECK (kind IN (1, 2)),
                        openedAt INTEGER NOT NULL,
                        closedAt INTEGER
                    ) STRICT;

                    CREATE TABLE participant (
                        conversationID INTEGER NOT NULL REFERENCES conversation,
                        accountID INTEGER NOT NULL,
                        -- Messages up to this one are history he found: neither unread nor handed out.
                        joinedAfter INTEGER NOT NULL,
                        readIndex INTEGER NOT NULL DEFAULT 0,
                        PRIMARY KEY (conversationID, accountID)
                    ) STRICT, WITHOUT ROWID;
                    CREATE INDEX participantByAccount ON participant (accountID, conversationID);

                    -- In arrival order, so that a group of sends dirties few pages; ids are never reused because
                    -- messages are never deleted: a recall only erases the text.
                    CREATE TABLE message (
                        id INTEGER PRIMARY KEY,
                        conversationID INTEGER NOT NULL REFERENCES conversation,
                        sequence INTEGER NOT NULL CHECK (sequence > 0),
                        senderID INTEGER NOT NULL,
                        text BLOB NOT NULL,
                        replyTo INTEGER,
                        sentAt INTEGER NOT NULL,
                        clientID TEXT,
                        recalledAt INTEGER
                    ) STRICT;
                    CREATE UNIQUE INDEX messageBySequence ON message (conversationID, sequence);
                    CREATE UNIQUE INDEX messageByClientID ON message (senderID, conversationID, clientID)
                        WHERE clientID IS NOT NULL;
                    CREATE INDEX messageByReplyTarget ON message (replyTo) WHERE replyTo IS NOT NULL;

                    CREATE TABLE hiddenMessage (
                        accountID INTEGER NOT NULL,
                        messageID INTEGER NOT NULL REFERENCES message,
                        PRIMARY KEY (accountID, messageID)
                    ) STRICT, WITHOUT ROWID;

                    CREATE TABLE handOver (
                        accountID INTEGER PRIMARY KEY,
                        messageID INTEGER NOT NULL
                    ) STRICT;
                    """)
        }
    }
}
