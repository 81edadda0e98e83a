// One participant's LiveKit signalling: notifications become messages, and messages requests
// (LiveKit pkg/rtc/signalhandler.go).

import Basics
import Signal
import Wire

class LiveKitChannel: ParticipantChannel {
  final var stream: StreamID?
  /// With which the session began: fresh ones are of the same key and kind.
  private let token: AccessToken
  private let keys: APIKeys
  private let iceServers: [ICEServer]

  required init(
    _ stream: StreamID, _ token: AccessToken, keys: APIKeys,
    iceServers: [SFUConfiguration.ICEServer]
  ) {
    self.stream = stream
    self.token = token
    self.keys = keys
    self.iceServers = iceServers.map { ICEServer($0) }
  }

  // MARK: - To the client

  func send(_ notification: ParticipantNotification, into outbox: inout Outbox) {
    guard stream != nil, let response = response(to: notification) else { return }
    send(response, into: &outbox)
  }

  /// What is told to many is the same for all.
  func send(_ broadcast: Broadcast, into outbox: inout Outbox) {
    guard let stream else { return }
    let bytes = broadcast.encoding(for: LiveKitChannel.self) { SignalResponse($0)?.encoded ?? [] }
    outbox.send(.send(stream, bytes, isText: false))
  }

  private func send(_ response: SignalResponse, into outbox: inout Outbox) {
    guard let stream else { return }
    outbox.send(.send(stream, response.encoded, isText: false))
  }

  /// Nil for what cannot be said.
  private func response(to notification: ParticipantNotification) -> SignalResponse? {
    switch notification {
    case .joined(let news): .join(join(news))
    case .resumed(let number):
      .reconnect(
        ReconnectResponse {
          $0.iceServers = iceServers
          $0.lastMessageSeq = number
          $0.serverInfo = .assay
        })
    case .credentials(let credentials):
      fresh(credentials).signed(with: keys).map { .refreshToken($0) }
    default: SignalResponse(notification)
    }
  }

  private func join(_ news: JoinNews) -> JoinResponse {
    JoinResponse(news) {
      $0.iceServers = iceServers
      $0.serverInfo = .assay
      $0.serverVersion = ServerInfo.compatibleVersion
    }
  }

  private func fresh(_ credentials: Credentials) -> AccessToken {
    var fresh = AccessToken(
      apiKey: token.apiKey, identity: credentials.identity,
      video: credentials.rights.applied(to: token.video), now: credentials.issuedAt,
      lifetime: SFULimits.refreshedTokenLifetime)
    fresh.name = credentials.profile.name
    fresh.metadata = credentials.profile.metadata
    fresh.attributes = credentials.profile.attributes
    fresh.kind = token.kind
    return fresh
  }

  var endpoint: String { "/rtc" }

  // MARK: - Where the client gets media

  var primary: TransportTarget { .subscriber }
  var downlink: TransportTarget { .subscriber }

  func subscribe(
    _ participant: Participant, to track: PublishedTrack, as codec: CodecProfile, at now: Instant
  ) {
    participant.offer(track, codec, at: now)
  }

  func unsubscribed(
    _ participant: Participant, from subscription: Subscription, at now: Instant
  ) {
    participant.withdraw(subscription, at: now)
  }

  func connected(_ participant: Participant, at now: Instant) {}

  func negotiate(_ participant: Participant, at now: Instant, into outbox: inout Outbox) {
    participant.sendOffer(at: now, into: &outbox)
  }

  func offered(_ sections: [PlayedSection], by participant: Participant, at now: Instant) {}
  func announce(in answer: inout SessionDescription) {}
  func answered(_ participant: Participant, at now: Instant) {}

  // MARK: - From the client

  func isAnswer(_ message: [UInt8]) -> Bool { message.first == SignalRequest.answerTag }

  func receive(
    _ message: [UInt8], isText: Bool, from participant: Participant, at now: Instant,
    into outbox: inout Outbox
  ) {
    guard let message = try? SignalRequest(decoding: message) else {
      participant.receivedGarbage(at: now, into: &outbox)
      return
    }
    receive(message, from: participant, at: now, into: &outbox)
  }

  func receive(
    _ message: SignalRequest, from participant: Participant, at now: Instant,
    into outbox: inout Outbox
  ) {
    guard message.isWithinLimits else {
      refuseOversized(message, of: participant, at: now, into: &outbox)
      return
    }
    let refusal = perform(message, of: participant, at: now, into: &outbox)
    if let answer = RequestResponse(to: message, refusal) {
      send(.requestResponse(answer), into: &outbox)
    }
    let unixMilliseconds = participant.sfu.unixSeconds(at: now) * 1_000
    switch message {
    case .ping: send(.pong(unixMilliseconds), into: &outbox)
    case .pingReq(let ping):
      send(
        .pongResp(
          SignalPong {
            $0.lastPingTimestamp = ping.timestamp
            $0.timestamp = unixMilliseconds
          }), into: &outbox)
    default: break
    }
  }

  /// A track that is announced with too much is refused; any other message is no client's.
  private func refuseOversized(
    _ message: SignalRequest, of participant: Participant, at now: Instant,
    into outbox: inout Outbox
  ) {
    guard case .addTrack(let track) = message else {
      participant.receivedGarbage(at: now, into: &outbox)
      return
    }
    let named = AddTrackRequest { $0.cid = String(track.cid.prefix(64)) }
    let refusal = RequestRefusal(reason: .limitExceeded, message: "names or lists are too long")
    if let answer = RequestResponse(to: .addTrack(named), refusal) {
      send(.requestResponse(answer), into: &outbox)
    }
  }

  private func perform(
    _ message: SignalRequest, of participant: Participant, at now: Instant,
    into outbox: inout Outbox
  ) -> RequestRefusal? {
    guard let request = ClientRequest(message) else { return nil }
    do throws(RequestRefusal) {
      try participant.perform(request, at: now, into: &outbox)
      return nil
    } catch {
      return error
    }
  }
}

extension ServerInfo {
  /// The LiveKit server whose protocol this is, since SDKs compare it; behind it who answers
  /// (https://semver.org, build metadata).
  static let compatibleVersion = "1.9.0+assay"

  fileprivate static let assay = ServerInfo {
    $0.version = ServerInfo.compatibleVersion
    $0.protocolVersion = 15
    $0.nodeID = "ND_assay"
  }
}

extension ICEServer {
  fileprivate init(_ server: SFUConfiguration.ICEServer) {
    self.init {
      $0.urls = server.urls
      $0.username = server.username
      $0.credential = server.credential
    }
  }
}
