// What datagrams are wrapped in: PPP, fragments, TCP with RFC 4571 frames, TURN.

import Basics
import Capture
import TestKit
import Testing

@Suite struct LinkLayerTests {
  @Test func pppAndPPPoEAreTakenOff() throws {
    let packet = udpPacket([1])
    #expect(
      try readCapture(pcapFile([[0xFF, 3, 0, 0x21] + packet], linkType: 9)).datagrams.count == 1)
    // Compressed address, control and protocol fields.
    #expect(try readCapture(pcapFile([[0x21] + packet], linkType: 9)).datagrams.count == 1)
    let session: [UInt8] = [0x11, 0, 0, 1] + be(packet.count + 2, 2) + [0, 0x21] + packet
    let ethernet = [UInt8](repeating: 2, count: 12) + [0x88, 0x64] + session
    #expect(try readCapture(pcapFile([ethernet], linkType: 1)).datagrams.map(\.1) == [[1]])
    #expect(try readCapture(pcapFile([[0xFF, 3, 0xC0, 0x21, 1]], linkType: 9)).reader.others == 1)
  }
}

@Suite struct FragmentTests {
  /// The parts of a UDP packet with 2,000 bytes, of 800 bytes each.
  private func parts(_ identification: Int) -> [[UInt8]] {
    let payload = (0..<2_000).map { UInt8(truncatingIfNeeded: $0) }
    let udp = be(5_000, 2) + be(3_478, 2) + be(2_008, 2) + [0, 0] + payload
    return stride(from: 0, to: udp.count, by: 800).map { start in
      let isLast = start + 800 >= udp.count
      return ipPacket(
        Array(udp[start..<min(start + 800, udp.count)]), identification: identification,
        fragment: start / 8 | (isLast ? 0 : 0x2000))
    }
  }

  @Test(arguments: [[0, 1, 2], [2, 1, 0], [1, 0, 0, 2]])
  func partsInAnyOrderAreOneDatagram(_ order: [Int]) throws {
    let parts = parts(7)
    let (datagrams, counts) = try readCapture(pcapFile(order.map { parts[$0] }))
    #expect(datagrams.map(\.1.count) == [2_000])
    #expect(datagrams.first?.1.last == UInt8(truncatingIfNeeded: 1_999))
    // As Wireshark, in the frame of the part that completes it.
    #expect(datagrams.first?.0.packetNumber == order.count)
    #expect(counts.reassembled == 1)
    #expect(counts.fragments == order.count)
  }

  @Test func packetsDoNotMix() throws {
    let (a, b) = (parts(1), parts(2))
    let counts = try readCapture(pcapFile([a[0], b[1], a[2], b[0], b[2]])).reader
    #expect(counts.reassembled == 1)
  }
}

@Suite struct TCPMediaTests {
  private func framed(_ packets: [[UInt8]]) -> [UInt8] {
    packets.flatMap { be($0.count, 2) + $0 }
  }

  @Test func framesAcrossSegmentsArePackets() throws {
    let packets = (0..<6).map { rtpPacket($0, payload: [UInt8](repeating: 9, count: 20 + $0)) }
    let stream = framed(packets)
    let cuts = [0, 120, 121, 150, stream.count]
    var frames = [tcpPacket([], at: 999, isSYN: true)]
    for (from, to) in zip(cuts, cuts.dropFirst()) {
      frames.append(tcpPacket(Array(stream[from..<to]), at: 1_000 + from))
    }
    // Out of order, and one segment twice.
    frames.swapAt(2, 3)
    frames.append(frames[1])
    let (datagrams, counts) = try readCapture(pcapFile(frames))
    #expect(datagrams.map(\.1) == packets)
    #expect(datagrams.allSatisfy { $0.0.transport == .tcp })
    #expect(counts.tcpPackets == 6)
  }

  @Test func aMissingSegmentCostsItsPackets() throws {
    var frames: [[UInt8]] = []
    var number = 1_000
    for index in 0..<80 {
      let data = framed([rtpPacket(index), rtpPacket(index + 1_000), rtpPacket(index + 2_000)])
      if index != 20 { frames.append(tcpPacket(data, at: number)) }
      number += data.count
    }
    let (datagrams, counts) = try readCapture(pcapFile(frames))
    #expect(counts.tcpGaps == 1)
    #expect(datagrams.count == 79 * 3)
  }

  @Test func otherConnectionsAreNoMedia() throws {
    let request = Array("GET / HTTP/1.1\r\nHost: example.org\r\n\r\n".utf8)
    let frames = (0..<20).map { tcpPacket(request, at: 1_000 + $0 * request.count) }
    let (datagrams, counts) = try readCapture(pcapFile(frames))
    #expect(datagrams.isEmpty)
    #expect(counts.others == 20)
  }
}

@Suite struct TURNTests {
  private let peer = Address(IPAddress(v4: 198, 51, 100, 9), port: 40_000)
  /// XOR-PEER-ADDRESS of it.
  private var peerAttribute: [UInt8] {
    be(0x0012, 2) + be(8, 2) + [0, 1] + be(40_000 ^ 0x2112, 2)
      + zip([198, 51, 100, 9] as [UInt8], [0x21, 0x12, 0xA4, 0x42]).map { $0 ^ $1 }
  }

  private func message(_ type: Int, _ attributes: [UInt8]) -> [UInt8] {
    be(type, 2) + be(attributes.count, 2) + [0x21, 0x12, 0xA4, 0x42]
      + [UInt8](repeating: 5, count: 12) + attributes
  }

  private func data(_ bytes: [UInt8]) -> [UInt8] {
    be(0x0013, 2) + be(bytes.count, 2) + bytes + [UInt8](repeating: 0, count: -bytes.count & 3)
  }

  @Test func indicationsAreUnwrapped() throws {
    let rtp = rtpPacket(1, payload: [1, 2, 3])
    let frames = [
      udpPacket(message(0x0016, peerAttribute + data(rtp))),
      udpPacket(message(0x0017, data(rtp) + peerAttribute), from: 3_478, to: 5_000, isBack: true),
    ]
    let (datagrams, counts) = try readCapture(pcapFile(frames))
    #expect(datagrams.map(\.1) == [rtp, rtp])
    #expect(datagrams.map(\.0.relayedPeer) == [peer, peer])
    #expect(counts.relayed == 2)
  }

  @Test func channelsAreUnwrapped() throws {
    let rtp = rtpPacket(1)
    let bind = message(0x0009, be(0x000C, 2) + be(4, 2) + be(0x4001, 2) + [0, 0] + peerAttribute)
    let channel = be(0x4001, 2) + be(rtp.count, 2) + rtp
    let unbound = be(0x4002, 2) + be(rtp.count, 2) + rtp
    let frames = [
      udpPacket(bind), udpPacket(channel),
      udpPacket(channel, from: 3_478, to: 5_000, isBack: true), udpPacket(unbound),
    ]
    let (datagrams, counts) = try readCapture(pcapFile(frames))
    #expect(counts.relayed == 3)
    #expect(datagrams.dropFirst().map(\.1) == [rtp, rtp, rtp])
    #expect(datagrams[1].0.relayedPeer == peer)
    #expect(datagrams[2].0.relayedPeer == peer)
    #expect(datagrams[3].0.relayedPeer != nil)
  }

  @Test func damageNeverTraps() throws {
    let whole = message(0x0016, peerAttribute + data(rtpPacket(1)))
    _ = try readCapture(pcapFile(everyTruncation(of: whole).map { udpPacket($0) }))
    _ = try readCapture(pcapFile(everyBitFlip(of: whole).map { udpPacket($0) }))
    let stream = be(16, 2) + rtpPacket(1) + be(16, 2) + rtpPacket(2)
    _ = try readCapture(
      pcapFile(everyBitFlip(of: stream).map { tcpPacket($0, at: 1, isSYN: false) }))
  }
}
