// Makes the rooms of VideoRoom that clients will join; a room that is there already stays as it is.

import Basics

public final class JanusRooms: Node {
  public enum State: Equatable, Sendable {
    case waiting, ready
    /// What Janus said, or that it said nothing.
    case failed(String)
  }

  public private(set) var state = State.waiting
  private let server: Address
  private let target: String
  private let publishers: Int
  private var rooms: [String]
  private var session: Int64?
  private var handle: Int64?
  private var transactions: UInt32 = 0
  private let stream = StreamID(1)
  /// VideoRoom's JANUS_VIDEOROOM_ERROR_ROOM_EXISTS.
  private static let existsCode: Int64 = 427

  /// - Parameters:
  ///   - target: the path of Janus's WebSocket.
  ///   - publishers: how many may publish in each room at once.
  public init(_ rooms: [String], publishers: Int, at server: Address, target: String) {
    self.rooms = rooms
    self.publishers = publishers
    self.server = server
    self.target = target
  }

  public var nextTimeout: Instant? { nil }

  public func start(into outbox: inout Outbox) {
    outbox.send(
      .connect(
        stream, to: server,
        StreamRequest(
          kind: .webSocket, target: target,
          headers: [("sec-websocket-protocol", "janus-protocol")])))
  }

  public func receive(_ event: StreamEvent, at now: Instant, into outbox: inout Outbox) {
    switch event {
    case .accepted: ask(.session("create"), into: &outbox)
    case .message(_, let bytes, _):
      if let message = JanusMessage(bytes) { receive(message, into: &outbox) }
    case .responded(_, let response): fail("it answers \(response.status)")
    case .closed: fail("nobody speaks Janus's WebSocket protocol there")
    default: break
    }
  }

  private func receive(_ message: JanusMessage, into outbox: inout Outbox) {
    guard message.verb != "ack", state == .waiting else { return }
    if let error = message.error,
      message.plugin?["error_code"]?.integer != JanusRooms.existsCode
    {
      return fail(error)
    }
    if session == nil {
      session = message.id
      ask(.attach, into: &outbox)
    } else if let handle = handle ?? message.id {
      self.handle = handle
      make(over: handle, into: &outbox)
    }
  }

  /// Speakers are told of after 200 ms of voice; nothing is held back from publishers.
  private func make(over handle: Int64, into outbox: inout Outbox) {
    guard let room = rooms.popLast() else {
      state = .ready
      ask(.session("destroy"), into: &outbox)
      outbox.send(.close(stream, code: 1_000))
      return
    }
    ask(
      .plugin(
        handle: handle,
        [
          "request": "create", "room": .integer(JanusSession.number(of: room)),
          "description": .string(room), "publishers": .integer(Int64(publishers)),
          "audiocodec": "opus", "videocodec": "vp8", "notify_joining": true,
          "audiolevel_event": true, "audio_active_packets": 10, "audio_level_average": 50,
        ], description: nil), into: &outbox)
  }

  private func ask(_ request: JanusRequest, into outbox: inout Outbox) {
    transactions += 1
    let text = request.text(transaction: transactions, session: session)
    outbox.send(.send(stream, Array(text.utf8), isText: true))
  }

  private func fail(_ reason: String) {
    if state == .waiting { state = .failed(reason) }
  }

  public func receive(
    _ packet: consuming Packet, on path: Path, at now: Instant, into outbox: inout Outbox
  ) {}
  public func interfacesChanged(
    _ interfaces: [Interface], at now: Instant, into outbox: inout Outbox
  ) {}
  public func handleTimeout(at now: Instant, into outbox: inout Outbox) {}
}
