// A bot in a VideoRoom of Janus: the bot goes on speaking LiveKit's signalling, and this turns its
// requests into Janus's and Janus's events into what LiveKit would have said.

import Basics
import Signal
import Wire

public final class JanusClient: SignallingAdapter {
  public let bot: Bot
  /// A room's number, from its name.
  let room: Int64
  /// The path of Janus's WebSocket.
  private let target: String
  private var stream: StreamID?
  /// The stream that the bot would resume a session on, of which Janus knows nothing.
  private var resumption: StreamID?
  private var session: Int64?
  var publisher: Int64?
  var subscriber: Int64?
  /// Our id among the publishers, and the one that links subscriptions to it.
  private var id: Int64 = 0
  private var privateID: Int64 = 0
  private var transactions: UInt32 = 0
  private var pending: [UInt32: Purpose] = [:]
  private var nextKeepAlive: Instant?
  /// Own tracks by the id the bot gave them.
  private var announced: [String: AddTrackRequest] = [:]
  private var isPublishing = false
  /// Identities by id.
  private var identities: [Int64: String] = [:]
  var others: [JanusStream] = []
  var subscription = JanusSubscription()
  private var offerID: UInt32 = 0

  private enum Purpose {
    case createSession, attachPublisher, attachSubscriber, join
    case publish(offer: UInt32)
    case subscribe
  }

  private static let keepAlive = Duration.seconds(25)

  public init(_ bot: Bot, room: String, target: String) {
    self.bot = bot
    self.room = JanusClient.number(of: room)
    self.target = target
  }

  /// Rooms have numbers in Janus: a positive one that is exact in every JSON reader.
  public static func number(of room: String) -> Int64 { Int64(stableHash(room) >> 16) + 1 }

  // MARK: - Node

  public var nextTimeout: Instant? { earlier(bot.nextTimeout, nextKeepAlive) }

  public func receive(_ event: StreamEvent, at now: Instant, into outbox: inout Outbox) {
    switch event {
    case .accepted(let id) where id == resumption:
      resumption = nil
      bot.receive(event, at: now, into: &outbox)
      tell(.leave(LeaveRequest { $0.action = .reconnect }), on: id, at: now, into: &outbox)
    case .accepted(let id) where id == stream:
      bot.receive(event, at: now, into: &outbox)
      nextKeepAlive = now + JanusClient.keepAlive
      ask(.session("create"), for: .createSession, into: &outbox)
    case .message(let id, let bytes, _) where id == stream:
      if let message = JanusMessage(bytes) { receive(message, at: now, into: &outbox) }
    case .closed, .responded:
      forget()
      bot.receive(event, at: now, into: &outbox)
    default: bot.receive(event, at: now, into: &outbox)
    }
    translate(at: now, into: &outbox)
  }

  public func handleTimeout(at now: Instant, into outbox: inout Outbox) {
    if let due = bot.nextTimeout, due <= now { bot.handleTimeout(at: now, into: &outbox) }
    if let due = nextKeepAlive, due <= now {
      nextKeepAlive = now + JanusClient.keepAlive
      ask(.session("keepalive"), into: &outbox)
    }
    translate(at: now, into: &outbox)
  }

  // MARK: - From the bot

  public func translate(at now: Instant, into outbox: inout Outbox) {
    // What is Janus's already goes on; what the bot adds meanwhile is taken in the same turn.
    var actions = RingBuffer<StreamAction>()
    swap(&actions, &outbox.streams)
    while let action = actions.popFirst() {
      switch action {
      case .connect(let id, let server, let request): connect(id, server, request, &outbox)
      case .send(_, let bytes, let isText) where !isText:
        if let request = try? SignalRequest(decoding: bytes) {
          let before = outbox.streams.count
          take(request, at: now, into: &outbox)
          requeue(from: before, &outbox, behind: &actions)
        }
      default: outbox.streams.append(action)
      }
    }
  }

  /// Bots speak in binary, Janus in text: what the bot has said in reply is still to be translated.
  private func requeue(
    from count: Int, _ outbox: inout Outbox, behind actions: inout RingBuffer<StreamAction>
  ) {
    var kept = RingBuffer<StreamAction>()
    var position = 0
    while let action = outbox.streams.popFirst() {
      if position >= count, case .send(_, _, let isText) = action, !isText {
        actions.append(action)
      } else {
        kept.append(action)
      }
      position += 1
    }
    swap(&kept, &outbox.streams)
  }

  private func connect(
    _ id: StreamID, _ server: Address, _ request: StreamRequest, _ outbox: inout Outbox
  ) {
    forget()
    if RTCQuery(target: request.target)?.reconnect == true {
      resumption = id
    } else {
      stream = id
    }
    outbox.send(
      .connect(
        id, to: server,
        StreamRequest(
          kind: .webSocket, target: target,
          headers: [("sec-websocket-protocol", "janus-protocol")])))
  }

  private func forget() {
    stream = nil
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

  private func take(_ request: SignalRequest, at now: Instant, into outbox: inout Outbox) {
    switch request {
    case .addTrack(let track): announce(track, at: now, into: &outbox)
    case .offer(let offer): publish(offer, into: &outbox)
    case .answer(let answer):
      guard let subscriber else { return }
      subscription.isAnswered = true
      ask(
        .plugin(
          handle: subscriber, ["request": "start"],
          description: JanusDescription(isOffer: false, sdp: answer.sdp)), into: &outbox)
      subscribe(into: &outbox)
    case .subscription(let update):
      for sid in update.trackSids { subscription.choices[sid] = update.subscribe }
      subscribe(into: &outbox)
    case .trackSetting(let settings): configure(settings, into: &outbox)
    case .leave:
      if let publisher {
        ask(
          .plugin(handle: publisher, ["request": "leave"], description: nil), into: &outbox)
      }
      if session != nil { ask(.session("destroy"), into: &outbox) }
    default: break
    }
  }

  private func announce(
    _ track: AddTrackRequest, at now: Instant, into outbox: inout Outbox
  ) {
    guard let stream else { return }
    announced[track.cid] = track
    let published = TrackPublishedResponse {
      $0.cid = track.cid
      $0.track = TrackInfo {
        $0.sid = "TR_\(id)_\(track.cid)"
        $0.type = track.type
        $0.source = track.source
      }
    }
    tell(.trackPublished(published), on: stream, at: now, into: &outbox)
  }

  private func publish(_ offer: SignalDescription, into outbox: inout Outbox) {
    guard let publisher, let parsed = try? SessionDescription(parsing: offer.sdp) else { return }
    let descriptions = parsed.media.compactMap { section -> JSON? in
      guard let mid = section.mid, let cid = section.msid?.track, let track = announced[cid] else {
        return nil
      }
      return ["mid": .string(mid), "description": .string(JanusClient.describe(track))]
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

  private func receive(
    _ message: JanusMessage, at now: Instant, into outbox: inout Outbox
  ) {
    // An acknowledgment says only that an event will follow.
    guard message.verb != "ack" else { return }
    let purpose = message.transaction.flatMap { pending.removeValue(forKey: $0) }
    if let error = message.error {
      refuse(purpose, error, at: now, into: &outbox)
      return
    }
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
            "display": .string(bot.configuration.identity),
          ], description: nil), for: .join, into: &outbox)
    case .attachSubscriber:
      subscriber = message.id
      subscribe(into: &outbox)
    default: hear(message, purpose, at: now, into: &outbox)
    }
  }

  /// Nobody is let in who was not; anything else that is refused stays as it was.
  private func refuse(
    _ purpose: Purpose?, _ error: String, at now: Instant, into outbox: inout Outbox
  ) {
    switch purpose {
    case .createSession, .attachPublisher, .join:
      guard let stream else { return }
      forget()
      outbox.send(.close(stream, code: 1_000))
      let response = StreamResponse(status: 403, body: Array(error.utf8))
      bot.receive(.responded(stream, response), at: now, into: &outbox)
    case .subscribe: subscription.isAnswered = true
    default: break
    }
  }

  private func hear(
    _ message: JanusMessage, _ purpose: Purpose?, at now: Instant, into outbox: inout Outbox
  ) {
    if message.sender == subscriber, let plugin = message.plugin {
      subscription.learn(plugin)
      if let description = message.description, description.isOffer {
        offer(description, at: now, into: &outbox)
      } else if case .subscribe = purpose {
        subscription.isAnswered = true
        subscribe(into: &outbox)
      }
      return
    }
    if case .publish(let offer) = purpose, let description = message.description, let stream {
      let answer = SignalDescription {
        $0.type = "answer"
        $0.sdp = description.sdp
        $0.id = offer
      }
      tell(.answer(answer), on: stream, at: now, into: &outbox)
    }
    if let plugin = message.plugin { learn(plugin, at: now, into: &outbox) }
  }

  private func offer(
    _ description: JanusDescription, at now: Instant, into outbox: inout Outbox
  ) {
    guard let stream else { return }
    offerID += 1
    subscription.isAnswered = false
    let offer = SignalDescription {
      $0.type = "offer"
      $0.sdp = subscription.named(description.sdp)
      $0.id = offerID
    }
    tell(.offer(offer), on: stream, at: now, into: &outbox)
  }

  private func learn(_ plugin: JSON, at now: Instant, into outbox: inout Outbox) {
    guard let stream else { return }
    let event = plugin["videoroom"]?.string
    var joined: [Int64] = []
    for person in (plugin["attendees"]?.array ?? []) + [plugin["joining"] ?? .null] {
      if let id = note(person) { joined.append(id) }
    }
    for person in plugin["publishers"]?.array ?? [] {
      guard let id = note(person) else { continue }
      joined.append(id)
      others.removeAll { $0.feed == id }
      others += (person["streams"]?.array ?? []).compactMap { JanusStream($0, feed: id) }
    }
    if event == "joined" {
      id = plugin["id"]?.integer ?? 0
      privateID = plugin["private_id"]?.integer ?? 0
      let join = JoinResponse { response in
        response.participant = ParticipantInfo {
          $0.sid = JanusClient.sid(of: id)
          $0.identity = bot.configuration.identity
        }
        response.otherParticipants = joined.map(information)
        // Janus opens the other transport when there is somebody to subscribe to.
        response.subscriberPrimary = !others.isEmpty && subscribesByItself
      }
      tell(.join(join), on: stream, at: now, into: &outbox)
    } else if !joined.isEmpty {
      update(joined.map(information), on: stream, at: now, into: &outbox)
    }
    if event == "talking" || event == "stopped-talking", let id = plugin["id"]?.integer {
      let speaker = SpeakerInfo {
        $0.sid = JanusClient.sid(of: id)
        $0.active = event == "talking"
        $0.level = event == "talking" ? 1 : 0
      }
      tell(
        .speakersChanged(SpeakersChanged { $0.speakers = [speaker] }), on: stream, at: now,
        into: &outbox)
    }
    for gone in [plugin["unpublished"]?.integer, plugin["leaving"]?.integer] {
      guard let gone, identities[gone] != nil else { continue }
      others.removeAll { $0.feed == gone }
      var person = information(of: gone)
      if plugin["leaving"]?.integer == gone {
        person.state = .disconnected
        identities[gone] = nil
      }
      update([person], on: stream, at: now, into: &outbox)
    }
    subscribe(into: &outbox)
  }

  /// Remembers who somebody is; returns the id.
  private func note(_ person: JSON) -> Int64? {
    guard let id = person["id"]?.integer else { return nil }
    if let display = person["display"]?.string { identities[id] = display }
    return identities[id] == nil ? nil : id
  }

  static func sid(of id: Int64) -> String { "PA_\(id)" }

  private func information(of id: Int64) -> ParticipantInfo {
    ParticipantInfo {
      $0.sid = JanusClient.sid(of: id)
      $0.identity = identities[id] ?? ""
      $0.state = .active
      $0.tracks = others.filter { $0.feed == id }.map(\.information)
    }
  }

  // MARK: - To the bot

  private func update(
    _ people: [ParticipantInfo], on stream: StreamID, at now: Instant, into outbox: inout Outbox
  ) {
    tell(
      .update(ParticipantUpdate { $0.participants = people }), on: stream, at: now, into: &outbox)
  }

  private func tell(
    _ response: SignalResponse, on stream: StreamID, at now: Instant, into outbox: inout Outbox
  ) {
    bot.receive(
      .message(stream, response.encoded, isText: false), at: now, into: &outbox)
  }

  // MARK: - Subscribing

  private var subscribesByItself: Bool {
    bot.configuration.subscribesByItself && bot.configuration.maySubscribe
  }

  /// Asks for what is wanted and not asked for yet; one negotiation at a time.
  private func subscribe(into outbox: inout Outbox) {
    guard session != nil, subscription.isAnswered else { return }
    let change = subscription.change(
      to: others, byItself: subscribesByItself)
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

  private func configure(_ settings: UpdateTrackSettings, into outbox: inout Outbox) {
    guard let subscriber else { return }
    for sid in settings.trackSids {
      guard let body = subscription.configuration(of: sid, others, settings) else { continue }
      ask(.plugin(handle: subscriber, body, description: nil), into: &outbox)
    }
  }
}
