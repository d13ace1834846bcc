import Foundation

/// What is going on, on standard error: standard output is for the results.
enum Progress {
    static func say(_ text: String) { FileHandle.standardError.write(Data("\(text) …\n".utf8)) }
}
