/// The places of one server's connections: how many there are, who has them, and who gets the next one. No I/O.
///
/// A connection beyond the limits gets a place for a refusal while there is one, just to be told so.
struct ConnectionPlaces {
    /// How many places there are.
    struct Limits: Equatable {
        /// Connections that are served.
        var served: Int
        /// Of them, those of one network.
        var perNetwork: Int
        /// Connections that are kept to be refused.
        var refused: Int

        var total: Int { served + refused }
    }

    /// The place of one connection.
    final class Place {
        let isServed: Bool
        /// Whose connection it is; `nil` for one that counts for nobody.
        fileprivate(set) var network: String?

        fileprivate init(isServed: Bool, network: String?) {
            self.isServed = isServed
            self.network = network
        }
    }

    private(set) var served = 0
    private(set) var refused = 0
    private var servedByNetwork: [String: Int] = [:]

    var count: Int { served + refused }

    /// Gives a new connection a place, to be served or to be refused; `nil` when there is neither.
    ///
    /// - Parameter network: whose it is, as ``Network`` names it; `nil` when that is not known or does not count.
    mutating func take(for network: String?, within limits: Limits) -> Place? {
        if served < limits.served, hasRoom(network, limits) {
            served += 1
            if let network { servedByNetwork[network, default: 0] += 1 }
            return Place(isServed: true, network: network)
        }
        guard refused < limits.refused else { return nil }
        refused += 1
        return Place(isServed: false, network: nil)
    }

    /// Counts a served connection for another network, of which it was learnt meanwhile.
    ///
    /// - Returns: `false`, and nothing is changed, when that network has as many as it may.
    mutating func move(_ place: Place, to network: String?, within limits: Limits) -> Bool {
        guard place.network != network else { return true }
        guard hasRoom(network, limits) else { return false }
        forget(place.network)
        if let network { servedByNetwork[network, default: 0] += 1 }
        place.network = network
        return true
    }

    /// Takes a place back.
    mutating func leave(_ place: Place) {
        if place.isServed {
            served -= 1
            forget(place.network)
        } else {
            refused -= 1
        }
    }

    private func hasRoom(_ network: String?, _ limits: Limits) -> Bool {
        guard let network else { return true }
        return servedByNetwork[network, default: 0] < limits.perNetwork
    }

    private mutating func forget(_ network: String?) {
        guard let network, let count = servedByNetwork[network] else { return }
        servedByNetwork[network] = count > 1 ? count - 1 : nil
    }
}
