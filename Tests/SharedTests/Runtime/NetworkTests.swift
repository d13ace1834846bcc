import Shared
import Testing

@Suite struct NetworkTests {
    @Test(arguments: [
        ("192.0.2.1", "192.0.2.1"), ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "20-1-d-b8-0-1-0-2"), ("2001:db8:1:2::1", "20-1-d-b8-0-1-0-2"), ("", ""),
        (String(repeating: "x", count: 65), String(repeating: "x", count: 64)),
    ])
    func `an IPv6 address stands for its network`(address: String, name: String) {
        #expect(Network.name(of: address) == name)
    }
}
