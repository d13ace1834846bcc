import NIOCore

/// What became of an answer.
enum HTTPDelivery: Sendable {
    /// The client's side has acknowledged all of it, and did not break the connection off: as good as read.
    case taken
    /// The client's side has acknowledged all of it, and then the connection broke: nobody may have looked at it.
    case doubtful
    /// The connection broke before all of it was acknowledged, or its server gave it up.
    case lost
}

/// The answers of one connection of which somebody wants to know what became of them, in the order they were written.
///
/// An answer counts as taken when the client's side has acknowledged it and its connection then stands for
/// ``HTTPServerConfiguration/deliveryGrace``; sooner when the client asks for something else on it or ends its side
/// (decision 0014). A client that ends without having read everything resets its connection.
struct HTTPDeliveries {
    private struct Answer {
        let report: @Sendable (HTTPDelivery) -> Void
        var isWritten = false
        /// When it counts as taken; `nil` until it is acknowledged.
        var takenAt: NIODeadline?
    }

    private var answers: [Answer] = []

    var isEmpty: Bool { answers.isEmpty }

    /// Whether the kernel has to be asked about one.
    var awaitsAcknowledgement: Bool { answers.contains { $0.isWritten && $0.takenAt == nil } }

    /// When the next one counts as taken.
    var nextTaken: NIODeadline? { answers.lazy.compactMap(\.takenAt).min() }

    mutating func add(_ report: @escaping @Sendable (HTTPDelivery) -> Void) {
        answers.append(Answer(report: report))
    }

    /// The kernel has all of the first one it did not have before.
    mutating func noteWritten() {
        guard let index = answers.firstIndex(where: { !$0.isWritten }) else { return }
        answers[index].isWritten = true
    }

    /// The client's side has everything the kernel was given.
    ///
    /// - Parameter deadline: when those that are acknowledged count as taken, unless they do sooner.
    mutating func noteAcknowledged(takenBy deadline: NIODeadline) {
        for index in answers.indices where answers[index].isWritten {
            answers[index].takenAt = min(answers[index].takenAt ?? deadline, deadline)
        }
    }

    /// Reports those that count as taken by now.
    mutating func settle(now: NIODeadline) {
        let settled = answers.filter { $0.takenAt.map { $0 <= now } == true }
        guard !settled.isEmpty else { return }
        answers.removeAll { $0.takenAt.map { $0 <= now } == true }
        for answer in settled { answer.report(.taken) }
    }

    /// Reports all that are left: the connection has broken.
    mutating func abandon() {
        let left = answers
        answers = []
        for answer in left { answer.report(answer.takenAt == nil ? .lost : .doubtful) }
    }
}
