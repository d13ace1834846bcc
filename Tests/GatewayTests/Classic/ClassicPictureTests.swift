import Shared
import SharedCrypto
import TestSupport
import Testing

@testable import Gateway

/// Pictures for tests: the smallest files of their kinds.
enum Picture {
    static let png = Array("\u{89}PNG".unicodeScalars.map { UInt8($0.value) }) + [13, 10, 26, 10, 1, 2, 3]
    static let html = Array("<html><script>alert(1)</script></html>".utf8)
    static let svg = Array(#"<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>"#.utf8)
}

extension [UInt8] {
    var base64: String { Base64.encode(self) }
}

@Suite struct ClassicPictureTests {
    @Test(arguments: ["", "/api"])
    func `a picture comes back by its address, byte for byte`(_ prefix: String) async throws {
        try await withGateway { site in
            try await site.register("Alice", ["picture": .string(Picture.png.base64)])
            let login = try await site.ask("POST", prefix + "/user/login", ["userName": "Alice", "password": "123456"])
            #expect(login["picture"] == .string(prefix + "/media/pictures/1?v=1"))

            let http = HTTPClient(port: site.port)
            let picture = try await http.request("GET", login["picture"].text)
            #expect(picture.status == 200)
            #expect(picture.body == Picture.png)
            #expect(picture.headers["content-type"] == "image/png")
            #expect(picture.headers["x-content-type-options"] == "nosniff")
            #expect(picture.headers["cache-control"] == "public, max-age=31536000, immutable")
            let tag = try #require(picture.headers["etag"])
            #expect(tag.hasPrefix("\"") && tag.hasSuffix("\""))
            let again = try await http.request("GET", login["picture"].text, headers: ["If-None-Match": tag])
            #expect(again.status == 304 && again.body == [] && again.headers["etag"] == tag)
            #expect(try await http.request("HEAD", login["picture"].text).status == 200)
            #expect(
                try await http.request("GET", login["picture"].text, headers: ["If-None-Match": "\"x\""]).status == 200)

            // An address without the right version is right for now only.
            for query in ["", "?v=2", "?v=", "?v=x"] {
                let other = try await http.request("GET", prefix + "/media/pictures/1" + query)
                #expect(other.status == 200 && other.body == Picture.png)
                #expect(other.headers["cache-control"] == "no-cache")
            }
        }
    }

    @Test func `pictures are also found under the prefix of the other paths`() async throws {
        try await withGateway { site in
            try await site.register("Alice", ["picture": .string(Picture.png.base64)])
            let reply = try await HTTPClient(port: site.port).request("GET", "/api/media/pictures/1?v=1")
            #expect(reply.body == Picture.png)
        }
    }

    @Test func `a picture that is not there is 404`() async throws {
        try await withGateway { site in
            try await site.register("Alice")
            for id in ["1", "2", "0", "-1", "x", "9223372036854775808", "1/2", "..%2F..%2Fauth-svc.db", "../1"] {
                let reply = try await site.ask("GET", "/media/pictures/\(id)?v=1")
                #expect(reply.status == 404, "\(id)")
                #expect(reply.json.object != nil, "\(id)")
            }
            #expect(try await site.ask("PUT", "/media/pictures/1").status == 405)
        }
    }

    @Test func `what is no image is stored inert`() async throws {
        try await withGateway { site in
            for (index, content) in [Picture.html, Picture.svg].enumerated() {
                try await site.register("User\(index)", ["picture": .string(content.base64)])
                let picture = try await HTTPClient(port: site.port).request("GET", "/media/pictures/\(index + 1)?v=1")
                #expect(picture.body == content)
                #expect(picture.headers["content-type"] == "application/octet-stream")
                #expect(picture.headers["x-content-type-options"] == "nosniff")
            }
        }
    }

    @Test func `base64 and data URLs are pictures, and nothing else is`() async throws {
        try await withGateway { site in
            let base64 = Picture.png.base64
            let refused = "400 4 Only base64 is allowed in picture"
            let lines: [(picture: String, outcome: String)] = [
                (base64, "200 0 Succeed"), ("data:image/png;base64," + base64, "200 0 Succeed"),
                ("data:;base64," + base64, "200 0 Succeed"), ("", "200 0 Succeed"),
                ("base64_image!", refused), ("data:image/png," + base64, refused), ("data:image/png;base64", refused),
                ("https://example.org/a.png", refused), ("../../etc/passwd", refused), ("AAAAA", refused),
                ("AA AA", refused), ("A\u{0}AA", refused),
            ]
            for (index, line) in lines.enumerated() {
                let reply = try await site.register("User\(index)", ["picture": .string(line.picture)])
                #expect(reply.outcome == line.outcome, "\(line.picture)")
            }
            for id in 1...3 {
                #expect(
                    try await HTTPClient(port: site.port).request("GET", "/media/pictures/\(id)").body == Picture.png)
            }
        }
    }

    @Test func `a picture may be 524288 bytes and no more`() async throws {
        try await withGateway { site in
            let large = [UInt8](repeating: 7, count: 524_288)
            #expect(
                try await site.register("Large", ["picture": .string((large + [7]).base64)]).outcome
                    == "400 3 picture should be no larger than 524288 bytes")
            let person = try await site.person("Large", picture: large.base64)
            let info = try await person.ask("GET", "/user/pull_user_info?userName=Large")
            #expect(info["user_list"][0]["user_picture"] == .string(large.base64))
        }
    }

    @Test func `a picture comes back in the form it was uploaded in`() async throws {
        try await withGateway { site in
            let base64 = Picture.png.base64
            let alice = try await site.person("Alice")
            func shown() async throws -> JSONValue {
                try await alice.ask("GET", "/user/pull_user_info?userName=Alice")["user_list"][0]["user_picture"]
            }
            // What it is is seen, whatever it is said to be.
            for (uploaded, comesBack) in [
                ("data:image/png;base64," + base64, "data:image/png;base64," + base64), (base64, base64),
                ("data:;base64," + base64, "data:image/png;base64," + base64),
                ("data:text/html;charset=utf-8;base64," + base64, "data:image/png;base64," + base64),
                (
                    "data:image/svg+xml;base64," + Picture.svg.base64,
                    "data:application/octet-stream;base64," + Picture.svg.base64
                ),
            ] {
                let change: JSONValue = ["oldPassword": "", "newPicture": .string(uploaded)]
                #expect(try await alice.ask("POST", "/user/modify_user_info", change).status == 200)
                #expect(try await shown() == .string(comesBack), "\(uploaded.prefix(40))")
            }
            let carol = try await site.person("Carol", picture: "data:image/png;base64," + base64)
            let list = try await carol.ask("GET", "/user/pull_user_info?userName=Carol")["user_list"]
            #expect(list[0]["user_picture"] == .string("data:image/png;base64," + base64))
        }
    }

    @Test(arguments: ["", "/api"])
    func `every picture field is base64, or an address when asked`(_ prefix: String) async throws {
        try await withGateway { site in
            let alice = try await site.person("Alice", picture: Picture.png.base64)
            let bob = try await site.person("Bob")
            let conversation = try await site.befriend(bob, alice)
            let fields: [(path: String, list: String, field: String)] = [
                ("/user/pull_user_info?userName=Alice", "user_list", "user_picture"),
                ("/message/pull_user_chain?ack=0", "user_chat_chain", "sender_picture"),
                (
                    "/conversation/pull_conversation_chain?conversationId=\(conversation)", "conversation_chain",
                    "sender_picture"
                ),
            ]
            for field in fields {
                let inline = try await bob.ask("GET", prefix + field.path)
                #expect(inline[field.list][0][field.field] == .string(Picture.png.base64), "\(field.path)")
                let separator = field.path.contains("?") ? "&" : "?"
                let address = try await bob.ask("GET", prefix + field.path + separator + "pictures=url")
                #expect(
                    address[field.list][0][field.field] == .string(prefix + "/media/pictures/\(alice.id)?v=1"),
                    "\(field.path)")
            }
            let unchanged = try await alice.ask("POST", prefix + "/user/modify_user_info", ["oldPassword": ""])
            #expect(unchanged["picture"] == .string(prefix + "/media/pictures/\(alice.id)?v=1"))
        }
    }
}
