import Glibc

/// How many files this process may have open at once, of which every connection is one.
package enum OpenFiles {
    /// What is asked of the system at most: nothing here could use more.
    private static let most: rlim_t = 1 << 20

    /// The limit as it is now; an operator can change it under a running process.
    package static var limit: Int { Int(clamping: limits.rlim_cur) }

    /// Raises the limit as far as the system lets this process. The usual one, 1,024, is a relic for programs that wait
    /// with select(2), and none of ours does.
    package static func raiseLimit() {
        var limits = limits
        let wanted = min(limits.rlim_max, most)
        guard limits.rlim_cur < wanted else { return }
        limits.rlim_cur = wanted
        // Whoever needs more than there is asks for the limit and says so.
        _ = setrlimit(resource, &limits)
    }

    private static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)

    private static var limits: rlimit {
        var limits = rlimit()
        // Fails only for a resource that does not exist.
        getrlimit(resource, &limits)
        return limits
    }
}
