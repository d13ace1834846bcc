import GRDB

/// The schema of social-svc. Migrations are numbered and never edited once released.
enum SocialMigrations {
    static func register(in migrator: inout DatabaseMigrator) {
        migrator.registerMigration("social-1", migrate: createFriendships)
        migrator.registerMigration("social-2", migrate: createGroups)
        migrator.registerMigration("social-3", migrate: createBlocksAndHandles)
        migrator.registerMigration("social-4", migrate: moveReasonsIntoEffects)
        migrator.registerMigration("social-5", migrate: addWhatIsShown)
        migrator.registerMigration("social-6", migrate: foldGroupNames)
        migrator.registerMigration("social-7", migrate: createAnnouncedPresence)
    }

    /// - `conversation` allocates the ids of private conversations and groups alike; AUTOINCREMENT never reuses one.
    ///   `kind` is the wire value of `ConversationKind`.
    /// - `friendRequest` keeps what was decided; the partial index is the rule "at most one pending".
    /// - `friendship` has one row per direction: each side groups its friends for itself. A group with friends cannot be
    ///   deleted, and nobody can use another's: both are foreign keys.
    static func createFriendships(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE TABLE conversation (
                    id INTEGER PRIMARY KEY AUTOINCREMENT,
                    kind INTEGER NOT NULL CHECK (kind IN (1, 2)),
                    createdAt INTEGER NOT NULL
                ) STRICT;

                CREATE TABLE friendRequest (
                    id INTEGER PRIMARY KEY AUTOINCREMENT,
                    applicant INTEGER NOT NULL,
                    target INTEGER NOT NULL,
                    message BLOB NOT NULL,
                    state TEXT NOT NULL CHECK (state IN ('pending', 'accepted', 'refused', 'cancelled')),
                    createdAt INTEGER NOT NULL,
                    decidedAt INTEGER,
                    handedOver INTEGER NOT NULL DEFAULT 0 CHECK (handedOver IN (0, 1)),
                    CHECK (applicant <> target),
                    CHECK ((state = 'pending') = (decidedAt IS NULL))
                ) STRICT;
                CREATE UNIQUE INDEX friendRequest_pending ON friendRequest (applicant, target)
                    WHERE state = 'pending';
                CREATE INDEX friendRequest_pendingByTarget ON friendRequest (target, id) WHERE state = 'pending';

                CREATE TABLE friendGroup (
                    id INTEGER PRIMARY KEY AUTOINCREMENT,
                    owner INTEGER NOT NULL,
                    name TEXT NOT NULL,
                    UNIQUE (owner, name),
                    UNIQUE (owner, id)
                ) STRICT;

                CREATE TABLE friendship (
                    owner INTEGER NOT NULL,
                    friend INTEGER NOT NULL,
                    conversation INTEGER NOT NULL REFERENCES conversation (id),
                    friendGroup INTEGER NOT NULL,
                    since INTEGER NOT NULL,
                    PRIMARY KEY (owner, friend),
                    UNIQUE (conversation, owner),
                    FOREIGN KEY (owner, friendGroup) REFERENCES friendGroup (owner, id),
                    CHECK (owner <> friend)
                ) STRICT, WITHOUT ROWID;
                CREATE INDEX friendship_byGroup ON friendship (owner, friendGroup);
                """)
    }

    /// - `announcedOnline` is kept with the announcements, so that a restart knows what friends were told.
    static func createAnnouncedPresence(_ db: Database) throws {
        try db.execute(sql: "CREATE TABLE announcedOnline (account INTEGER PRIMARY KEY) STRICT")
    }
}
