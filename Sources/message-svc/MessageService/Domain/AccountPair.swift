import Shared

/// Two accounts, whoever of them is named first.
struct AccountPair: Sendable, Hashable {
    let smaller: AccountID
    let greater: AccountID

    init(_ one: AccountID, _ other: AccountID) {
        smaller = min(one, other)
        greater = max(one, other)
    }

    /// The pair that these accounts are; `nil` when they are not two.
    init?(_ accounts: Set<AccountID>) {
        guard accounts.count == 2, let smaller = accounts.min(), let greater = accounts.max() else { return nil }
        self.init(smaller, greater)
    }
}
