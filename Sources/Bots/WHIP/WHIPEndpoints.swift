// Where a client publishes over WHIP and plays over WHEP, its sessions there, and what it is to be played.

import Basics
import Transport
import Wire

public struct WHIPEndpoints: Sendable {
  public struct Endpoint: Sendable {
    /// Path and query.
    public var target: String
    /// Presented as a bearer token (RFC 9725 §4.5), where there is one.
    public var token: String?

    public init(target: String, token: String?) {
      self.target = target
      self.token = token
    }
  }

  public var publish: Endpoint
  /// Nil for one that plays nothing.
  public var play: Endpoint?
  /// Nil for one that has nobody to watch.
  public var watched: WatchedPublisher?

  public init(publish: Endpoint, play: Endpoint?, watched: WatchedPublisher?) {
    self.publish = publish
    self.play = play
    self.watched = watched
  }
}

/// A session at an endpoint, from the request for it.
struct WHIPResource {
  private let endpoint: WHIPEndpoints.Endpoint
  /// Its URL, once the server has said so.
  private(set) var url: String?

  init(at endpoint: WHIPEndpoints.Endpoint) { self.endpoint = endpoint }

  func request(_ method: String, sdp: String?) -> StreamRequest {
    var headers: [(name: String, value: String)] = []
    if sdp != nil { headers.append(("content-type", "application/sdp")) }
    if let token = endpoint.token { headers.append(("authorization", "Bearer \(token)")) }
    return StreamRequest(
      kind: .http, method: method, target: url ?? endpoint.target, headers: headers,
      body: Array((sdp ?? "").utf8))
  }

  /// Takes the session's URL out of a response: absolute, or below the endpoint's server.
  mutating func learn(_ response: StreamResponse) {
    guard let location = response.header("location") else { return }
    guard let authority = location.firstRange(of: "://") else {
      let folder = endpoint.target.prefix { $0 != "?" }.lastIndex(of: "/")
      url =
        location.hasPrefix("/")
        ? location : String(endpoint.target[...(folder ?? endpoint.target.startIndex)]) + location
      return
    }
    let rest = location[authority.upperBound...]
    url = rest.firstIndex(of: "/").map { String(rest[$0...]) }
  }
}

/// Somebody to be watched: with neither endpoint saying who that is, the scenario does.
public struct WatchedPublisher: Sendable {
  public struct Track: Sendable {
    public var source: TrackSource
    public var codec: CodecProfile

    public init(_ configuration: LocalTrackConfiguration) {
      source = configuration.source
      codec = configuration.codec
    }
  }

  public var identity: String
  public var tracks: [Track]

  public init(identity: String, tracks: [Track]) {
    self.identity = identity
    self.tracks = tracks
  }

  static func sid(of identity: String) -> String { "PA_\(identity)" }

  private func sid(of track: Track) -> String { "TR_\(identity)_\(track.source.name)" }

  var participant: SessionParticipant {
    SessionParticipant(
      sid: WatchedPublisher.sid(of: identity), identity: identity,
      tracks: tracks.map { .init(sid: sid(of: $0), source: $0.source) })
  }

  /// An offer to receive each track in a section of its own, over the transport given.
  func offer(to transport: LocalTransportDescription) -> String {
    let credentials = transport.credentials
    var offer = SessionDescription(
      origin: SDPOrigin(sessionID: stableHash(credentials.ufrag) >> 1, sessionVersion: 1))
    offer.msidSemantic = "WMS"
    offer.transport = TransportAttributes(
      iceUfrag: credentials.ufrag, icePwd: credentials.password,
      fingerprints: [transport.fingerprint])
    for (index, track) in tracks.enumerated() {
      var section = PublisherOffer.section(of: track.codec, mid: String(index))
      section.headerExtensions = PublisherOffer.extensionIDs
        .filter { $0.kind == .mid || $0.kind == .transportSequenceNumber }
        .map { HeaderExtension(id: $0.id, uri: $0.kind.uri) }
      section.direction = .recvonly
      section.transport.setup = .actpass
      if index == 0 {
        section.candidates = PublisherOffer.candidates(of: transport.addresses)
        section.endOfCandidates = true
      }
      offer.media.append(section)
    }
    offer.groups = [MediaGroup(semantics: "BUNDLE", mids: offer.media.compactMap(\.mid))]
    return offer.description
  }

  /// What a server says it sends, with the names that the bot knows streams by.
  func named(_ sdp: String) -> String {
    guard var description = try? SessionDescription(parsing: sdp) else { return sdp }
    for index in description.media.indices where index < tracks.count {
      let track = tracks[index]
      description.media[index].msids = [
        MediaStreamID(
          stream: "\(WatchedPublisher.sid(of: identity))|\(sid(of: track))", track: sid(of: track))
      ]
      description.media[index].ssrcs.removeAll { $0.name == "msid" }
    }
    return description.description
  }
}
