import Foundation
import Shared
import TestSupport
import Testing

/// The bytes of everything that travels on the bus, against `golden.txt` beside this file.
///
/// A changed line is a changed contract: all processes of a deployment have to change together.
@Suite struct GoldenTests {
    private let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()

    private func line<Record: WireRecord & Hashable>(_ sort: String, _ name: String, _ record: Record) throws -> String
    {
        #expect(try Record(wireBytes: record.wireBytes) == record)
        let bytes = record.wireBytes.isEmpty ? "-" : record.wireBytes.hex
        return "\(sort) \(name) \(bytes)"
    }

    private func line(of reason: ConversationReason) throws -> String {
        var writer = WireWriter()
        reason.write(to: &writer)
        var reader = WireReader(writer.bytes)
        #expect(try ConversationReason(from: &reader) == reason)
        let name = "\(reason)".prefix { $0 != "(" }
        return "reason \(name) \(writer.bytes.hex)"
    }

    private func lines() throws -> [String] {
        var lines: [String] = []
        for exchange in ContractSamples.exchanges {
            let route = type(of: exchange.request).route
            lines.append(try line("request", route, exchange.request))
            lines.append(try line("reply", route, exchange.reply))
        }
        for event in ContractSamples.events { lines.append(try line("event", type(of: event).kind, event)) }
        for effect in ContractSamples.effects { lines.append(try line("effect", type(of: effect).kind, effect)) }
        for reason in ContractSamples.reasons { lines.append(try line(of: reason)) }
        return lines
    }

    @Test func `every record has the bytes it always had`() throws {
        let golden = try String(contentsOf: folder.appendingPathComponent("golden.txt"), encoding: .utf8)
            .split(separator: "\n").map(String.init)
        let lines = try lines()
        for line in lines { #expect(golden.contains(line)) }
        for line in golden { #expect(lines.contains(line)) }
        #expect(golden.count == lines.count)
    }

    /// The contracts' own sources say which types there are.
    @Test func `every type of the contracts has a line`() throws {
        let contracts = folder.appendingPathComponent("../../../Sources/Shared/Contracts").standardizedFileURL
        var declared: [String: Set<String>] = [:]
        for file in try FileManager.default.contentsOfDirectory(atPath: contracts.path) where file.hasSuffix(".swift") {
            let source = try String(contentsOf: contracts.appendingPathComponent(file), encoding: .utf8)
            for match in source.matches(of: /struct (\w+): (BusRequest|BusEvent|BusEffect)\b/) {
                declared[String(match.2), default: []].insert(String(match.1))
            }
        }
        func names(_ values: [Any]) -> Set<String> { Set(values.map { "\(type(of: $0))" }) }
        #expect(declared["BusRequest"] == names(ContractSamples.exchanges.map(\.request)))
        #expect(declared["BusEvent"] == names(ContractSamples.events))
        #expect(declared["BusEffect"] == names(ContractSamples.effects))
    }

    @Test func `names are unique and short`() {
        let routes = ContractSamples.exchanges.map { type(of: $0.request).route }
        let kinds = ContractSamples.events.map { type(of: $0).kind } + ContractSamples.effects.map { type(of: $0).kind }
        for names in [routes, kinds] {
            #expect(Set(names).count == names.count)
            #expect(names.allSatisfy { (1...64).contains($0.utf8.count) })
        }
    }
}
