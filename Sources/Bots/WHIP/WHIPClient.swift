// A bot that publishes over WHIP (RFC 9725) and plays over WHEP (draft-ietf-wish-whep): the bot goes on
// speaking LiveKit's signalling, and this makes HTTP requests of what it says.
//
//   bot: connect           -> joined at once, since there is no room to be let into
//   bot: offer             -> POST, and the answer of 201
//   joined, with somebody to watch
//                          -> POST of an offer to receive; the answer is the bot's offer
//   bot: leave             -> DELETE, of both sessions

import Basics
import Signal
import Transport
import Wire

public final class WHIPClient: SignallingAdapter {
  public let bot: Bot
  private let endpoints: WHIPEndpoints
  private var stream: StreamID?
  /// What the bot wants of its stream after this turn, answered once its own words are heard.
  private var requests: [StreamAction] = []
  private var requestsMade: UInt32 = 0
  private var pending: [StreamID: Purpose] = [:]
  /// Own tracks by the id the bot gave them.
  private var announced: [String] = []
  private var publishing: WHIPSession?
  private var playing: WHIPSession?
  private var nextAttempt: Instant?

  private enum Purpose {
    case publish(offer: UInt32)
    case play, finish
  }

  /// How long a player waits before it asks again for what is not there yet.
  private static let pause = Duration.milliseconds(500)
  /// Far from the streams that the bot numbers itself.
  private static let firstStream: UInt32 = 1 << 24

  public init(_ bot: Bot, at endpoints: WHIPEndpoints) {
    self.bot = bot
    self.endpoints = endpoints
  }

  // MARK: - Node

  public var nextTimeout: Instant? { earlier(bot.nextTimeout, nextAttempt) }

  public func receive(_ event: StreamEvent, at now: Instant, into outbox: inout Outbox) {
    switch event {
    case .responded(let id, let response):
      if let purpose = pending.removeValue(forKey: id) {
        hear(response, to: purpose, at: now, into: &outbox)
      }
    case .closed(let id, _):
      if let purpose = pending.removeValue(forKey: id) {
        hear(nil, to: purpose, at: now, into: &outbox)
      }
    case .opened, .accepted, .message, .writable: break
    }
    translate(at: now, into: &outbox)
  }

  public func handleTimeout(at now: Instant, into outbox: inout Outbox) {
    if let due = bot.nextTimeout, due <= now { bot.handleTimeout(at: now, into: &outbox) }
    if let due = nextAttempt, due <= now {
      nextAttempt = nil
      play()
    }
    translate(at: now, into: &outbox)
  }

  // MARK: - From the bot

  public func translate(at now: Instant, into outbox: inout Outbox) {
    // Every word of the bot's is for us, also those it says in reply.
    while let action = outbox.streams.popFirst() {
      switch action {
      case .connect(let id, _, let request): open(id, request, at: now, into: &outbox)
      case .send(_, let bytes, _):
        if let request = try? SignalRequest(decoding: bytes) {
          take(request, at: now, into: &outbox)
        }
      case .close(let id, _): if id == stream { end() }
      case .accept, .respond: break
      }
    }
    for request in requests { outbox.send(request) }
    requests = []
  }

  private func open(
    _ id: StreamID, _ request: StreamRequest, at now: Instant, into outbox: inout Outbox
  ) {
    bot.receive(.accepted(id), at: now, into: &outbox)
    guard RTCQuery(target: request.target)?.reconnect != true else {
      // No session outlives its transport here: another one has to be made.
      tell(.leave(LeaveRequest { $0.action = .reconnect }), on: id, at: now, into: &outbox)
      return
    }
    end()
    stream = id
    let watched = bot.configuration.subscribesByItself ? endpoints.watched : nil
    let join = JoinResponse { response in
      response.participant = ParticipantInfo {
        $0.sid = WatchedPublisher.sid(of: bot.configuration.identity)
        $0.identity = bot.configuration.identity
      }
      response.otherParticipants = watched.map { [$0.information] } ?? []
      response.subscriberPrimary = watched != nil
    }
    tell(.join(join), on: id, at: now, into: &outbox)
    if watched != nil { play() }
  }

  private func take(_ request: SignalRequest, at now: Instant, into outbox: inout Outbox) {
    switch request {
    case .addTrack(let track): announce(track, at: now, into: &outbox)
    case .offer(let offer): publish(offer, into: &outbox)
    case .answer(let answer):
      // Only who has offered itself waits for an answer.
      guard let session = playing, session.hasOffered else { return }
      playing?.hasOffered = false
      ask("PATCH", session, sdp: answer.sdp, for: .finish)
    case .leave: end()
    default: break
    }
  }

  private func announce(
    _ track: AddTrackRequest, at now: Instant, into outbox: inout Outbox
  ) {
    guard let stream else { return }
    announced.append(track.cid)
    let published = TrackPublishedResponse {
      $0.cid = track.cid
      $0.track = TrackInfo {
        $0.sid = "\(WatchedPublisher.sid(of: bot.configuration.identity))_\(track.cid)"
        $0.type = track.type
        $0.source = track.source
      }
    }
    tell(.trackPublished(published), on: stream, at: now, into: &outbox)
  }

  private func publish(_ offer: SignalDescription, into outbox: inout Outbox) {
    guard publishing == nil, let parsed = try? SessionDescription(parsing: offer.sdp) else {
      return
    }
    // The one offer has all tracks (RFC 9725 §4.2).
    let offered = parsed.media.compactMap { $0.msid?.track }
    guard announced.allSatisfy(offered.contains) else {
      bot.withdrawOffer(into: &outbox)
      return
    }
    let session = WHIPSession(at: endpoints.publish)
    publishing = session
    ask("POST", session, sdp: offer.sdp, for: .publish(offer: offer.id))
  }

  private func play() {
    guard stream != nil, let endpoint = endpoints.play, let watched = endpoints.watched else {
      return
    }
    let session = WHIPSession(at: endpoint)
    playing = session
    ask("POST", session, sdp: watched.offer(to: bot.subscriber), for: .play)
  }

  /// Nothing is published or played any more.
  private func end() {
    // What was asked for and is not answered yet would make a session that nobody wants.
    pending = pending.filter { if case .finish = $0.value { true } else { false } }
    for session in [publishing, playing] {
      if let session, session.resource != nil { ask("DELETE", session, for: .finish) }
    }
    stream = nil
    publishing = nil
    playing = nil
    announced = []
    nextAttempt = nil
  }

  // MARK: - To the endpoints

  private func ask(
    _ method: String, _ session: WHIPSession, sdp: String? = nil, for purpose: Purpose
  ) {
    requestsMade += 1
    let id = StreamID(WHIPClient.firstStream + requestsMade)
    pending[id] = purpose
    requests.append(
      .connect(id, to: bot.configuration.signalAddress, session.request(method, sdp: sdp)))
  }

  // MARK: - From the endpoints

  private func hear(
    _ response: StreamResponse?, to purpose: Purpose, at now: Instant, into outbox: inout Outbox
  ) {
    switch purpose {
    case .publish(let offer): published(response, offer, at: now, into: &outbox)
    case .play: played(response, at: now, into: &outbox)
    case .finish: break
    }
  }

  private func published(
    _ response: StreamResponse?, _ offer: UInt32, at now: Instant, into outbox: inout Outbox
  ) {
    guard let stream else { return }
    guard let response, response.status == 201 else {
      end()
      bot.receive(
        response.map { .responded(stream, $0) } ?? .closed(stream, .lost), at: now, into: &outbox)
      return
    }
    publishing?.learn(response)
    let answer = SignalDescription {
      $0.type = "answer"
      $0.sdp = String(decoding: response.body, as: UTF8.self)
      $0.id = offer
    }
    tell(.answer(answer), on: stream, at: now, into: &outbox)
  }

  /// A stream that is not there yet may come.
  private func played(
    _ response: StreamResponse?, at now: Instant, into outbox: inout Outbox
  ) {
    guard let stream, let watched = endpoints.watched else { return }
    guard let response, response.status == 201 || response.status == 406 else {
      playing = nil
      let seconds = response?.header("retry-after").flatMap { Int($0) } ?? 0
      nextAttempt = now + max(WHIPClient.pause, .seconds(min(seconds, 60)))
      return
    }
    playing?.learn(response)
    playing?.hasOffered = response.status == 406
    let offer = SignalDescription {
      $0.type = "offer"
      $0.sdp = watched.named(String(decoding: response.body, as: UTF8.self))
      $0.id = 1
    }
    tell(.offer(offer), on: stream, at: now, into: &outbox)
  }

  private func tell(
    _ response: SignalResponse, on stream: StreamID, at now: Instant, into outbox: inout Outbox
  ) {
    bot.receive(.message(stream, response.encoded, isText: false), at: now, into: &outbox)
  }
}
