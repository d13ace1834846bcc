package import ArgumentParser

/// The tool that operates Martlet.
///
/// Exit status: 0 done · 1 it could not be done, and standard error says why · 64 wrong usage (`EX_USAGE`).
package struct Martlet: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "martlet",
        abstract: "Operates Martlet, a self-hosted instant-messaging backend.",
        subcommands: [RunCommand.self])

    package init() {}
}
