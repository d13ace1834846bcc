import GRDB
import Shared

/// The schema of auth-svc. A migration that has shipped is never changed; the next one follows it.
enum AuthMigrations {
    static func register(in migrator: inout DatabaseMigrator) {
        migrator.registerMigration("auth-1", migrate: createTables)
        migrator.registerMigration("auth-2", migrate: rememberPictureVersions)
        migrator.registerMigration("auth-3", migrate: addRefreshTokens)
        migrator.registerMigration("auth-4", migrate: rememberPictureForms)
        migrator.registerMigration("auth-5", migrate: foldNicknames)
        migrator.registerMigration("auth-6", migrate: rememberAttempts)
    }

    /// A picture comes back as it came: the clients that send data URLs show nothing else.
    private static func rememberPictureForms(_ db: Database) throws {
        try db.execute(
            sql: "ALTER TABLE picture ADD COLUMN isDataURL INTEGER NOT NULL DEFAULT 0 CHECK (isDataURL IN (0, 1))")
    }

    /// Failures outlive a restart, and so does the clock that says when they are forgotten.
    private static func rememberAttempts(_ db: Database) throws {
        try db.execute(
            sql: """
                -- One row: how far the clock of all times here has come.
                CREATE TABLE clock (reached INTEGER NOT NULL) STRICT;
                INSERT INTO clock SELECT max(
                    (SELECT coalesce(max(createdAt), 0) FROM account),
                    (SELECT coalesce(max(max(createdAt, lastSeenAt, coalesce(revokedAt, 0))), 0) FROM session));

                -- What a registration or a failed log-in was counted for, as a digest; a subject that is counted again
                -- gets the greatest number.
                CREATE TABLE rateRecord (
                    number INTEGER PRIMARY KEY,
                    subject BLOB NOT NULL UNIQUE CHECK (length(subject) = 32),
                    times TEXT NOT NULL,
                    fills INTEGER NOT NULL,
                    endsAt INTEGER NOT NULL
                ) STRICT;
                CREATE INDEX rateRecordEnd ON rateRecord (endsAt);

                -- Where each was opened; unknown for those from before.
                ALTER TABLE session ADD COLUMN network TEXT NOT NULL DEFAULT '';
                CREATE INDEX sessionNetwork ON session (account, network);
                """)
    }

    /// What searches compare; SQLite itself knows the case of ASCII alone. Nobody looks for who has cancelled his account.
    private static func foldNicknames(_ db: Database) throws {
        let folded = DatabaseFunction("folded", argumentCount: 1) { arguments in
            String.fromDatabaseValue(arguments[0]).map { FoldedText($0).text }
        }
        db.add(function: folded)
        defer { db.remove(function: folded) }
        try db.execute(
            sql: """
                ALTER TABLE account ADD COLUMN foldedNickname TEXT NOT NULL DEFAULT '';
                UPDATE account SET foldedNickname = folded(nickname) WHERE cancelledAt IS NULL;
                """)
    }

    /// Sessions that are refreshed outlive their access tokens, so the two have ends of their own.
    private static func addRefreshTokens(_ db: Database) throws {
        try db.execute(
            sql: """
                -- When the last of its access tokens expires: so long the gateways must know that it was revoked.
                ALTER TABLE session ADD COLUMN tokenExpiresAt INTEGER NOT NULL DEFAULT 0;
                ALTER TABLE session ADD COLUMN lastSeenAt INTEGER NOT NULL DEFAULT 0;
                UPDATE session SET tokenExpiresAt = expiresAt, lastSeenAt = createdAt;
                CREATE INDEX sessionRevocation ON session (tokenExpiresAt) WHERE revokedAt IS NOT NULL;

                -- The generations of a session are numbered from 1, the newest ones are kept. Neither retired nor void
                -- is live; answeredAt is when a successor was last issued.
                CREATE TABLE refreshToken (
                    session INTEGER NOT NULL REFERENCES session (id),
                    generation INTEGER NOT NULL CHECK (generation > 0),
                    digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
                    retiredAt INTEGER,
                    answeredAt INTEGER,
                    voidedAt INTEGER,
                    PRIMARY KEY (session, generation),
                    CHECK ((retiredAt IS NULL) = (answeredAt IS NULL)),
                    CHECK (retiredAt IS NULL OR voidedAt IS NULL)
                ) STRICT, WITHOUT ROWID;
                CREATE UNIQUE INDEX refreshTokenLive ON refreshToken (session)
                    WHERE retiredAt IS NULL AND voidedAt IS NULL;
                """)
    }

    /// A picture that was removed has taken its version with it, but no version may be given twice: the gateway lets
    /// everybody cache one for ever.
    private static func rememberPictureVersions(_ db: Database) throws {
        try db.execute(
            sql: """
                ALTER TABLE account ADD COLUMN lastPictureVersion INTEGER NOT NULL DEFAULT 0;
                UPDATE account SET lastPictureVersion = version FROM picture WHERE picture.account = account.id;
                """)
    }

    private static func createTables(_ db: Database) throws {
        // Times are milliseconds since 1970. AUTOINCREMENT: the number of an account or session is never given again.
        try db.execute(
            sql: """
                CREATE TABLE account (
                    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id BETWEEN 1 AND 9007199254740991),
                    userName TEXT NOT NULL CHECK (userName <> ''),
                    nickname TEXT NOT NULL,
                    uid TEXT NOT NULL UNIQUE,
                    phoneNumber TEXT NOT NULL,
                    ownsPhone INTEGER NOT NULL CHECK (ownsPhone IN (0, 1)),
                    email TEXT NOT NULL,
                    sex INTEGER NOT NULL DEFAULT -1 CHECK (sex IN (-1, 0, 1)),
                    sign TEXT NOT NULL DEFAULT '',
                    password TEXT NOT NULL,
                    createdAt INTEGER NOT NULL,
                    cancelledAt INTEGER
                ) STRICT;
                -- A cancelled account gives its name free.
                CREATE UNIQUE INDEX accountUserName ON account (userName) WHERE cancelledAt IS NULL;
                -- Many may carry a number, one may log in with it.
                CREATE UNIQUE INDEX accountPhoneOwner ON account (phoneNumber) WHERE ownsPhone = 1;

                CREATE TABLE picture (
                    account INTEGER PRIMARY KEY REFERENCES account (id),
                    version INTEGER NOT NULL CHECK (version > 0),
                    mediaType TEXT NOT NULL,
                    content BLOB NOT NULL
                ) STRICT;

                CREATE TABLE session (
                    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id BETWEEN 1 AND 9007199254740991),
                    account INTEGER NOT NULL REFERENCES account (id),
                    dialect INTEGER NOT NULL,
                    device TEXT NOT NULL,
                    createdAt INTEGER NOT NULL,
                    expiresAt INTEGER NOT NULL CHECK (expiresAt > createdAt),
                    revokedAt INTEGER
                ) STRICT;
                CREATE INDEX sessionAccount ON session (account, dialect);
                CREATE INDEX sessionExpiry ON session (expiresAt);
                """)
    }
}
