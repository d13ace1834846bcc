import TestSupport
import Testing

/// Tests of the built executables, one stack of processes at a time: they share two cores.
@Suite(.serialized, .keepsLogs) enum SystemTests {}

extension Trait where Self == IssueHandlingTrait {
    /// Has the running test's stack keep its logs when something is not as expected.
    static var keepsLogs: Self {
        .compactMapIssues { issue in
            Stack.current?.noteFailure()
            return issue
        }
    }
}
