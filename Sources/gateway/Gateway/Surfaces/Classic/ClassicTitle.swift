/// The title of a group that was given none.
enum ClassicTitle {
    /// Characters of the longest one.
    static let maxLength = 64

    /// The members' names in their order, whole as far as they fit; `…` stands for the rest.
    static func made(of names: [String]) -> String {
        var title = ""
        for name in names {
            let longer = title.isEmpty ? name : title + "、" + name
            // Room for the sign that something is missing.
            guard longer.unicodeScalars.count < maxLength else {
                return (title.isEmpty ? String(name.prefix(maxLength - 1)) : title) + "…"
            }
            title = longer
        }
        return title
    }
}
