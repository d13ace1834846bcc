import Shared
import Testing

@testable import MessageService

@Suite struct MessageConfigurationTests {
    private func read(_ environment: [String: String]) throws -> MessageConfiguration {
        var configuration = try Configuration(arguments: [], environment: environment)
        return try MessageConfiguration(reading: &configuration)
    }

    @Test func `the defaults are those of the contract`() throws {
        let configuration = try read([:])

        #expect(configuration.maxTextLength == 10_000)
        #expect(configuration.recallWindow == 120)
        #expect(configuration.maxCachedParticipants == 1_000_000)
        #expect(configuration.areRatesLimited)
    }

    @Test func `an operator may set them`() throws {
        let configuration = try read([
            "MARTLET_MESSAGE_MAX_TEXT_LENGTH": "7", "MARTLET_MESSAGE_RECALL_WINDOW": "0",
            "MARTLET_MESSAGE_MAX_CACHED_PARTICIPANTS": "1000", "MARTLET_RATE_LIMITS": "off",
        ])

        #expect(configuration.maxTextLength == 7)
        #expect(configuration.recallWindow == 0)
        #expect(configuration.maxCachedParticipants == 1_000)
        #expect(!configuration.areRatesLimited)
    }

    @Test(arguments: ["-1", "31536001", "soon"])
    func `a window that cannot be used is refused by its name`(value: String) {
        #expect {
            try read(["MARTLET_MESSAGE_RECALL_WINDOW": value])
        } throws: { error in
            "\(error)".contains("RECALL_WINDOW") || "\(error)".contains("recall-window")
        }
    }
}
