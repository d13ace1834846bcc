import NIOHTTP1
import Shared

/// A JSON surface with a push path: any number of connections, each of which may resume from a message.
protocol PushSurface: JSONSurface {
    var push: any PushDialect { get }
    /// The access token of a request to the push path; `nil` for none.
    func pushToken(of request: HTTPRequest) throws(Failure) -> String?
}

extension PushSurface {
    /// A push connection: `since` first gives what was missed after a message.
    @Sendable func upgradeToPush(_ request: HTTPRequest) async -> WebSocketUpgrade {
        do throws(Failure) {
            let (session, since) = try await pushStart(of: request)
            return .accept { [core, push] socket in
                core.hub.open(socket, session, push, missed: since.map { .after($0) } ?? .none)
            }
        } catch {
            // A browser shows its page no status of a handshake; the one that is over soon it has to know. For the others
            // the plain answer says why.
            return error.status == 503 ? .accept { $0.close(.tryAgainLater) } : .respond
        }
    }

    /// What the push path answers when it does not become a push connection.
    @Sendable func refusePush(_ request: HTTPRequest) async -> HTTPResponse {
        do throws(Failure) {
            _ = try await pushStart(of: request)
            return answer(to: .upgradeRequired)
        } catch {
            return error.response
        }
    }

    /// Whose connection it becomes, and the message it resumes from.
    private func pushStart(of request: HTTPRequest) async throws(Failure) -> (session: Session, since: MessageID?) {
        let context = CallContext(trace: request.id, deadline: .after(core.timeout))
        let session = try await liveSession(of: try pushToken(of: request), context)
        let call = Call(request: request, body: JSONObject(), context: context)
        return (session, try call.optionalQueryID("since").map { MessageID($0) })
    }
}
