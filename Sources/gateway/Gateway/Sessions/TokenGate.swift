import Logging
import Shared
import SharedCrypto
import Synchronization

/// Who is behind a request, as its access token proves.
struct Session: Sendable, Hashable {
    let id: SessionID
    let account: AccountID
    /// The dialect in which it was opened, as tokens call it.
    let dialect: String
    /// When the token expires, in seconds since 1970 by auth-svc's clock.
    let expiresAt: Int64
}

extension Session {
    fileprivate init(_ claims: AccessClaims) {
        self.init(
            id: SessionID(claims.session), account: AccountID(claims.account), dialect: claims.dialect,
            expiresAt: claims.expiresAt)
    }
}

/// Verifies access tokens with auth-svc's public keys and knows which sessions were revoked; it cannot mint any.
final class TokenGate: Sendable {
    /// What a token is worth.
    enum Verdict: Sendable, Hashable {
        case live(Session)
        /// Well signed, but its session was revoked or has expired.
        case over(Session)
        case invalid
        /// Keys or revocations are not known yet.
        case unavailable
    }

    /// Verified tokens that are remembered, so that a signature is checked once and not with every request.
    private static let maxRemembered = 20_000
    /// Pause between two fetches of keys that an unknown key id may cause: so long the last one counts.
    private static let keyFetchInterval = Duration.seconds(1)
    private static let retryInterval = Duration.milliseconds(100)
    /// New revocations between two looks for expired ones.
    private static let revocationStride = 4_096
    /// Pause between two reports of the sessions that were used.
    private static let seenInterval = Duration.seconds(60)
    /// Sessions of one ``AuthAPI/NoteSeen``.
    private static let maxSeenAtOnce = 1_000
    /// Sessions that wait to be reported; what is used beyond them is not noted.
    private static let maxSeen = 100_000

    private struct State {
        var verifier: TokenVerifier?
        var remembered: [String: Session] = [:]
        /// Revoked sessions and when their tokens expire; as far as events have told until auth-svc's list was read.
        var revoked: [SessionID: Int64] = [:]
        var hasReadRevocations = false
        /// The time by which all of them expire; `nil` before anything was heard of it.
        var clock: HeardClock?
        /// Sessions used since the last report.
        var seen: Set<SessionID> = []
        /// The last fetch of keys that an unknown one caused, and whether it succeeded.
        var keyFetch: Task<Bool, Never>?
        /// When it does not count any more; `nil` while it is under way.
        var nextKeyFetch: MonotonicTime?

        /// Seconds since 1970 by auth-svc's clock; 0, when nothing has expired, before anything was heard of it.
        var now: Int64 { clock?.seconds() ?? 0 }

        /// The verdict on a session whose token is well signed; notes that it was used.
        mutating func judge(_ session: Session) -> Verdict {
            guard session.expiresAt > now, revoked[session.id] == nil else { return .over(session) }
            if seen.count < maxSeen { seen.insert(session.id) }
            return .live(session)
        }

        /// Expired tokens need no revocation any more.
        mutating func forgetExpiredRevocations() {
            let now = now
            revoked = revoked.filter { $0.value > now }
        }
    }

    private let auth: BusClient
    private let logger: Logger
    private let state = Mutex(State())

    init(auth: BusClient, logger: Logger) {
        self.auth = auth
        self.logger = logger
    }

    /// Whether tokens can be judged at all: part of the gateway's readiness.
    var isReady: Bool { state.withLock { $0.verifier != nil && $0.hasReadRevocations } }

    /// Judges a token; asks auth-svc only when it is signed with a key not seen before.
    func judge(_ token: String, _ context: CallContext) async -> Verdict {
        if let verdict = judge(token) { return verdict }
        guard await latestKeyFetch(context).value else { return .unavailable }
        return judge(token) ?? .invalid
    }

    /// Whose a token is that was found good before; says nothing of what it is worth now.
    func knownAccount(of token: String) -> AccountID? {
        state.withLock { $0.remembered[token]?.account }
    }

    /// Forgets a session's tokens at once. Idempotent.
    func revoke(_ session: SessionID, expiresAt: Int64) {
        state.withLock { state in
            // Who ends another session than his own knows less about its last token than the event.
            let known = state.revoked[session]
            state.revoked[session] = max(known ?? expiresAt, expiresAt)
            guard known == nil else { return }
            // Now and then, because it looks at all of them.
            guard state.revoked.count % Self.revocationStride == 0 else { return }
            state.forgetExpiredRevocations()
        }
    }

    /// Seconds that are left of the token a session was proved by.
    func secondsLeft(of session: Session) -> Int64 { max(0, session.expiresAt - state.withLock { $0.now }) }

    /// Whether a session proved by a token may go on with it.
    func isLive(_ session: Session) -> Bool { secondsLeft(of: session) > 0 && !isRevoked(session.id) }

    func isRevoked(_ session: SessionID) -> Bool {
        state.withLock { $0.revoked[session] != nil }
    }

    /// Reads keys and revocations from auth-svc, and again until it succeeds or the task is cancelled.
    func synchronize() async {
        while !Task.isCancelled {
            do throws(ServiceError) {
                try await fetchKeys(CallContext(trace: ""))
                try await readRevocations()
                return
            } catch {
                logger.debug("waiting for auth-svc", metadata: ["reason": "\(error)"])
                // Ends early only with the process.
                try? await Task.sleep(for: Self.retryInterval)
            }
        }
    }

    private func readRevocations() async throws(ServiceError) {
        // What is known already stays: an event may have been faster than the answers.
        state.withLock { $0.forgetExpiredRevocations() }
        var last: SessionID?
        repeat {
            let page = try await auth.call(AuthAPI.RevokedSessions(after: last), CallContext(trace: ""))
            state.withLock { state in
                // What this page leaves out because it has expired has expired here too.
                state.clock = HeardClock(page.now)
                for revocation in page.revocations { state.revoked[revocation.session] = revocation.expiresAt }
            }
            last = page.hasMore ? page.revocations.last?.session : nil
        } while last != nil
        state.withLock { $0.hasReadRevocations = true }
    }

    /// Tells auth-svc once a minute which sessions were used, and hears its time; once more when the task is cancelled.
    func reportSeenRegularly() async {
        while !Task.isCancelled {
            // Ends early only with the gateway.
            try? await Task.sleep(for: Self.seenInterval)
            await reportSeen()
        }
    }

    /// Tells auth-svc which sessions were used since the last report, be it none, and hears its time; what it cannot be
    /// told waits for the next one.
    func reportSeen() async {
        var rest = state.withLock { state in
            defer { state.seen = [] }
            return Array(state.seen)
        }[...]
        repeat {
            do throws(ServiceError) {
                let context = CallContext(trace: "", deadline: .after(.seconds(1)))
                let reply = try await auth.call(
                    AuthAPI.NoteSeen(sessions: Array(rest.prefix(Self.maxSeenAtOnce))), context)
                state.withLock { $0.clock = HeardClock(reply.now) }
            } catch {
                logger.debug("auth-svc does not know yet who was seen", metadata: ["reason": "\(error)"])
                return state.withLock { $0.seen.formUnion(rest) }
            }
            rest = rest.dropFirst(Self.maxSeenAtOnce)
        } while !rest.isEmpty
    }

    /// `nil` when the key is unknown.
    private func judge(_ token: String) -> Verdict? {
        let (known, verifier, now) = state.withLock { state -> (Verdict?, TokenVerifier?, Int64) in
            guard state.hasReadRevocations else { return (.unavailable, nil, 0) }
            guard let session = state.remembered[token] else { return (nil, state.verifier, state.now) }
            return (state.judge(session), nil, 0)
        }
        if let known { return known }
        guard let verifier else { return .unavailable }
        do throws(TokenError) {
            let session = Session(try verifier.verify(token, now: now))
            return state.withLock { state in
                if state.remembered.count >= Self.maxRemembered { state.remembered = [:] }
                state.remembered[token] = session
                return state.judge(session)
            }
        } catch {
            switch error {
            case .unknownKey: return nil
            case .expired(let claims): return .over(Session(claims))
            case .malformed, .badSignature, .wrongPurpose: return .invalid
            }
        }
    }

    /// The fetch that tells about an unknown key: the one under way or one just ended, else a new one. Whoever meets an
    /// unknown key meanwhile awaits the same answer, and nobody takes his token for invalid before it is there.
    private func latestKeyFetch(_ context: CallContext) -> Task<Bool, Never> {
        state.withLock { state in
            if let fetch = state.keyFetch, state.nextKeyFetch?.hasPassed != true { return fetch }
            let fetch = Task {
                let isDone: Bool
                do throws(ServiceError) {
                    try await fetchKeys(context)
                    isDone = true
                } catch {
                    logger.debug("an unknown key cannot be asked for", metadata: ["reason": "\(error)"])
                    isDone = false
                }
                self.state.withLock { $0.nextKeyFetch = .after(Self.keyFetchInterval) }
                return isDone
            }
            state.keyFetch = fetch
            state.nextKeyFetch = nil
            return fetch
        }
    }

    private func fetchKeys(_ context: CallContext) async throws(ServiceError) {
        var keys: [String: Ed25519PublicKey] = [:]
        for key in try await auth.call(AuthAPI.SigningKeys(), context).keys {
            do {
                keys[key.id] = try Ed25519PublicKey(rawBytes: key.publicKey.bytes)
            } catch {
                throw ServiceError(.internal, detail: "signing key \(key.id): \(error)")
            }
        }
        let verifier = TokenVerifier(keys: keys)
        state.withLock { $0.verifier = verifier }
    }
}
