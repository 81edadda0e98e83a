// Two clients of the tiny signalling and the SFU, 10 ms apart, with real transports.

import Basics
import Transport
import Wire

@testable import RefSFU

final class TinyClient {
  let identity: String
  /// The end at which the driver puts it, and that of its other transport.
  let addresses: [Address]
  var publisher: PeerTransport
  var subscriber: PeerTransport
  /// What it was told, by verb.
  var told: [(verb: String, about: String)] = []
  /// SSRC and number of each RTP packet that it got.
  var received: [(ssrc: UInt32, number: UInt16)] = []
  private let fingerprint: String

  init(_ identity: String, host: UInt8) {
    self.identity = identity
    let random = RandomStream(seed: UInt64(host), name: identity)
    let certificate = DTLSIdentity(random: random)
    let ip = IPAddress(v4: 10, 0, 0, host)
    addresses = [Address(ip, port: 5_000), Address(ip, port: 5_001)]
    fingerprint = certificate.fingerprint.bytes.map { byte in
      let digits = String(byte, radix: 16, uppercase: true)
      return digits.count == 1 ? "0" + digits : digits
    }.joined(separator: ":")
    publisher = PeerTransport(
      role: .controlling, identity: certificate, protection: .srtp, random: random.child("p"))
    subscriber = PeerTransport(
      role: .controlling, identity: certificate, protection: .srtp, random: random.child("s"))
    publisher.setLocalAddresses([(addresses[0], 0)], at: .zero)
    subscriber.setLocalAddresses([(addresses[1], 0)], at: .zero)
  }

  /// A description of one of its transports with these sections, of which `bundle` are taken.
  func description(
    _ credentials: ICECredentials, setup: String, bundle: [String] = ["0", "1"], _ sections: String
  ) -> String {
    """
    v=0
    o=- 1 1 IN IP4 127.0.0.1
    s=-
    t=0 0
    a=group:BUNDLE \(bundle.joined(separator: " "))
    a=ice-ufrag:\(credentials.ufrag)
    a=ice-pwd:\(credentials.password)
    a=fingerprint:sha-256 \(fingerprint)
    a=setup:\(setup)
    \(sections)
    """.split(separator: "\n").joined(separator: "\r\n") + "\r\n"
  }

  /// An offer of a microphone and a camera.
  var offer: String {
    description(
      publisher.ice.localCredentials, setup: "actpass",
      """
      m=audio 9 UDP/TLS/RTP/SAVPF 111
      c=IN IP4 0.0.0.0
      a=mid:0
      a=sendonly
      a=rtcp-mux
      a=msid:- mic
      a=ssrc:11 cname:x
      a=rtpmap:111 opus/48000/2
      m=video 9 UDP/TLS/RTP/SAVPF 96
      c=IN IP4 0.0.0.0
      a=mid:1
      a=sendonly
      a=rtcp-mux
      a=msid:- cam
      a=ssrc:22 cname:x
      a=rtpmap:96 VP8/90000
      """)
  }

  /// Takes a description from the SFU; the answer to an offer.
  func take(_ verb: String, _ sdp: String, at now: Instant) -> String? {
    guard let text = try? SessionDescription(parsing: sdp),
      let remote = RemoteTransportDescription(text)
    else { return nil }
    if verb == "answer" {
      publisher.setRemote(remote, dtlsRole: .client, at: now)
      return nil
    }
    subscriber.setRemote(remote, dtlsRole: .client, at: now)
    let taken = text.media.filter { $0.isRTP && !$0.isRejected }.compactMap(\.mid)
    return description(
      subscriber.ice.localCredentials, setup: "active", bundle: taken,
      text.media.map { answer(to: $0) }.joined(separator: "\n"))
  }

  /// Takes a stream in its first format, and no data.
  private func answer(to section: MediaDescription) -> String {
    let mid = "a=mid:\(section.mid ?? "")"
    guard section.isRTP, !section.isRejected, let type = section.payloadTypes.first,
      let map = section.rtpMap(of: type)
    else {
      let format = section.formats.first ?? "0"
      return "m=\(section.kind.text) 0 \(section.protocol) \(format)\nc=IN IP4 0.0.0.0\n\(mid)"
    }
    let channels = map.channels.map { "/\($0)" } ?? ""
    return """
      m=\(section.kind.text) 9 \(section.protocol) \(type)
      c=IN IP4 0.0.0.0
      \(mid)
      a=recvonly
      a=rtcp-mux
      a=rtpmap:\(type) \(map.encoding)/\(map.clockRate)\(channels)
      """
  }
}

/// Client `n` is on 10.0.0.(2 + n), its stream is `n`.
final class TinyCall {
  let sfu: SFU
  let clients: [TinyClient]
  private(set) var now = Instant.zero
  private let pool = PacketPool()

  init(_ identities: [String], on sfu: SFU) {
    self.sfu = sfu
    clients = identities.enumerated().map { TinyClient($1, host: UInt8(2 + $0)) }
    var outbox = Outbox(pool: pool)
    let interface = Interface(name: "eth0", ip: IPAddress(v4: 10, 0, 0, 1))
    sfu.interfacesChanged([interface], at: now, into: &outbox)
    for (index, client) in clients.enumerated() {
      let request = StreamRequest(kind: .webSocket, target: "/tiny?as=\(client.identity)")
      sfu.receive(
        .opened(StreamID(UInt32(index)), request, from: client.addresses[0]), at: now,
        into: &outbox)
    }
    deliver(&outbox)
  }

  func say(_ text: String, as index: Int) {
    var outbox = Outbox(pool: pool)
    sfu.receive(
      .message(StreamID(UInt32(index)), Array(text.utf8), isText: true), at: now, into: &outbox)
    deliver(&outbox)
  }

  func sendRTP(_ bytes: [UInt8], as index: Int) {
    var outbox = Outbox(pool: pool)
    clients[index].publisher.sendRTP(pool.makePacket(bytes), at: now, into: &outbox)
    deliver(&outbox)
  }

  func run(for span: Duration) {
    let end = now + span
    while now < end {
      now += .milliseconds(10)
      var outbox = Outbox(pool: pool)
      sfu.handleTimeout(at: now, into: &outbox)
      for client in clients {
        client.publisher.handleTimeout(at: now, into: &outbox)
        client.subscriber.handleTimeout(at: now, into: &outbox)
      }
      deliver(&outbox)
    }
  }

  private func deliver(_ outbox: inout Outbox) {
    while true {
      if let out = outbox.packets.popFirst() {
        deliver(out.packet.copy(), on: out.path.reversed, &outbox)
      } else if let action = outbox.streams.popFirst() {
        guard case .send(let stream, let bytes, _) = action else { continue }
        let parts = String(decoding: bytes, as: UTF8.self).split(separator: "\n", maxSplits: 1)
        hear(String(parts[0]), parts.count == 2 ? String(parts[1]) : "", Int(stream.number))
      } else {
        return
      }
    }
  }

  private func hear(_ verb: String, _ about: String, _ index: Int) {
    clients[index].told.append((verb, about))
    guard verb == "offer" || verb == "answer" else { return }
    if let answer = clients[index].take(verb, about, at: now) {
      say("answer\n\(answer)", as: index)
    }
  }

  private func deliver(_ packet: consuming Packet, on path: Path, _ outbox: inout Outbox) {
    guard let client = clients.first(where: { $0.addresses.contains(path.local) }) else {
      sfu.receive(packet, on: path, at: now, into: &outbox)
      return
    }
    var packet = packet
    if path.local == client.addresses[0] {
      _ = client.publisher.receive(&packet, on: path, at: now, into: &outbox)
    } else if case .rtp = client.subscriber.receive(&packet, on: path, at: now, into: &outbox),
      let header = try? RTPHeader(packet.bytes)
    {
      client.received.append((header.ssrc, header.sequenceNumber))
    }
  }
}
