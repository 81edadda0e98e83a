// A participant over WHIP or WHEP: what was negotiated in one exchange, and what a PATCH changes.
// Nothing is told to its client afterwards.

import Basics
import Transport
import Wire

final class HTTPChannel: ParticipantChannel {
  let kind: HTTPSignalling
  /// The last part of its URL, which nobody can guess; empty before it has begun.
  private(set) var id = ""
  /// Names the ICE session (RFC 9725 §4.3.1).
  private var etag = ""
  private var remote: RemoteTransportDescription
  private var mids: [String] = []
  /// Where a player takes streams, in the order of its offer; empty for a publisher.
  var sections = PlayedSections(namesTracks: false)
  /// The identity whose tracks a player wants; nil for everybody's.
  private let plays: String?

  init(_ kind: HTTPSignalling, _ remote: RemoteTransportDescription, plays: String? = nil) {
    self.kind = kind
    self.remote = remote
    self.plays = plays
  }

  // MARK: - ParticipantChannel

  var stream: StreamID? {
    get { nil }
    set {}
  }
  var endpoint: String { kind.rawValue }
  var primary: TransportTarget { kind.target }
  var takesData: Bool { false }

  func send(_ notification: ParticipantNotification, into outbox: inout Outbox) {}

  func receive(
    _ message: [UInt8], isText: Bool, from participant: Participant, at now: Instant,
    into outbox: inout Outbox
  ) {}

  /// A player takes a track in the first section that is free for it; a publisher takes none.
  func subscribe(
    _ participant: Participant, to track: PublishedTrack, as codec: CodecProfile, at now: Instant
  ) {
    guard plays.map({ $0 == track.publisher.identity }) ?? true else { return }
    guard let subscription = sections.subscribe(participant, to: track, as: codec, at: now) else {
      return
    }
    participant.begin(subscription)
    if participant.state == .active { subscription.activate(at: now) }
  }

  /// The section may take another track.
  func unsubscribed(
    _ participant: Participant, from subscription: Subscription, at now: Instant
  ) {
    sections.free(subscription, random: &participant.random)
    for other in participant.room.participants where other !== participant && !other.hasLeft {
      for track in other.tracks where track.isLive {
        participant.subscribeIfWanted(to: track, at: now)
      }
    }
  }

  func connected(_ participant: Participant, at now: Instant) {
    for subscription in participant.subscriptions { subscription.activate(at: now) }
  }

  // MARK: - The session

  /// The session begins; the response says so.
  func begin(
    _ participant: Participant, mids: [String], answer: String
  ) -> StreamResponse {
    id = participant.random.string(24, from: SID.alphabet)
    etag = newETag(for: participant)
    self.mids = mids
    return StreamResponse(
      http: 201,
      [
        ("location", "\(kind.rawValue)/\(id)"), ("etag", etag),
        ("content-type", HTTPSignalling.description),
      ] + participant.sfu.links,
      body: answer)
  }

  private func newETag(for participant: Participant) -> String {
    "\"\(participant.random.string(12, from: SID.alphabet))\""
  }

  /// Candidates for the ICE session that If-Match names; with `*`, a new one (RFC 9725 §4.3).
  func patch(
    _ request: StreamRequest, _ participant: Participant, at now: Instant
  ) throws(Refusal) -> StreamResponse {
    guard request.mediaType == HTTPSignalling.fragment else {
      throw Refusal(status: 415, text: "not \(HTTPSignalling.fragment)")
    }
    guard let tag = request.header("if-match") else {
      throw Refusal(status: 428, text: "If-Match is missing")
    }
    guard let fragment = ICEFragment(String(decoding: request.body, as: UTF8.self)) else {
      throw Refusal(status: 400, text: "not a fragment")
    }
    guard tag == "*" else {
      guard tag == etag else { throw Refusal(status: 412, text: "another ICE session") }
      for candidate in fragment.candidates {
        participant.add(candidate, to: kind.target, at: now)
      }
      return StreamResponse(http: 204)
    }
    guard let credentials = fragment.credentials, credentials != remote.credentials else {
      throw Refusal(status: 422, text: "a restart needs new credentials")
    }
    remote.credentials = credentials
    remote.candidates = fragment.candidates
    etag = newETag(for: participant)
    participant.restart(kind.target, with: remote, at: now)
    let local = participant.localTransport(of: kind.target, setup: .passive)
    return StreamResponse(
      http: 200, [("etag", etag), ("content-type", HTTPSignalling.fragment)],
      body: ICEFragment.text(local, mids: mids))
  }
}
