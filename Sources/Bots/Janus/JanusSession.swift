// Signalling with VideoRoom of Janus: one WebSocket, one handle to publish over and one to subscribe.

import Basics
import Wire

public final class JanusSession: ClientSession {
  /// A room's number, from its name.
  let room: Int64
  /// The path of Janus's WebSocket.
  private let target: String
  private var connections: UInt32 = 0
  private var stream: StreamID?
  private var events = RingBuffer<ClientEvent>()
  /// How the bot opened the connection that is open.
  private var opening: SessionOpening?
  private var session: Int64?
  private var publisher: Int64?
  private var subscriber: Int64?
  /// Our id among the publishers, and the one that links subscriptions to it.
  private var id: Int64 = 0
  private var privateID: Int64 = 0
  private var transactions: UInt32 = 0
  private var pending: [UInt32: Purpose] = [:]
  private var nextKeepAlive: Instant?
  /// Own tracks by the id the bot gave them.
  private var announced: [String: TrackAnnouncement] = [:]
  private var isPublishing = false
  /// Identities by id.
  private var identities: [Int64: String] = [:]
  private var others: [JanusStream] = []
  private var subscription = JanusSubscription()
  private var offerID: UInt32 = 0

  private enum Purpose {
    case createSession, attachPublisher, attachSubscriber, join
    case publish(offer: UInt32)
    case subscribe
  }

  private static let keepAlive = Duration.seconds(25)

  public init(room: String, target: String) {
    self.room = JanusSession.number(of: room)
    self.target = target
  }

  /// Rooms have numbers in Janus: a positive one that is exact in every JSON reader.
  public static func number(of room: String) -> Int64 { Int64(stableHash(room) >> 16) + 1 }

  // MARK: - Connection

  public var isOpen: Bool { stream != nil }

  public func open(_ opening: SessionOpening, into outbox: inout Outbox) {
    forget()
    connections += 1
    let stream = StreamID(connections)
    self.stream = stream
    self.opening = opening
    outbox.send(
      .connect(
        stream, to: opening.server,
        StreamRequest(
          kind: .webSocket, target: target,
          headers: [("sec-websocket-protocol", "janus-protocol")])))
  }

  public func close(into outbox: inout Outbox) {
    guard let stream else { return }
    outbox.send(.close(stream, code: 1_000))
    forget()
  }

  private func forget() {
    events.removeAll()
    stream = nil
    opening = nil
    session = nil
    publisher = nil
    subscriber = nil
    pending = [:]
    nextKeepAlive = nil
    announced = [:]
    isPublishing = false
    identities = [:]
    others = []
    subscription = JanusSubscription()
  }

  public func receive(_ event: StreamEvent, at now: Instant, into outbox: inout Outbox) {
    switch event {
    case .accepted(let id) where id == stream:
      // Janus resumes no session: another one has to be made.
      guard opening?.resuming == nil else {
        events.append(.leave(.unknownReason, .rejoin))
        return
      }
      nextKeepAlive = now + JanusSession.keepAlive
      ask(.session("create"), for: .createSession, into: &outbox)
    case .message(let id, let bytes, _) where id == stream:
      if let message = JanusMessage(bytes) { receive(message, into: &outbox) }
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

  public var nextTimeout: Instant? { nextKeepAlive }

  public func handleTimeout(at now: Instant, into outbox: inout Outbox) {
    guard let due = nextKeepAlive, due <= now else { return }
    nextKeepAlive = now + JanusSession.keepAlive
    ask(.session("keepalive"), into: &outbox)
  }

  // MARK: - Requests

  public func send(_ request: ClientRequest, into outbox: inout Outbox) {
    guard stream != nil else { return }
    switch request {
    case .publish(let track):
      announced[track.cid] = track
      events.append(.published(cid: track.cid, sid: "TR_\(id)_\(track.cid)"))
    case .offer(let offer): publish(offer, into: &outbox)
    case .answer(let answer):
      guard let subscriber else { return }
      subscription.isAnswered = true
      ask(
        .plugin(
          handle: subscriber, ["request": "start"],
          description: JanusDescription(isOffer: false, sdp: answer.sdp)), into: &outbox)
      subscribe(into: &outbox)
    case .updateSubscription(let update):
      for sid in update.tracks { subscription.choices[sid] = update.subscribe }
      subscribe(into: &outbox)
    case .trackSettings(let track, let settings): configure(track, settings, into: &outbox)
    case .leave:
      if let publisher {
        ask(
          .plugin(handle: publisher, ["request": "leave"], description: nil), into: &outbox)
      }
      if session != nil { ask(.session("destroy"), into: &outbox) }
    case .mute, .resumeState:
      // VideoRoom has no word for a muted track, and no session to resume.
      break
    }
  }

  private func publish(_ offer: NumberedDescription, into outbox: inout Outbox) {
    guard let publisher, let parsed = try? SessionDescription(parsing: offer.sdp) else { return }
    let descriptions = parsed.media.compactMap { section -> JSON? in
      guard let mid = section.mid, let cid = section.msid?.track, let track = announced[cid] else {
        return nil
      }
      return ["mid": .string(mid), "description": .string(JanusStream.describe(track))]
    }
    ask(
      .plugin(
        handle: publisher,
        [
          "request": isPublishing ? "configure" : "publish",
          "descriptions": .array(descriptions),
        ], description: JanusDescription(isOffer: true, sdp: offer.sdp)),
      for: .publish(offer: offer.id), into: &outbox)
    isPublishing = true
  }

  private func configure(
    _ sid: String, _ settings: TrackSettings, into outbox: inout Outbox
  ) {
    guard let subscriber,
      let body = subscription.configuration(of: sid, others, settings)
    else { return }
    ask(.plugin(handle: subscriber, body, description: nil), into: &outbox)
  }

  // MARK: - To Janus

  private func ask(
    _ request: JanusRequest, for purpose: Purpose? = nil, into outbox: inout Outbox
  ) {
    guard let stream else { return }
    transactions += 1
    if let purpose { pending[transactions] = purpose }
    let text = request.text(transaction: transactions, session: session)
    outbox.send(.send(stream, Array(text.utf8), isText: true))
  }

  // MARK: - From Janus

  private func receive(_ message: JanusMessage, into outbox: inout Outbox) {
    // An acknowledgment says only that an event will follow.
    guard message.verb != "ack" else { return }
    let purpose = message.transaction.flatMap { pending.removeValue(forKey: $0) }
    if let error = message.error { return refuse(purpose, error, into: &outbox) }
    switch purpose {
    case .createSession:
      session = message.id
      ask(.attach, for: .attachPublisher, into: &outbox)
    case .attachPublisher:
      guard let handle = message.id else { return }
      publisher = handle
      ask(
        .plugin(
          handle: handle,
          [
            "request": "join", "ptype": "publisher", "room": .integer(room),
            "display": .string(opening?.identity ?? ""),
          ], description: nil), for: .join, into: &outbox)
    case .attachSubscriber:
      subscriber = message.id
      subscribe(into: &outbox)
    default: take(message, purpose, into: &outbox)
    }
  }

  /// A refused join ends the connection; anything else that is refused stays as it was.
  private func refuse(_ purpose: Purpose?, _ error: String, into outbox: inout Outbox) {
    switch purpose {
    case .createSession, .attachPublisher, .join:
      close(into: &outbox)
      events.append(.rejected(.init(status: 403, text: error)))
    case .subscribe: subscription.isAnswered = true
    default: break
    }
  }

  private func take(
    _ message: JanusMessage, _ purpose: Purpose?, into outbox: inout Outbox
  ) {
    if message.sender == subscriber, let plugin = message.plugin {
      subscription.learn(plugin)
      if let description = message.description, description.isOffer {
        offerID += 1
        subscription.isAnswered = false
        let sdp = subscription.named(description.sdp)
        events.append(.offer(NumberedDescription(id: offerID, sdp: sdp)))
      } else if case .subscribe = purpose {
        subscription.isAnswered = true
        subscribe(into: &outbox)
      }
      return
    }
    if case .publish(let offer) = purpose, let description = message.description {
      events.append(.answer(NumberedDescription(id: offer, sdp: description.sdp)))
    }
    if let plugin = message.plugin { learn(plugin, into: &outbox) }
  }

  private func learn(_ plugin: JSON, into outbox: inout Outbox) {
    let event = plugin["videoroom"]?.string
    let present = learnParticipants(plugin)
    if event == "joined" {
      id = plugin["id"]?.integer ?? 0
      privateID = plugin["private_id"]?.integer ?? 0
      var joined = JoinedSession(sid: JanusStream.participant(id))
      joined.others = present.map(participant)
      // Janus opens the other transport when there is somebody to subscribe to.
      joined.opensSubscriber = !others.isEmpty && autoSubscribes
      events.append(.joined(joined))
    } else if !present.isEmpty {
      events.append(.participants(present.map(participant)))
    }
    if event == "talking" || event == "stopped-talking", let id = plugin["id"]?.integer {
      events.append(
        .speakers([
          SpeakerChange(participant: JanusStream.participant(id), isSpeaking: event == "talking")
        ]))
    }
    for gone in [plugin["unpublished"]?.integer, plugin["leaving"]?.integer] {
      guard let gone, identities[gone] != nil else { continue }
      others.removeAll { $0.feed == gone }
      var participant = participant(gone)
      if plugin["leaving"]?.integer == gone {
        participant.hasLeft = true
        identities[gone] = nil
      }
      events.append(.participants([participant]))
    }
    subscribe(into: &outbox)
  }

  /// Takes attendees and publishers out of an event; returns their ids.
  private func learnParticipants(_ plugin: JSON) -> [Int64] {
    var present: [Int64] = []
    for attendee in (plugin["attendees"]?.array ?? []) + [plugin["joining"] ?? .null] {
      if let id = noteIdentity(attendee) { present.append(id) }
    }
    for publisher in plugin["publishers"]?.array ?? [] {
      guard let id = noteIdentity(publisher) else { continue }
      present.append(id)
      others.removeAll { $0.feed == id }
      others += (publisher["streams"]?.array ?? []).compactMap { JanusStream($0, feed: id) }
    }
    return present
  }

  /// Remembers who somebody is; returns the id.
  private func noteIdentity(_ json: JSON) -> Int64? {
    guard let id = json["id"]?.integer else { return nil }
    if let display = json["display"]?.string { identities[id] = display }
    return identities[id] == nil ? nil : id
  }

  private func participant(_ id: Int64) -> SessionParticipant {
    SessionParticipant(
      sid: JanusStream.participant(id), identity: identities[id] ?? "",
      tracks: others.filter { $0.feed == id }.map(\.track))
  }

  // MARK: - Subscribing

  private var autoSubscribes: Bool {
    opening.map { $0.autoSubscribe && $0.maySubscribe } ?? false
  }

  /// Asks for what is wanted and not asked for yet; one negotiation at a time.
  private func subscribe(into outbox: inout Outbox) {
    guard session != nil, subscription.isAnswered else { return }
    let change = subscription.change(to: others, byItself: autoSubscribes)
    guard !change.isEmpty else { return }
    guard let subscriber else {
      let isAsked = pending.values.contains {
        if case .attachSubscriber = $0 { true } else { false }
      }
      if !isAsked { ask(.attach, for: .attachSubscriber, into: &outbox) }
      return
    }
    subscription.isAnswered = false
    let body = subscription.request(change, room: room, privateID: privateID)
    ask(.plugin(handle: subscriber, body, description: nil), for: .subscribe, into: &outbox)
  }
}
