import Glibc
import NIOCore
import TestSupport
import Testing

@testable import Gateway

/// Who gets a place, and what becomes of those who do not.
@Suite struct ConnectionPlacesTests {
    /// Four places, two of them for one network, and room for one refusal.
    private final class Places {
        private let limits = ConnectionPlaces.Limits(served: 4, perNetwork: 2, refused: 1)
        private var places = ConnectionPlaces()

        var served: Int { places.served }
        var count: Int { places.count }

        func take(for network: String? = nil) -> ConnectionPlaces.Place? { places.take(for: network, within: limits) }

        func move(_ place: ConnectionPlaces.Place, to network: String) -> Bool {
            places.move(place, to: network, within: limits)
        }

        func leave(_ place: ConnectionPlaces.Place) { places.leave(place) }
    }

    @Test func `beyond the places one connection is kept to be told so, and the next is not`() throws {
        let places = Places()
        let served = (1...4).compactMap { _ in places.take() }
        #expect(served.count == 4 && served.allSatisfy(\.isServed))
        let refused = try #require(places.take())
        #expect(!refused.isServed)
        #expect(places.take() == nil)
        #expect(places.count == 5)
        places.leave(refused)
        places.leave(served[0])
        #expect(places.take()?.isServed == true)
    }

    @Test func `a network has its share, and the rest is for others`() throws {
        let places = Places()
        let first = try #require(places.take(for: "a"))
        #expect(places.take(for: "a")?.isServed == true)
        let third = try #require(places.take(for: "a"))
        #expect(!third.isServed)
        #expect(places.take(for: "b")?.isServed == true)
        places.leave(third)
        places.leave(first)
        #expect(places.take(for: "a")?.isServed == true)
    }

    @Test func `a connection counts for whose it turns out to be`() {
        let places = Places()
        let behindProxy = (1...3).compactMap { _ in places.take() }
        #expect(places.move(behindProxy[0], to: "a"))
        #expect(places.move(behindProxy[1], to: "a"))
        #expect(!places.move(behindProxy[2], to: "a"))
        #expect(places.take(for: "a")?.isServed == false)
        #expect(places.move(behindProxy[0], to: "b"))
        #expect(places.move(behindProxy[2], to: "a"))
        for place in behindProxy { places.leave(place) }
        #expect(places.served == 0)
        #expect(places.take(for: "a")?.isServed == true)
    }

    @Test func `what is kept for the process is no connection's`() {
        var configuration = HTTPServerConfiguration()
        configuration.keptFiles = 60
        configuration.openFileLimit = { 100 }
        #expect(configuration.places == ConnectionPlaces.Limits(served: 30, perNetwork: 7, refused: 10))
        configuration.openFileLimit = { 60 }
        #expect(configuration.places.total == 0)
        configuration.openFileLimit = { 1_000_000 }
        #expect(configuration.places == ConnectionPlaces.Limits(served: 10_000, perNetwork: 2_500, refused: 128))
    }

    @Test func `without a file for it a connection waits until there is one`() async throws {
        let limits = HTTPServerConfiguration.limits { limits in
            limits.keptFiles = 6
            limits.openFileLimit = { 8 }
        }

        try await withEdge(limits: limits) { port, server in
            let clients = (1...3).map { _ in HTTPClient(port: port) }
            for client in clients[..<2] {
                let response = try await client.request("GET", "/")
                #expect(response.status == 200)
            }
            let waiting = Task { try await clients[2].request("GET", "/third") }
            #expect(try await server.figures().hasRoom == false)
            #expect(try await server.figures().connections == 2)

            clients[0].close()
            #expect(try await waiting.value.status == 200)
            #expect(try await server.figures().acceptFailures == 0)
        }
    }

    @Test func `after a failure to accept connections wait, and the failure is said once`() async throws {
        let limits = HTTPServerConfiguration.limits { $0.acceptRetryInterval = .milliseconds(50) }

        try await withEdge(limits: limits) { port, server in
            for round in 1...2 {
                let hasRoom = try await server.eventLoop.submit {
                    // As the channel reports it.
                    server.state.value.acceptFailed(IOError(errnoCode: EMFILE, reason: "accept"))
                    return server.state.value.figures.hasRoom
                }.get()
                #expect(!hasRoom)
                #expect(try await HTTPClient(port: port).request("GET", "/").status == 200)
                #expect(try await server.figures().acceptFailures == round)
            }
        }
    }

    @Test func `one network has its share of a server and is told so`() async throws {
        let limits = HTTPServerConfiguration.limits { limits in
            limits.countsNetwork = { _ in true }
            limits.maxConnectionsPerNetwork = 1
        }

        try await withEdge(limits: limits) { port, server in
            let first = HTTPClient(port: port)
            #expect(try await first.request("GET", "/").status == 200)
            let refused = try await HTTPClient(port: port).request("GET", "/second")
            #expect(refused.status == 503)
            #expect(refused.headers["retry-after"] == "1")
            #expect(try refused.body.json["refusal"] == "tooManyConnections")
            #expect(try await server.figures().hasRoom)

            first.close()
            try await eventually("its place is free") { try await server.figures().connections == 0 }
            #expect(try await HTTPClient(port: port).request("GET", "/").status == 200)
        }
    }

    @Test func `a proxy's connections are not counted as one network's`() async throws {
        let limits = HTTPServerConfiguration.limits { limits in
            limits.maxConnectionsPerNetwork = 1
            limits.countsNetwork = { $0 != "127.0.0.1" }
        }

        try await withEdge(limits: limits) { port, _ in
            let clients = (1...3).map { _ in HTTPClient(port: port) }
            for client in clients {
                let response = try await client.request("GET", "/")
                #expect(response.status == 200)
            }
        }
    }
}
