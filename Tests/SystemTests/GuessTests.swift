import TestSupport
import Testing

extension SystemTests {
    /// Guesses at a password, with kills between them.
    @Suite struct GuessTests {
        @Test func `a kill of auth-svc forgives no failed log-in, and whoever has a session gets in`() async throws {
            var options = StackOptions()
            options.environment["MARTLET_RATE_LIMITS"] = "on"
            try await withStack(options) { stack in
                let anna = try await ChatClient.signUp("Anna", port: stack.port())
                let http = HTTPClient(port: stack.port())
                func logIn(_ password: String, _ headers: [String: String] = [:]) async throws -> Int {
                    try await http.request(
                        "POST", "/user/login", headers: headers,
                        body: #"{"userName":"Anna","password":"\#(password)"}"#
                    ).status
                }
                for number in 1...10 {
                    #expect(try await logIn("wrong\(number)") == 401)
                    guard number % 5 == 0 else { continue }
                    try await stack.kill(.auth)
                    try await stack.start(.auth)
                    try await stack.untilReady()
                }
                #expect(try await logIn(ChatClient.password) == 429)
                try await anna.succeed("POST", "/user/logout")
                #expect(try await logIn(ChatClient.password, ["Authorization": anna.token]) == 200)
            }
        }
    }
}
