import GRDB

extension SocialMigrations {
    /// - `friendRequest.isShown`: whether the one who was asked sees it. One of somebody he has blocked is withheld, and one
    ///   that is decided he may take off his list.
    /// - `friendGroup.isDeleted`: everybody has the default group, so that its deletion has to be remembered.
    static func addWhatIsShown(_ db: Database) throws {
        try db.execute(
            sql: """
                ALTER TABLE friendRequest ADD COLUMN isShown INTEGER NOT NULL DEFAULT 1 CHECK (isShown IN (0, 1));
                DROP INDEX friendRequest_byTarget;
                DROP INDEX friendRequest_byTargetAndState;
                CREATE INDEX friendRequest_byTarget ON friendRequest (target, isShown, id);
                CREATE INDEX friendRequest_byTargetAndState ON friendRequest (target, state, isShown, id);

                ALTER TABLE friendGroup ADD COLUMN isDeleted INTEGER NOT NULL DEFAULT 0 CHECK (isDeleted IN (0, 1));
                """)
    }
}
