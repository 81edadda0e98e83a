// The seam between the SFU and those who speak to it: a signalling opens participants' channels and
// answers requests; an authoriser says who may come in. LiveKit's and the HTTP ones (WHIP, WHEP) are the
// implementations that ship.

import Basics
import Wire

/// A way in which clients and applications speak to the SFU.
protocol Signalling: Sendable {
  /// Answers a plain HTTP request.
  /// - Returns: nil for a path that is not its own.
  func answer(
    _ request: StreamRequest, _ target: RequestTarget, on sfu: SFU, at now: Instant,
    into outbox: inout Outbox
  ) -> StreamResponse?

  /// Takes a stream (WebSocket) that a client opens: accepts it and joins a participant.
  /// - Returns: false for a path that is not its own.
  func open(
    _ stream: StreamID, _ request: StreamRequest, _ target: RequestTarget, on sfu: SFU,
    at now: Instant, into outbox: inout Outbox
  ) throws(Refusal) -> Bool
}

extension Signalling {
  func answer(
    _ request: StreamRequest, _ target: RequestTarget, on sfu: SFU, at now: Instant,
    into outbox: inout Outbox
  ) -> StreamResponse? { nil }

  func open(
    _ stream: StreamID, _ request: StreamRequest, _ target: RequestTarget, on sfu: SFU,
    at now: Instant, into outbox: inout Outbox
  ) throws(Refusal) -> Bool { false }
}

/// Says whom a request's credentials let in, and with which rights.
protocol Authorizer: Sendable {
  /// - Parameter now: Unix time in seconds.
  /// - Throws: 401 where there are no credentials, or they do not hold.
  func admission(
    for request: StreamRequest, _ target: RequestTarget, at now: Int64
  ) throws(Refusal) -> Admission
}

/// A join that was granted.
struct Admission {
  var identity: String
  var room: String
  var profile: Profile
  var rights: ParticipantRights
  /// Whether it is subscribed to every track unless it says otherwise.
  var subscribesByItself = true
}

/// A request that was refused.
struct Refusal: Error {
  /// Of the HTTP response.
  var status: Int
  var text: String

  var response: StreamResponse { StreamResponse(status: status, text: text) }

  static let unknownPath = Refusal(status: 404, text: "404 page not found")
  static let shuttingDown = Refusal(status: 503, text: "shutting down")
}

/// Reads and writes the messages of data channels.
protocol DataFormat: Sendable {
  /// Reads a message of the participant `sid`, in whose name it goes on whatever it says itself.
  /// - Returns: nil for what cannot be read.
  func read(_ bytes: [UInt8], fromIdentity identity: String, sid: String) -> DataMessage?
  /// The message without the number that its publisher gave it.
  func unnumbered(_ bytes: [UInt8]) -> [UInt8]
}

/// A message of a data channel on its way to others.
struct DataMessage {
  /// Counts the reliable messages of a publisher from 1; zero is no number.
  var sequence: UInt32
  var destination: DataDestination
  /// As it goes to its receivers.
  var bytes: [UInt8]
}

extension StreamResponse {
  /// Plain text that scripts of every origin may read.
  init(status: Int, text: String) {
    self.init(
      status: status,
      headers: [
        ("content-type", "text/plain; charset=utf-8"), ("access-control-allow-origin", "*"),
      ],
      body: Array(text.utf8))
  }
}

extension StreamRequest {
  /// The token of the field Authorization (RFC 6750 §2.1).
  var bearer: String? {
    header("authorization").flatMap { value in
      value.hasPrefix("Bearer ") ? String(value.dropFirst(7)) : nil
    }
  }
}
