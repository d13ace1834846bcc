import Foundation
import TestSupport
import Testing

@testable import Gateway

/// The document's examples, replayed.
@Suite struct ClassicExamplesTests {
    @Test(arguments: ClassicExample.users + ClassicExample.friends + ClassicExample.messages)
    func `an example of the document is answered as printed`(_ example: ClassicExample) async throws {
        try await withGateway { site async throws in
            // Ashitemaru has a friend, an application, and people he does not know.
            try await site.register("Ashitemaru")
            if example.path == "/user/login" {
                #expect(try await site.ask(example.method, example.path, JSONValue(example.body)).matches(example))
                return
            }
            let person = try await site.logIn("Ashitemaru")
            let (bob, carol) = (try await site.person("Bob"), try await site.person("Carol"))
            try await site.register("Dave")
            let conversation = try await site.befriend(person, bob)
            #expect(try await carol.apply(to: person.name).outcome == "200 0 Succeed")

            func filled(_ text: String) -> String {
                text.replacingOccurrences(of: "$conversation", with: "\(conversation)")
                    .replacingOccurrences(of: "$applicant", with: "\(carol.id)")
            }
            let body = example.body.isEmpty ? nil : try JSONValue(filled(example.body))
            let reply = try await person.ask(example.method, filled(example.path), body)
            #expect(try reply.matches(example), "\(reply)")
        }
    }
}

extension Reply {
    /// Whether this has the example's form: the same names with the same types and the additions, and nothing else.
    fileprivate func matches(_ example: ClassicExample) throws -> Bool {
        let wanted = try JSONValue(example.answer).adding(example.additions, in: "")
        return status == 200 && json["code"] == 0 && json["info"] == "Succeed" && json.shape == wanted.shape
    }
}

extension JSONValue {
    /// With further fields, by the name of the object or list they are added to.
    func adding(_ additions: [String: JSONValue], in place: String) -> JSONValue {
        switch self {
        case .array(let items): return .array(items.map { $0.adding(additions, in: place) })
        case .object(let object):
            var members = object.members.map {
                JSONObject.Member(name: $0.name, value: $0.value.adding(additions, in: $0.name))
            }
            members += additions[place]?.object?.members ?? []
            return .object(JSONObject(members))
        default: return self
        }
    }
}
