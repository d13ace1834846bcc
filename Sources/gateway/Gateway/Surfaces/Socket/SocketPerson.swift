import Shared

/// An account as this dialect shows it: texts throughout, and a picture always.
struct SocketPerson: Sendable {
    let id: String
    private let profile: Profile?

    /// - Parameter profile: `nil` when nobody could tell it.
    init(_ account: AccountID, _ profile: Profile?) {
        id = "\(account)"
        self.profile = profile
    }

    var username: String { profile?.userName ?? "" }
    var nickname: String { profile?.nickname ?? "" }

    var headImg: String {
        let address = profile.map(MediaEndpoint.address) ?? ""
        return address.isEmpty ? MediaEndpoint.defaultAddress : address
    }

    /// `username`, `nickname`, `headImg`.
    func writeNames(to json: inout JSONWriter) {
        json.field("username", username)
        json.field("nickname", nickname)
        json.field("headImg", headImg)
    }

    /// `sex`, `sign`.
    func writeDescription(to json: inout JSONWriter) {
        json.field("sex", "\(profile?.sex ?? -1)")
        json.field("sign", profile?.sign ?? "")
    }
}

/// A group as this dialect shows it.
struct SocketGroup: Sendable {
    private let id: String
    private let info: SocialAPI.GroupInfo?
    /// What it is called where nobody could tell more.
    private let name: String

    init(_ conversation: ConversationID, _ info: SocialAPI.GroupInfo?, name: String = "") {
        id = "\(conversation)"
        self.info = info
        self.name = name
    }

    /// `groupId`, `groupNickname`, `groupName`.
    func writeNames(to json: inout JSONWriter) {
        json.field("groupId", id)
        json.field("groupNickname", info?.name ?? name)
        json.field("groupName", info?.handle ?? "")
    }

    /// `groupHeadImg`: groups have none of their own.
    func writePicture(to json: inout JSONWriter) {
        json.field("groupHeadImg", MediaEndpoint.defaultAddress)
    }

    /// `introduction`.
    func writeIntroduction(to json: inout JSONWriter) {
        json.field("introduction", info?.introduction ?? "")
    }

    /// `ownerUserId`; empty for a group that is dissolved.
    func writeOwner(to json: inout JSONWriter) {
        json.field("ownerUserId", info?.owner.map { "\($0)" } ?? "")
    }

}

extension SocialAPI.Role {
    /// The word for a role.
    var socketName: String {
        switch self {
        case .owner: "owner"
        case .admin: "admin"
        case .member: "member"
        }
    }
}
