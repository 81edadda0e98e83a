// LiveKit's signalling over `/rtc`: one WebSocket with a protobuf message in each frame.

import Basics
import Signal
import Transport
import Wire

public final class LiveKitSession: ClientSession {
  private var stream: StreamID?
  private var connections: UInt32 = 0
  private var events = RingBuffer<ClientEvent>()
  private var nextPing: Instant?

  public init() {}

  // MARK: - Connection

  public var isOpen: Bool { stream != nil }

  public func open(_ opening: SessionOpening, into outbox: inout Outbox) {
    connections += 1
    let stream = StreamID(connections)
    self.stream = stream
    var query = RTCQuery()
    query.accessToken = opening.token
    query.reconnect = opening.resuming != nil
    query.participantSid = opening.resuming
    query.autoSubscribe = opening.autoSubscribe
    query.adaptiveStream = opening.adaptiveStream
    query.client.sdk = .rust
    outbox.send(
      .connect(
        stream, to: opening.server,
        StreamRequest(kind: .webSocket, target: query.target().text)))
  }

  public func close(into outbox: inout Outbox) {
    guard let stream else { return }
    outbox.send(.close(stream, code: 1_000))
    forget()
  }

  private func forget() {
    stream = nil
    nextPing = nil
    events.removeAll()
  }

  public func receive(_ event: StreamEvent, at now: Instant, into outbox: inout Outbox) {
    switch event {
    case .accepted(let id) where id == stream: nextPing = now + BotLimits.pingInterval
    case .message(let id, let bytes, _) where id == stream:
      guard let response = try? SignalResponse(decoding: bytes),
        let event = ClientEvent(response)
      else { return }
      events.append(event)
    case .responded(let id, let response) where id == stream:
      forget()
      let text = String(decoding: response.body, as: UTF8.self)
      events.append(.rejected(.init(status: response.status, text: text)))
    case .closed(let id, _) where id == stream:
      forget()
      events.append(.disconnected)
    default: break
    }
  }

  public func nextEvent() -> ClientEvent? { events.popFirst() }

  // MARK: - Requests

  public func send(_ request: ClientRequest, into outbox: inout Outbox) {
    send(SignalRequest(request), into: &outbox)
  }

  private func send(_ request: SignalRequest, into outbox: inout Outbox) {
    guard let stream else { return }
    outbox.send(.send(stream, request.encoded, isText: false))
  }

  /// Pings leave on whole seconds, when the bot has other work to do.
  public var nextTimeout: Instant? {
    nextPing.map { due in
      let second = BotLimits.second.nanoseconds
      return Instant(nanoseconds: (due.nanoseconds + second - 1) / second * second)
    }
  }

  public func handleTimeout(at now: Instant, into outbox: inout Outbox) {
    guard let due = nextTimeout, due <= now else { return }
    nextPing = now + BotLimits.pingInterval
    send(.pingReq(SignalPing { $0.timestamp = now.nanoseconds / 1_000_000 }), into: &outbox)
  }

  // MARK: - Tokens

  public func rights(in token: String) -> SessionRights? {
    guard let grant = try? AccessToken(reading: token).video else { return nil }
    return SessionRights(
      maySubscribe: grant.maySubscribe,
      mayPublish: TrackSource.all.filter { grant.mayPublish($0) })
  }
}
