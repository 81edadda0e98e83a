// Publishing over WHIP (RFC 9725) and playing over WHEP (draft-ietf-wish-whep): HTTP requests, and no
// signalling beyond their answers.
//
//   open                   -> joined at once, since there is no room to be let into
//   offer                  -> POST, and the answer of 201
//   joined, with somebody to watch
//                          -> POST of an offer to receive, and the answer of 201 (or an offer, of 406,
//                             answered by PATCH)
//   leave                  -> DELETE, of both sessions

import Basics
import Transport
import Wire

public final class WHIPClientSession: ClientSession {
  private let endpoints: WHIPEndpoints
  private var events = RingBuffer<ClientEvent>()
  /// How the bot opened the session; nil while it has none.
  private var opening: SessionOpening?
  private var requestsMade: UInt32 = 0
  private var pending: [StreamID: Purpose] = [:]
  /// Own tracks by the id the bot gave them.
  private var announced: [String] = []
  private var publishing: WHIPResource?
  private var playing: WHIPResource?
  private var nextAttempt: Instant?
  /// Where the endpoints are, for requests after the session.
  private var server: Address?

  private enum Purpose {
    case publish(offer: UInt32)
    case play, finish
  }

  /// How long a player waits before it asks again for what is not there yet.
  private static let pause = Duration.milliseconds(500)

  public init(at endpoints: WHIPEndpoints) { self.endpoints = endpoints }

  // MARK: - Session

  public var isOpen: Bool { opening != nil }

  public func open(_ opening: SessionOpening, into outbox: inout Outbox) {
    end(into: &outbox)
    self.opening = opening
    server = opening.server
    guard opening.resuming == nil else {
      // No session outlives its transport here: another one has to be made.
      events.append(.leave(.unknownReason, .rejoin))
      return
    }
    let watched = opening.autoSubscribe ? endpoints.watched : nil
    var joined = JoinedSession(sid: WatchedPublisher.sid(of: opening.identity))
    joined.others = watched.map { [$0.participant] } ?? []
    joined.opensSubscriber = watched != nil
    events.append(.joined(joined))
    if watched != nil { play(into: &outbox) }
  }

  public func close(into outbox: inout Outbox) {
    events.removeAll()
    end(into: &outbox)
  }

  /// Nothing is published or played any more.
  private func end(into outbox: inout Outbox) {
    // What was asked for and is not answered yet would make a session that nobody wants.
    pending = pending.filter { if case .finish = $0.value { true } else { false } }
    for session in [publishing, playing] {
      if let session, session.url != nil { ask("DELETE", session, for: .finish, into: &outbox) }
    }
    opening = nil
    publishing = nil
    playing = nil
    announced = []
    nextAttempt = nil
  }

  public func receive(_ event: StreamEvent, at now: Instant, into outbox: inout Outbox) {
    switch event {
    case .responded(let id, let response):
      guard let purpose = pending.removeValue(forKey: id) else { return }
      take(response, to: purpose, at: now, into: &outbox)
    case .closed(let id, _):
      guard let purpose = pending.removeValue(forKey: id) else { return }
      take(nil, to: purpose, at: now, into: &outbox)
    case .opened, .accepted, .message, .writable: break
    }
  }

  public func nextEvent() -> ClientEvent? { events.popFirst() }

  public var nextTimeout: Instant? { nextAttempt }

  public func handleTimeout(at now: Instant, into outbox: inout Outbox) {
    guard let due = nextAttempt, due <= now else { return }
    nextAttempt = nil
    play(into: &outbox)
  }

  // MARK: - Requests

  public func send(_ request: ClientRequest, into outbox: inout Outbox) {
    guard let opening else { return }
    switch request {
    case .publish(let track):
      announced.append(track.cid)
      let sid = "\(WatchedPublisher.sid(of: opening.identity))_\(track.cid)"
      events.append(.published(cid: track.cid, sid: sid))
    case .offer(let offer): publish(offer, into: &outbox)
    case .answer(let answer):
      guard let session = playing else { return }
      ask("PATCH", session, sdp: answer.sdp, for: .finish, into: &outbox)
    case .leave: end(into: &outbox)
    case .mute, .updateSubscription, .trackSettings, .resumeState:
      // Neither endpoint has a word for it.
      break
    }
  }

  private func publish(_ offer: NumberedDescription, into outbox: inout Outbox) {
    guard publishing == nil, let parsed = try? SessionDescription(parsing: offer.sdp) else {
      return
    }
    // The one offer has all tracks (RFC 9725 §4.2).
    let offered = parsed.media.compactMap { $0.msid?.track }
    guard announced.allSatisfy(offered.contains) else {
      events.append(.offerDropped)
      return
    }
    let session = WHIPResource(at: endpoints.publish)
    publishing = session
    ask("POST", session, sdp: offer.sdp, for: .publish(offer: offer.id), into: &outbox)
  }

  private func play(into outbox: inout Outbox) {
    guard let opening, let endpoint = endpoints.play, let watched = endpoints.watched else {
      return
    }
    let session = WHIPResource(at: endpoint)
    playing = session
    ask("POST", session, sdp: watched.offer(to: opening.receiver), for: .play, into: &outbox)
  }

  private func ask(
    _ method: String, _ session: WHIPResource, sdp: String? = nil, for purpose: Purpose,
    into outbox: inout Outbox
  ) {
    guard let server else { return }
    requestsMade += 1
    let id = StreamID(requestsMade)
    pending[id] = purpose
    outbox.send(.connect(id, to: server, session.request(method, sdp: sdp)))
  }

  // MARK: - Responses

  private func take(
    _ response: StreamResponse?, to purpose: Purpose, at now: Instant, into outbox: inout Outbox
  ) {
    switch purpose {
    case .publish(let offer): published(response, offer, into: &outbox)
    case .play: played(response, at: now)
    case .finish: break
    }
  }

  private func published(
    _ response: StreamResponse?, _ offer: UInt32, into outbox: inout Outbox
  ) {
    guard let response, response.status == 201 else {
      end(into: &outbox)
      events.append(
        response.map {
          .rejected(
            .init(status: $0.status, text: String(decoding: $0.body, as: UTF8.self)))
        } ?? .disconnected)
      return
    }
    publishing?.learn(response)
    let sdp = String(decoding: response.body, as: UTF8.self)
    events.append(.answer(NumberedDescription(id: offer, sdp: sdp)))
  }

  /// A stream that is not there yet may come.
  private func played(_ response: StreamResponse?, at now: Instant) {
    guard let watched = endpoints.watched else { return }
    guard let response, response.status == 201 || response.status == 406 else {
      playing = nil
      let seconds = response?.header("retry-after").flatMap { Int($0) } ?? 0
      nextAttempt = now + max(WHIPClientSession.pause, .seconds(min(seconds, 60)))
      return
    }
    playing?.learn(response)
    let sdp = watched.named(String(decoding: response.body, as: UTF8.self))
    events.append(
      response.status == 406 ? .offer(NumberedDescription(id: 1, sdp: sdp)) : .receiveAnswer(sdp))
  }
}
