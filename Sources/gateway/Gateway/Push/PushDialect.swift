import NIOCore
import Shared

/// How a dialect speaks on its push connections.
protocol PushDialect: Sendable {
    var name: Dialect { get }
    /// What it says about an event, and to whom; nothing when it does not speak of it.
    func pushes(about event: BackendEvent, _ names: PushNames) -> [Push]
    /// How a connection whose session is over is closed.
    var sessionOver: WebSocketEnd { get }
    /// How long a connection may live whose session goes on with other tokens, that is, one opened in this dialect;
    /// `nil`: until its token expires, as all others do.
    var maxLifetime: Duration? { get }
    /// How a connection that reads too slowly is closed.
    var tooSlowCode: WebSocketCloseCode { get }
    /// The names a push about an event shows; those of people and of the group it is about, unless it says otherwise.
    func subjects(of event: BackendEvent) -> PushSubjects
    /// Set when an account has one connection of this dialect at most, and message-svc keeps its place.
    var exclusivity: PushExclusivity? { get }
}

extension PushDialect {
    var maxLifetime: Duration? { nil }
    var exclusivity: PushExclusivity? { nil }

    func subjects(of event: BackendEvent) -> PushSubjects { event.subjects }
}

extension PushDialect {
    /// How long a connection may live that is opened now.
    ///
    /// - Parameter secondsLeft: of its token.
    func lifetime(of session: Session, secondsLeft: Int64) -> Duration {
        if let maxLifetime, session.dialect == name.description { return maxLifetime }
        return .seconds(secondsLeft)
    }
}

/// How the older of two connections has to go.
struct PushExclusivity: Sendable {
    let closeCode: WebSocketCloseCode
    /// The last frame it gets.
    let farewell: @Sendable (AccountID) -> WebSocketFrameBytes
}

/// Something to say to some of the accounts connected here.
struct Push {
    let audience: Audience
    /// Called once, when there is somebody to say it to.
    let frame: () -> PushFrame

    init(to audience: Audience, _ frame: @escaping () -> PushFrame) {
        self.audience = audience
        self.frame = frame
    }

    /// `{"type": …, "<member>": {…}}`, the same for everyone.
    ///
    /// - Parameter fields: writes what is in the member.
    init(
        _ type: String, _ member: String, to audience: Audience, _ fields: @escaping (inout JSONWriter) -> Void
    ) {
        self.init(to: audience) {
            .common(
                WebSocketFrameBytes { json in
                    json.object {
                        $0.field("type", type)
                        $0.object(member, fields)
                    }
                })
        }
    }
}

/// Whom something concerns.
enum Audience: Sendable {
    case accounts([AccountID])
    /// Those who take part in a conversation, as far as this gateway knows by now.
    case members(ConversationID, besides: Set<AccountID> = [])
}

/// The bytes of a push.
enum PushFrame {
    /// The same for everyone: encoded once and never copied.
    case common(WebSocketFrameBytes)
    /// Encoded once but for the recipient's id, which belongs in at an offset.
    case addressed(text: ByteBuffer, at: Int)

    /// The frame as one account gets it.
    func bytes(for account: AccountID) -> WebSocketFrameBytes {
        switch self {
        case .common(let bytes): bytes
        case .addressed(let text, let offset): WebSocketFrameBytes(text: text, inserting: "\(account)", at: offset)
        }
    }
}

/// Whose names something shows.
struct PushSubjects {
    var people: [AccountID] = []
    var group: ConversationID?

    static let none = PushSubjects()
}

/// What pushes call people and groups: what was fetched for the purpose, and what is in memory.
struct PushNames {
    /// What is neither in memory nor asked for yet.
    struct Missing {
        var people: Set<AccountID> = []
        var groups: Set<ConversationID> = []

        var isEmpty: Bool { people.isEmpty && groups.isEmpty }
    }

    private let profiles: ProfileCache
    private let groups: GroupCache
    /// What was asked for; `nil` for what nobody has or could tell.
    private var fetchedProfiles: [AccountID: Profile?] = [:]
    private var fetchedGroups: [ConversationID: SocialAPI.GroupInfo?] = [:]

    init(profiles: ProfileCache, groups: GroupCache) {
        self.profiles = profiles
        self.groups = groups
    }

    /// `nil` when nobody could be asked in time; the push goes without.
    func profile(of account: AccountID) -> Profile? { fetchedProfiles[account] ?? profiles.cached(account) }

    /// `nil` for what is no group, or when nobody could be asked in time.
    func group(_ conversation: ConversationID) -> SocialAPI.GroupInfo? {
        fetchedGroups[conversation] ?? groups.cached(conversation)
    }

    /// Whether one of these names has to be asked for.
    func lacksSome(of subjects: PushSubjects) -> Bool {
        subjects.people.contains(where: isMissing) || subjects.group.map(isMissing) == true
    }

    func missing(for subjects: some Sequence<PushSubjects>) -> Missing {
        var missing = Missing()
        for subject in subjects {
            missing.people.formUnion(subject.people.filter(isMissing))
            if let group = subject.group, isMissing(group) { missing.groups.insert(group) }
        }
        return missing
    }

    /// Keeps what is in memory of some subjects, whatever is forgotten later.
    mutating func keep(_ subjects: PushSubjects) {
        for person in subjects.people where fetchedProfiles[person] == nil {
            if let profile = profiles.cached(person) { fetchedProfiles[person] = profile }
        }
        if let group = subjects.group, fetchedGroups[group] == nil, let info = groups.cached(group) {
            fetchedGroups[group] = info
        }
    }

    mutating func add(
        _ people: [AccountID: Profile], _ groups: [ConversationID: SocialAPI.GroupInfo], for missing: Missing
    ) {
        for account in missing.people { fetchedProfiles[account] = .some(people[account]) }
        for group in missing.groups { fetchedGroups[group] = .some(groups[group]) }
    }

    private func isMissing(_ account: AccountID) -> Bool {
        fetchedProfiles[account] == nil && profiles.cached(account) == nil
    }

    private func isMissing(_ group: ConversationID) -> Bool {
        fetchedGroups[group] == nil && groups.cached(group) == nil
    }
}
