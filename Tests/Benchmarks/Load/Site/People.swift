import Foundation

/// Somebody who is logged in.
struct Account {
    let id: Int
    let name: String
    let token: String
}

/// Two friends; `conversation` is theirs.
struct Pair {
    let sender: Account
    let receiver: Account
    let conversation: Int
}

/// A group and whoever may speak for all of it.
struct Group {
    let owner: Account
    let members: ArraySlice<Account>
    let conversation: Int
}

/// The accounts of a site, made through the public API as they are needed and used by one workload after another.
final class People {
    /// Ids in one request.
    private static let maxNamed = 500

    let api: SetUpAPI
    private var pairs: [Pair] = []
    private var crowd: [Account] = []
    private var hubs: [Int: Account] = [:]
    private var friendsOfHub: [Int: Int] = [:]
    private var nameCount = 0
    /// Of all accounts; as the registration of `classic` wants it.
    private let password = "secret123"

    init(_ api: SetUpAPI) { self.api = api }

    /// So many pairs of friends, nobody in two of them.
    func pairs(_ count: Int) throws -> ArraySlice<Pair> {
        if count > pairs.count { pairs += try newPairs(count - pairs.count) }
        return pairs[..<count]
    }

    /// Pairs of friends who have not written to each other and are not given out again.
    func newPairs(_ count: Int) throws -> [Pair] {
        Progress.say("making \(count) pairs of friends")
        let receivers = try accounts(count)
        let senders = try accounts(count)
        let conversations = try befriend(Array(zip(receivers, senders)))
        return (0..<count).map {
            Pair(sender: senders[$0], receiver: receivers[$0], conversation: conversations[$0])
        }
    }

    /// So many accounts that are in none of the pairs.
    func crowd(_ count: Int) throws -> ArraySlice<Account> {
        let missing = count - crowd.count
        if missing > 0 {
            Progress.say("making \(missing) accounts")
            crowd += try accounts(missing)
        }
        return crowd[..<count]
    }

    /// Somebody who is a friend of so many of the crowd, and nobody else's.
    ///
    /// - Parameter number: which of several such people.
    func hub(_ number: Int, friends count: Int) throws -> Account {
        let crowd = try crowd(count)
        let hub: Account
        if let known = hubs[number] {
            hub = known
        } else {
            hub = try accounts(1)[0]
            hubs[number] = hub
        }
        let present = friendsOfHub[number] ?? 0
        if count > present {
            Progress.say("making \(count - present) friends of one account")
            _ = try befriend(crowd[present...].map { ($0, hub) })
            friendsOfHub[number] = count
        }
        return hub
    }

    /// A new group of a hub and some of his friends.
    func group(_ hub: Account, _ members: ArraySlice<Account>) throws -> Group {
        Progress.say("making a group of \(members.count + 1)")
        let ids = members.map(\.id)
        let first = ids.prefix(Self.maxNamed)
        let created = try api.call(
            .init(
                "PUT", "/conversation/create_conversation", hub,
                #"{"friendIds":\#(Array(first)),"conversationName":"load"}"#))
        let conversation = try id("conversation_id", in: created)
        for start in stride(from: first.count, to: ids.count, by: Self.maxNamed) {
            let named = Array(ids[start..<min(start + Self.maxNamed, ids.count)])
            try api.call(
                .init(
                    "POST", "/conversation/invite_new_member", hub,
                    #"{"conversationId":\#(conversation),"newMemberIds":\#(named)}"#))
            try api.call(
                .init(
                    "POST", "/friend/handel_conversation_apply", hub,
                    #"{"conversationId":\#(conversation),"invitedUserIds":\#(named),"agree":"True"}"#))
        }
        return Group(owner: hub, members: members, conversation: conversation)
    }

    /// New accounts, logged in.
    func accounts(_ count: Int) throws -> [Account] {
        let names = (0..<count).map { "load\(nameCount + $0)" }
        nameCount += count
        try api.calls(
            names.map { name in
                .init(
                    "PUT", "/user/register", nil,
                    """
                    {"userName":"\(name)","password":"\(password)","ensurePassword":"\(password)",\
                    "phoneNumber":"13243218765","email":"","picture":""}
                    """)
            })
        return try api.calls(names.map { .init("POST", "/user/login", nil, logIn($0)) }).enumerated().map {
            guard let token = $1["token"] as? String else { throw BenchmarkFailure("log-in: \($1)") }
            return Account(id: try id("userId", in: $1), name: names[$0], token: token)
        }
    }

    /// The body of a log-in.
    func logIn(_ name: String) -> String { #"{"userName":"\#(name)","password":"\#(password)"}"# }

    /// Makes friends; returns their conversations.
    private func befriend(_ couples: [(applicant: Account, accepter: Account)]) throws -> [Int] {
        try api.calls(
            couples.map {
                .init("POST", "/friend/apply_friend", $0.applicant, #"{"applyUserName":"\#($0.accepter.name)"}"#)
            })
        return try api.calls(
            couples.map {
                .init(
                    "POST", "/friend/handel_apply", $0.accepter,
                    #"{"senderUserId":\#($0.applicant.id),"agree":"True"}"#)
            }
        ).map { try id("conversation_id", in: $0) }
    }

    private func id(_ field: String, in answer: [String: Any]) throws -> Int {
        if let number = answer[field] as? Int { return number }
        guard let text = answer[field] as? String, let number = Int(text) else {
            throw BenchmarkFailure("no \(field) in \(answer)")
        }
        return number
    }
}
