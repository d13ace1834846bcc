import GRDB

/// The schema of message-svc. A migration that has been released is never edited.
enum MessageMigrations {
    static func register(in migrator: inout DatabaseMigrator) {
        migrator.registerMigration("message-1", migrate: createTimelines)
        migrator.registerMigration("message-2", migrate: addPairsSilenceAndNotices)
        migrator.registerMigration("message-3", migrate: countWhatWasSent)
        migrator.registerMigration("message-4", migrate: rememberOpenings)
    }

    static func createTimelines(_ db: Database) throws {
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

    /// - `conversation.smallerID` and `greaterID` are those for whom a private conversation was opened, so that it is
    ///   found by them. Two open ones of the same pair are not for the schema to refuse: no effect may fail.
    /// - `notice` is for notice connections what `handOver` is for pulls.
    static func addPairsSilenceAndNotices(_ db: Database) throws {
        try db.execute(
            sql: """
                ALTER TABLE participant
                    ADD COLUMN isSilenced INTEGER NOT NULL DEFAULT 0 CHECK (isSilenced IN (0, 1));

                ALTER TABLE conversation ADD COLUMN smallerID INTEGER;
                ALTER TABLE conversation ADD COLUMN greaterID INTEGER;
                UPDATE conversation SET (smallerID, greaterID) = (
                    SELECT min(accountID), max(accountID) FROM participant WHERE conversationID = conversation.id)
                WHERE kind = 1 AND closedAt IS NULL
                AND (SELECT count(*) FROM participant WHERE conversationID = conversation.id) = 2;
                CREATE INDEX conversationByPair ON conversation (smallerID, greaterID)
                    WHERE closedAt IS NULL AND smallerID IS NOT NULL;

                CREATE TABLE notice (
                    accountID INTEGER PRIMARY KEY,
                    messageID INTEGER NOT NULL
                ) STRICT;
                """)
    }

    /// What counting unread messages without looking at them needs:
    /// - `sentCount`: how many messages of a conversation a sender had sent up to the end of a block of 64; a row for each
    ///   block in which he has sent any.
    /// - `messageByRecall`: the few that are recalled.
    /// - `hiddenMessage` by conversation, so that those hidden after a point are found.
    static func countWhatWasSent(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE TABLE sentCount (
                    conversationID INTEGER NOT NULL,
                    senderID INTEGER NOT NULL,
                    block INTEGER NOT NULL,
                    count INTEGER NOT NULL,
                    PRIMARY KEY (conversationID, senderID, block)
                ) STRICT, WITHOUT ROWID;
                INSERT INTO sentCount (conversationID, senderID, block, count)
                SELECT conversationID, senderID, block,
                    sum(sent) OVER (PARTITION BY conversationID, senderID ORDER BY block)
                FROM (
                    SELECT conversationID, senderID, (sequence + 63) / 64 AS block, count(*) AS sent
                    FROM message JOIN (
                        SELECT conversationID, max(sequence) / 64 * 64 AS counted FROM message GROUP BY conversationID
                    ) USING (conversationID)
                    WHERE sequence <= counted
                    GROUP BY conversationID, senderID, block
                );

                CREATE INDEX messageByRecall ON message (conversationID, sequence)
                    WHERE recalledAt IS NOT NULL;

                ALTER TABLE hiddenMessage RENAME TO formerHiddenMessage;
                CREATE TABLE hiddenMessage (
                    accountID INTEGER NOT NULL,
                    conversationID INTEGER NOT NULL,
                    messageID INTEGER NOT NULL REFERENCES message,
                    PRIMARY KEY (accountID, conversationID, messageID)
                ) STRICT, WITHOUT ROWID;
                INSERT INTO hiddenMessage (accountID, conversationID, messageID)
                SELECT accountID, conversationID, messageID
                FROM formerHiddenMessage JOIN message ON message.id = messageID
                ORDER BY 1, 2, 3;
                DROP TABLE formerHiddenMessage;
                """)
    }

    /// - `participant.opening` is the number of the event that brought an account in: openings are found in their order,
    ///   over an index that serves every other list of an account's conversations too. Those from before have negative
    ///   numbers, each account's in the order in which it joined.
    /// - `opening` is why, as far as it concerns the account; those from before have none.
    /// - `message.participantsChanged` is the former name of an event whose reason nobody knew.
    static func rememberOpenings(_ db: Database) throws {
        try db.execute(
            sql: """
                ALTER TABLE participant ADD COLUMN opening INTEGER NOT NULL DEFAULT 0;
                UPDATE participant SET opening = former.opening FROM (
                    SELECT conversationID, accountID, -row_number() OVER (
                        PARTITION BY accountID ORDER BY joinedAfter DESC, conversationID DESC) AS opening
                    FROM participant
                ) AS former
                WHERE former.conversationID = participant.conversationID AND former.accountID = participant.accountID;

                DROP INDEX participantByAccount;
                CREATE INDEX participantByAccount ON participant (accountID, opening, joinedAfter);

                CREATE TABLE opening (
                    accountID INTEGER NOT NULL,
                    conversationID INTEGER NOT NULL,
                    reason BLOB NOT NULL,
                    PRIMARY KEY (accountID, conversationID)
                ) STRICT, WITHOUT ROWID;

                UPDATE event SET kind = 'message.conversationChanged' WHERE kind = 'message.participantsChanged';
                """)
    }
}
