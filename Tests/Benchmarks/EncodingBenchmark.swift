import Foundation
import Shared

/// The binary form of the bus beside Foundation's JSON, for the request and the event of the hot path.
enum EncodingBenchmark {
    private struct JSONMessage: Codable {
        var id, conversation: Int64
        var conversationKind: UInt8
        var sequence, sender: Int64
        var text: String
        var replyTo: Int64?
        var sentAt: Int64
    }

    static func run() throws {
        let text = String(repeating: "Good morning, how are you? \"fine\" – 早上好 ", count: 3)
        let message = Message(
            id: MessageID(123_456), conversation: ConversationID(789), conversationKind: .private, sequence: 42,
            sender: AccountID(5), text: text, replyTo: MessageID(123_000), sentAt: 1_700_000_000_000)
        let json = JSONMessage(
            id: 123_456, conversation: 789, conversationKind: 1, sequence: 42, sender: 5, text: text,
            replyTo: 123_000, sentAt: 1_700_000_000_000)
        let encoder = JSONEncoder()
        let decoder = JSONDecoder()
        let wireBytes = message.wireBytes
        let jsonBytes = try encoder.encode(json)

        var sink = 0
        let wireWrite = smallestCost(operations: 20_000) { sink &+= message.wireBytes.count }
        let wireRead = try smallestCost(operations: 20_000) {
            sink &+= try Message(wireBytes: wireBytes).text.utf8.count
        }
        let jsonWrite = try smallestCost(operations: 5_000) { sink &+= try encoder.encode(json).count }
        let jsonRead = try smallestCost(operations: 5_000) {
            sink &+= try decoder.decode(JSONMessage.self, from: jsonBytes).text.utf8.count
        }
        let handWrite = smallestCost(operations: 20_000) { sink &+= byHand(message).count }

        print("one message of \(text.utf8.count) bytes of text; CPU µs, smallest of 7 rounds (\(sink & 1))")
        print("                    write   read   bytes")
        print("WireFormat          \(wireWrite.text())    \(wireRead.text())   \(wireBytes.count)")
        print("written by hand     \(handWrite.text())    –      \(byHand(message).count)")
        print("JSON (Foundation)   \(jsonWrite.text())    \(jsonRead.text())   \(jsonBytes.count)")
        print("JSON / WireFormat   \((jsonWrite / wireWrite).text(1))×   \((jsonRead / wireRead).text(1))×")
    }

    /// What a codec written for this one type would do.
    private static func byHand(_ message: Message) -> [UInt8] {
        var writer = WireWriter()
        writer.write(message.id.rawValue)
        writer.write(message.conversation.rawValue)
        writer.write(message.conversationKind.rawValue)
        writer.write(message.sequence)
        writer.write(message.sender.rawValue)
        writer.write(message.text)
        writer.write(UInt8(1))
        writer.write(message.replyTo?.rawValue ?? 0)
        writer.write(message.sentAt)
        return writer.bytes
    }
}
