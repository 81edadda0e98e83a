// Peers over WHIP and WHEP whose packets are written and read by hand: ICE, DTLS and SRTP are real,
// everything above is the test's. Datagrams take no time, nothing is lost.

import Basics
import Signal
import Testing
import Transport
import Wire

@testable import RefSFU

/// One client's end of its transport.
final class RawPeer {
  /// A packet in clear as it came.
  struct Arrival {
    var header: RTPHeader
    var payload: [UInt8]
    var extensions: RTPExtensions
    var at: Instant
  }

  let identity: String
  let address: Address
  var transport: PeerTransport
  var packets: [Arrival] = []
  var reports: [(packet: RTCPPacket, at: Instant)] = []
  /// Under which ids extensions are written and read.
  var map = RTPExtensionMap()
  /// The session's path below the endpoint.
  var path = ""
  var answer = SessionDescription(origin: SDPOrigin(sessionID: 0, sessionVersion: 0))

  init(_ identity: String, number: UInt8) {
    self.identity = identity
    address = Address(IPAddress(v4: 10, 0, 0, number), port: 5_000)
    let random = RandomStream(seed: UInt64(number), name: identity)
    transport = PeerTransport(
      role: .controlling, identity: DTLSIdentity(random: random.child("certificate")),
      protection: SFUConfiguration(keys: APIKeys([:])).protection, random: random)
    map[.mid] = 4
    map[.rid] = 5
    map[.absCaptureTime] = 6
  }

  var transportLines: [String] {
    let credentials = transport.ice.localCredentials
    let bytes = transport.localFingerprint.bytes.map {
      ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true)
    }
    return [
      "a=ice-ufrag:\(credentials.ufrag)", "a=ice-pwd:\(credentials.password)",
      "a=fingerprint:sha-256 \(bytes.joined(separator: ":"))", "a=setup:actpass",
    ]
  }

  /// PLIs for `ssrc` since the last call.
  func takeKeyframeRequests(_ ssrc: UInt32) -> Int {
    let isMine: (RTCPPacket) -> Bool = {
      if case .pictureLossIndication(_, ssrc) = $0 { true } else { false }
    }
    let count = reports.count { isMine($0.packet) }
    reports.removeAll { isMine($0.packet) }
    return count
  }

  var senderReports: [SenderReport] {
    reports.compactMap { if case .senderReport(let report) = $0.packet { report } else { nil } }
  }
}

/// A LiveKit subscriber whose answers are written by hand.
final class RawSubscriber {
  let peer: RawPeer
  fileprivate let stream: StreamID
  fileprivate let setup: String
  /// Changes a section of an answer.
  var change: (Int, inout [String]) -> Void
  var offers: [String] = []
  var leave: LeaveRequest?

  fileprivate init(
    _ peer: RawPeer, _ stream: StreamID, setup: String,
    _ change: @escaping (Int, inout [String]) -> Void
  ) {
    self.peer = peer
    self.stream = stream
    self.setup = setup
    self.change = change
  }
}

/// A LiveKit client of /rtc/v1 whose offers are written by hand.
final class RawSinglePeer {
  let peer: RawPeer
  fileprivate let stream: StreamID
  fileprivate(set) var answers: [SignalDescription] = []
  /// The sections that it was asked for.
  fileprivate(set) var required: [MediaSectionsRequirement] = []
  fileprivate(set) var hasLeft = false

  fileprivate init(_ peer: RawPeer, _ stream: StreamID) {
    self.peer = peer
    self.stream = stream
  }

  fileprivate func description(_ sections: [[String]]) -> SignalDescription {
    let mids = sections.filter { !$0[0].contains(" 0 ") }.compactMap { lines in
      lines.first { $0.hasPrefix("a=mid:") }?.dropFirst(6)
    }
    var sketch = OfferSketch(sections, session: ["a=group:BUNDLE \(mids.joined(separator: " "))"])
    sketch.transport = peer.transportLines
    return SignalDescription {
      $0.type = "offer"
      $0.sdp = sketch.text
      $0.id = UInt32(answers.count + 1)
    }
  }

  fileprivate func receive(_ bytes: [UInt8], at now: Instant) {
    switch try? SignalResponse(decoding: bytes) {
    case .answer(let answer):
      answers.append(answer)
      guard let description = try? SessionDescription(parsing: answer.sdp),
        let remote = RemoteTransportDescription(description)
      else { return }
      peer.transport.setRemote(remote, dtlsRole: .client, at: now)
    case .mediaSectionsRequirement(let requirement): required.append(requirement)
    case .leave: hasLeft = true
    default: break
    }
  }
}

final class RawCall {
  private var subscribers: [RawSubscriber] = []
  private var singlePeers: [RawSinglePeer] = []
  let http = HTTPIngest("/whip/v1")
  private(set) var now = Instant.zero
  private(set) var peers: [RawPeer] = []
  private let pool = PacketPool()
  private static let server = IPAddress(v4: 10, 0, 0, 1)
  var sfu: SFU { http.sfu }

  static let ids = [
    "a=extmap:4 \(OfferSketch.mid)", "a=extmap:5 \(OfferSketch.rid)",
    "a=extmap:6 http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
  ]

  /// A publisher that has connected.
  func publish(_ identity: String, _ sketch: OfferSketch, setup: String = "actpass") throws
    -> RawPeer
  {
    try open("/whip/v1", identity, sketch, setup)
  }

  /// A player that has connected.
  func play(_ identity: String, _ sketch: OfferSketch, setup: String = "actpass") throws -> RawPeer
  {
    try open("/whep/v1", identity, sketch.replacing("a=sendonly", "a=recvonly"), setup)
  }

  private func open(
    _ endpoint: String, _ identity: String, _ sketch: OfferSketch, _ setup: String
  ) throws -> RawPeer {
    let peer = RawPeer(identity, number: UInt8(2 + peers.count))
    peers.append(peer)
    var offer = sketch
    offer.transport = peer.transportLines
    offer = offer.replacing("a=setup:actpass", "a=setup:\(setup)")
    let response = request("POST", endpoint, identity, type: HTTPSignalling.description, offer.text)
    let text = String(decoding: response.body, as: UTF8.self)
    try #require(response.status == 201, "\(text)")
    peer.path = response.headers.first { $0.name == "location" }?.value ?? ""
    peer.answer = try SessionDescription(parsing: text)
    let remote = try #require(RemoteTransportDescription(peer.answer))
    peer.transport.setLocalAddresses([(peer.address, 0)], at: now)
    peer.transport.setRemote(
      remote, dtlsRole: remote.setup == .active ? .server : .client, at: now)
    run(for: .milliseconds(500))
    return peer
  }

  /// Somebody who takes everything over LiveKit's signalling.
  func subscribe(
    _ identity: String, setup: String = "active",
    _ change: @escaping (Int, inout [String]) -> Void = { _, _ in }
  ) -> RawSubscriber {
    let peer = RawPeer(identity, number: UInt8(2 + peers.count))
    peers.append(peer)
    for (id, kind) in SubscriberOffer.extensionIDs { peer.map[kind] = UInt8(id) }
    peer.map[.rid] = nil
    let subscriber = RawSubscriber(
      peer, StreamID(UInt32.max - UInt32(subscribers.count)), setup: setup, change)
    subscribers.append(subscriber)
    connect(peer, "/rtc", "auto_subscribe=1&protocol=15", subscriber.stream)
    return subscriber
  }

  /// Somebody who takes everything over /rtc/v1, and offers `sections` first.
  func join(_ identity: String, offering sections: [[String]]) -> RawSinglePeer {
    let peer = RawPeer(identity, number: UInt8(2 + peers.count))
    peers.append(peer)
    let client = RawSinglePeer(peer, StreamID(UInt32(1_000_000 + singlePeers.count)))
    singlePeers.append(client)
    let join = JoinRequest {
      $0.connectionSettings = ConnectionSettings { $0.autoSubscribe = true }
      $0.publisherOffer = client.description(sections)
    }
    let wrapped = WrappedJoinRequest { $0.joinRequest = join.encoded }
    connect(
      peer, "/rtc/v1", "join_request=\(Base64URL.encode(wrapped.encoded))", client.stream)
    return client
  }

  func offer(_ sections: [[String]], of client: RawSinglePeer) {
    let offer = SignalRequest.offer(client.description(sections))
    var outbox = Outbox(pool: pool)
    sfu.receive(.message(client.stream, offer.encoded, isText: false), at: now, into: &outbox)
    carry(&outbox, from: nil)
    run(for: .milliseconds(20))
  }

  private func connect(_ peer: RawPeer, _ path: String, _ query: String, _ stream: StreamID) {
    peer.transport.setLocalAddresses([(peer.address, 0)], at: now)
    let token = AccessToken(
      apiKey: "key", identity: peer.identity, video: .join("room"),
      now: sfu.configuration.epochSeconds)
    let target = "\(path)?access_token=\(token.signed(with: http.keys) ?? "")&\(query)"
    var outbox = Outbox(pool: pool)
    sfu.receive(
      .opened(stream, StreamRequest(kind: .webSocket, target: target), from: peer.address),
      at: now, into: &outbox)
    carry(&outbox, from: nil)
    run(for: .milliseconds(800))
  }

  private func receive(_ bytes: [UInt8], of subscriber: RawSubscriber) {
    switch try? SignalResponse(decoding: bytes) {
    case .offer(let offer): answer(offer, of: subscriber)
    case .leave(let leave): subscriber.leave = leave
    default: break
    }
  }

  private func answer(_ offer: SignalDescription, of subscriber: RawSubscriber) {
    let peer = subscriber.peer
    subscriber.offers.append(offer.sdp)
    guard
      let text = try? AnswerSketch.text(
        to: offer.sdp, transport: peer.transportLines, setup: subscriber.setup, subscriber.change),
      let description = try? SessionDescription(parsing: offer.sdp),
      let remote = RemoteTransportDescription(description)
    else { return }
    peer.transport.setRemote(
      remote, dtlsRole: subscriber.setup == "passive" ? .server : .client, at: now)
    let request = SignalRequest.answer(
      SignalDescription {
        $0.type = "answer"
        $0.sdp = text
        $0.id = offer.id
      })
    var outbox = Outbox(pool: pool)
    sfu.receive(
      .message(subscriber.stream, request.encoded, isText: false), at: now, into: &outbox)
    carry(&outbox, from: nil)
  }

  func end(_ peer: RawPeer) {
    _ = request("DELETE", peer.path, peer.identity, type: nil, "")
    run(for: .milliseconds(20))
  }

  private func request(
    _ method: String, _ target: String, _ identity: String, type: String?, _ body: String
  ) -> StreamResponse {
    let token = AccessToken(
      apiKey: "key", identity: identity, video: .join("room"),
      now: sfu.configuration.epochSeconds)
    var headers = [("authorization", "Bearer \(token.signed(with: http.keys) ?? "")")]
    if let type { headers.append(("content-type", type)) }
    var outbox = Outbox(pool: pool)
    let response = sfu.answer(
      StreamRequest(
        kind: .http, method: method, target: target, headers: headers, body: Array(body.utf8)),
      at: now, into: &outbox)
    carry(&outbox, from: nil)
    return response
  }

  // MARK: - Packets

  func send(
    _ peer: RawPeer, _ fields: RTPFields, mid: String?, rid: String? = nil,
    captured: UInt64? = nil, _ payload: [UInt8], padding: UInt8 = 0
  ) {
    var extensions = RTPExtensions()
    extensions.mid = mid.flatMap { ShortName($0) }
    extensions.rid = rid.flatMap { ShortName($0) }
    extensions.absCaptureTime = captured
    var packet = pool.makePacket()
    packet.beginRTP(fields, extensions: extensions, map: peer.map)
    for byte in payload { packet.append(byte) }
    if padding > 0 { packet.appendPadding(padding) }
    var outbox = Outbox(pool: pool)
    peer.transport.sendRTP(packet, at: now, into: &outbox)
    carry(&outbox, from: peer)
  }

  func send(_ peer: RawPeer, _ packets: RTCPPacket...) {
    var writer = RTCPWriter()
    for packet in packets { writer.append(packet) }
    var outbox = Outbox(pool: pool)
    peer.transport.sendRTCP(pool.makePacket(writer.bytes), at: now, into: &outbox)
    carry(&outbox, from: peer)
  }

  // MARK: - Time

  /// Steps of 5 ms, so that nobody waits for a moment in between.
  func run(for span: Duration) {
    let end = now + span
    while now < end {
      now += .milliseconds(5)
      var outbox = Outbox(pool: pool)
      sfu.handleTimeout(at: now, into: &outbox)
      carry(&outbox, from: nil)
      for peer in peers {
        var outbox = Outbox(pool: pool)
        peer.transport.handleTimeout(at: now, into: &outbox)
        carry(&outbox, from: peer)
      }
    }
  }

  private func carry(_ outbox: inout Outbox, from sender: RawPeer?) {
    while let out = outbox.packets.popFirst() {
      var answers = Outbox(pool: pool)
      let path = out.path.reversed
      let bytes = out.packet.bytes.withUnsafeBytes { Array($0) }
      if sender != nil {
        sfu.receive(pool.makePacket(bytes), on: path, at: now, into: &answers)
        carry(&answers, from: nil)
      } else if let peer = peers.first(where: { $0.address == path.local }) {
        var packet = pool.makePacket(bytes)
        let received = peer.transport.receive(&packet, on: path, at: now, into: &answers)
        note(received, packet, of: peer)
        carry(&answers, from: peer)
      }
    }
    while let action = outbox.streams.popFirst() {
      guard case .send(let stream, let bytes, _) = action else { continue }
      if let subscriber = subscribers.first(where: { $0.stream == stream }) {
        receive(bytes, of: subscriber)
      }
      singlePeers.first { $0.stream == stream }?.receive(bytes, at: now)
    }
  }

  private func note(
    _ received: PeerTransport.Received, _ packet: borrowing Packet, of peer: RawPeer
  ) {
    switch received {
    case .handled: break
    case .rtp:
      guard let header = try? RTPHeader(packet.bytes) else { return }
      let payload = packet.bytes.withUnsafeBytes { Array($0[header.payloadRange]) }
      peer.packets.append(
        RawPeer.Arrival(
          header: header, payload: payload,
          extensions: RTPExtensions(packet.bytes, header, peer.map), at: now))
    case .rtcp:
      try? RTCPReader.read(packet.bytes) { peer.reports.append(($0, now)) }
    }
  }
}

/// Payloads of frames.
enum RawFrame {
  /// A whole VP8 frame in a packet (RFC 7741 §4.2, §4.3).
  static func vp8(
    key: Bool, picture: UInt16, width: Int = 640, height: Int = 360, size: Int = 200
  ) -> [UInt8] {
    var bytes: [UInt8] = [
      0x90, 0x80, 0x80 | UInt8(picture >> 8 & 0x7F), UInt8(truncatingIfNeeded: picture),
      key ? 0x10 : 0x11, 0, 0,
    ]
    if key {
      bytes += [0x9D, 0x01, 0x2A, UInt8(width & 0xFF), UInt8(width >> 8)]
      bytes += [UInt8(height & 0xFF), UInt8(height >> 8)]
    }
    return bytes + [UInt8](repeating: 0x55, count: max(0, size - bytes.count))
  }
}
