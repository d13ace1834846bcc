import Shared

/// SplitMix64: the same numbers for the same seed, everywhere.
package struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    /// The seeds a random test runs with: 1 to `count`, or the one that `MARTLET_TEST_SEED` names. Each is an argument of
    /// the test, so that a failure says which it was.
    package static func seeds(_ count: UInt64) -> [UInt64] {
        let chosen = ProcessEnvironment.variables["MARTLET_TEST_SEED"].map { text in
            guard let seed = UInt64(text) else { preconditionFailure("MARTLET_TEST_SEED='\(text)' is no seed") }
            return [seed]
        }
        return chosen ?? Array(1...count)
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
