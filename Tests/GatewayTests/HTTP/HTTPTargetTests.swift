import Testing

@testable import Gateway

@Suite struct HTTPTargetTests {
    @Test(arguments: [
        ("/", "/"), ("/a", "/a"), ("/a/", "/a"), ("/a//", "/a/"), ("/a%20b%2B+", "/a b++"), ("/%C3%A9", "/é"),
        ("/a/../b", "/a/../b"), ("*", "*"), ("http://host:80/a/?b=c", "/a"), ("HTTPS://host", "/"), ("//", "/"),
        // A percent sign that begins no escape is one.
        ("/%", "/%"), ("/100%", "/100%"), ("/%2", "/%2"), ("/%zz", "/%zz"), ("/%+1", "/%+1"), ("/%%41", "/%A"),
        ("/%4%41/", "/%4A"), ("/%é", "/%é"),
        // A slash that is escaped belongs to its segment.
        ("/user%2flogin", "/user%2Flogin"), ("/a%2F", "/a%2F"), ("/a%2F/", "/a%2F"), ("/%%2f", "/%%2F"),
    ]) func `a path is decoded and loses one trailing slash`(target: String, path: String) throws {
        #expect(try HTTPTarget(target).path == path)
    }

    @Test(arguments: [
        "", "a", "host:443", "ftp://host/a", "/%ff", "/%C3", "/%00", "/a#b", "/?%ff=1", "/?a=%00", "http://",
        "http:///a", "http://user@host/", "http://a b/", "http://h:x/", "https://[::1/",
    ]) func `a target that cannot be understood is refused`(target: String) {
        #expect(throws: HTTPTargetError.self) { try HTTPTarget(target) }
    }

    @Test func `a query is read as a form`() throws {
        let query = try HTTPTarget("/p?a=1&&b=x+y%26%C3%A9&c&=d&a=2&e==&").query

        #expect(
            query.pairs == [
                .init(name: "a", value: "1"), .init(name: "b", value: "x y&é"), .init(name: "c", value: ""),
                .init(name: "", value: "d"), .init(name: "a", value: "2"), .init(name: "e", value: "="),
            ])
        #expect(query["a"] == "1")
        #expect(query["b"] == "x y&é")
        #expect(query["c"] == "")
        #expect(query["z"] == nil)
    }

    @Test func `a percent sign that begins no escape is one in a query too`() throws {
        #expect(
            try HTTPTarget("/?a=100%&%=%4&b=%zz+%26%2f").query.pairs == [
                .init(name: "a", value: "100%"), .init(name: "%", value: "%4"), .init(name: "b", value: "%zz &/"),
            ])
    }

    @Test(arguments: ["/", "/?", "/?&&"]) func `an empty query has no pairs`(target: String) throws {
        #expect(try HTTPTarget(target).query.pairs.isEmpty)
    }

    @Test func `a sane request id is kept and any other replaced`() {
        #expect(HTTPRequestID.choose("Ab-1._") == "Ab-1._")
        #expect(HTTPRequestID.choose(String(repeating: "x", count: 64)).utf8.count == 64)
        for bad in [nil, "", String(repeating: "x", count: 65), "a b", "a\nb", "é", "a/b"] {
            let chosen = HTTPRequestID.choose(bad)
            #expect(chosen != bad)
            #expect(chosen.utf8.count == 16 && chosen.utf8.allSatisfy { hexDigitValue($0) != nil })
        }
    }

    @Test(arguments: [
        (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
        (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"), (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT"),
    ]) func `the date header follows the calendar`(seconds: Int, text: String) {
        #expect(HTTPDateClock.format(secondsSince1970: seconds) == text)
    }
}
