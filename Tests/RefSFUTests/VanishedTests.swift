// Clients over WHIP and WHEP that vanish: no signalling tells of it, so their path has to.

import Basics
import Signal
import Testing
import Wire

@testable import RefSFU
@testable import Transport

@Suite(.serialized) struct VanishedTests {
  /// A client's transport, and the SFU's end of it in memory.
  private final class Client {
    let http: HTTPIngest
    private var transport: PeerTransport
    private let pool = PacketPool()
    private let address = Address(IPAddress(v4: 198, 51, 100, 1), port: 39_132)
    private let server = Address(IPAddress(v4: 10, 0, 0, 1), port: 7_882)
    private(set) var now = Instant.zero
    private(set) var received = 0
    var isGone = false

    init(_ endpoint: String) throws {
      http = HTTPIngest(endpoint)
      let random = RandomStream(seed: 5, name: "client")
      transport = PeerTransport(
        role: .controlling, identity: DTLSIdentity(random: random.child("identity")),
        protection: .srtp, random: random)
      transport.setLocalAddresses([(address, 0)], at: now)
      let direction = endpoint.hasPrefix("/whip") ? "sendonly" : "recvonly"
      let credentials = transport.ice.localCredentials
      let digits = transport.localFingerprint.bytes.map { byte in
        (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
      }
      let fingerprint = "sha-256 " + digits.joined(separator: ":")
      let offer = """
        v=0
        o=- 1 1 IN IP4 127.0.0.1
        s=-
        t=0 0
        a=group:BUNDLE 0
        a=ice-ufrag:\(credentials.ufrag)
        a=ice-pwd:\(credentials.password)
        a=fingerprint:\(fingerprint)
        a=setup:actpass
        m=audio 9 UDP/TLS/RTP/SAVPF 111
        c=IN IP4 0.0.0.0
        a=mid:0
        a=\(direction)
        a=rtcp-mux
        a=rtpmap:111 opus/48000/2
        """.split(separator: "\n").joined(separator: "\r\n") + "\r\n"
      let answer = try SessionDescription(parsing: try http.begin(offer).answer)
      let remote = try #require(RemoteTransportDescription(answer))
      transport.setRemote(remote, dtlsRole: .client, at: now)
    }

    func run(for span: Duration) {
      let end = now + span
      while now < end {
        now += .milliseconds(10)
        var outbox = Outbox(pool: pool)
        if !isGone { transport.handleTimeout(at: now, into: &outbox) }
        http.sfu.handleTimeout(at: now, into: &outbox)
        while let out = outbox.packets.popFirst() {
          let path = out.path.reversed
          if path.local == server {
            http.sfu.receive(out.packet.copy(), on: path, at: now, into: &outbox)
          } else {
            received += 1
            guard !isGone else { continue }
            var packet = out.packet.copy()
            _ = transport.receive(&packet, on: path, at: now, into: &outbox)
          }
        }
      }
    }
  }

  @Test(arguments: ["/whip/v1", "/whep/v1"]) func aVanishedClientIsTakenOut(
    endpoint: String
  ) throws {
    let client = try Client(endpoint)
    client.run(for: .seconds(3))
    let participant = try #require(client.http.sfu.rooms.first?.participants.first)
    #expect(participant.state == .active)
    client.run(for: .seconds(60))
    #expect(participant.state == .active, "whoever answers for itself stays")
    client.isGone = true
    client.run(for: .seconds(31))
    let before = client.received
    client.run(for: .seconds(15))
    #expect(client.received == before, "nothing follows")
    #expect(!participant.hasLeft)
    client.run(for: .seconds(6))
    #expect(participant.hasLeft && participant.leaveReason == .connectionTimeout)
    #expect(client.http.sfu.census.participants == 0)
  }
}
