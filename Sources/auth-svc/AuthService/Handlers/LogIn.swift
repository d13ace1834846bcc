import Logging
import Shared
import SharedCrypto

extension AuthHandlers {
    /// Opens a session for a name and password and signs its token.
    func logIn(_ request: AuthAPI.LogIn, _ call: BusCall) async throws(ServiceError) -> AuthAPI.LogIn.Reply {
        var who: Logger.Metadata = ["account": "unknown", "address": "\(request.address)"]
        do throws(ServiceError) {
            let account = try await account(of: request)
            if let account { who["account"] = "\(account)" }
            let attempt = LogInAttempt(request, to: account, from: try await origin(of: request, to: account))
            try await limits?.begin(attempt.told)
            defer { limits?.end(attempt.told) }
            let (opening, opened) = try await admitted(request, to: account, attempt, call)
            let token = try accessToken(
                for: opened.session, of: opening.account, opening.dialect, ends: opening.ends, now: opening.openedAt,
                call)
            logger.info("logged in", metadata: metadata(call, who.merging(["session": "\(opened.session)"]) { $1 }))
            return AuthAPI.LogIn.Reply(
                session: opened.session, token: token, expiresAt: opening.ends.token / 1_000,
                expiresIn: opening.ends.tokenSeconds(from: opening.openedAt),
                refreshToken: opening.refreshToken?.text, profile: opened.profile)
        } catch {
            logger.info("log-in refused", metadata: metadata(call, who.merging(["reason": "\(error.code)"]) { $1 }))
            throw error
        }
    }

    private func account(of request: AuthAPI.LogIn) async throws(ServiceError) -> AccountID? {
        guard AccountRules.isPossible(request.name, as: request.kind) else { return nil }
        return try await store.account(named: request.name, as: request.kind)
    }

    /// The session of those whom name and password belong to. Only wrong credentials are a failure and count, not an
    /// overload or a second log-in; they are counted before they are told.
    private func admitted(
        _ request: AuthAPI.LogIn, to account: AccountID?, _ attempt: LogInAttempt, _ call: BusCall
    ) async throws(ServiceError) -> (SessionOpening, OpenedSession) {
        try await withUnchangedRecord { () async throws(ServiceError) in
            let known: Credentials? = if let account { try await store.credentials(of: account) } else { nil }
            // Unknown names and impossible passwords take the time of a wrong password, so that time tells nothing.
            let isRight = try await isRight(request.password, against: known?.password, call)
            guard let known, isRight, try await mayBeTold(attempt, call) else {
                try await limits?.count(attempt.subjects)
                throw ServiceError(known == nil ? .accountNotFound : .wrongCredentials)
            }
            let upgrade = try await upgradedRecord(of: known, request.password)
            let terms = configuration.terms(for: request.dialect)
            let opening = SessionOpening(
                request, account: known.account, terms: terms, maxSessions: configuration.maxSessions,
                refreshToken: terms.refreshing == nil ? nil : try newRefreshToken(call), now: now)
            return try await store.open(
                opening, checkedAgainst: known.password, upgrade: upgrade, until: call.deadline
            ).map { (opening, $0) }
        }
    }

    /// Whether the right password may be told from a wrong one: not when the account has been guessed at too often under
    /// all of its names together.
    private func mayBeTold(_ attempt: LogInAttempt, _ call: BusCall) async throws(ServiceError) -> Bool {
        guard let limits, let subject = attempt.silent, try await limits.isFull(subject) else { return true }
        logger.info("a right password was refused as wrong, after too many wrong ones", metadata: metadata(call, [:]))
        return false
    }

    /// A record of the present cost when the stored one is weaker and there is time to make it.
    private func upgradedRecord(
        of credentials: Credentials, _ password: String
    ) async throws(ServiceError) -> PasswordRecord? {
        guard credentials.password.needsUpgrade(to: hasher.cost) else { return nil }
        // Without it the log-in is as good as before, and the next one tries again.
        return try? await hasher.hash(password)
    }
}
