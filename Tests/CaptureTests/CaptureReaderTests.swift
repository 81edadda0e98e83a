// Captures of every supported kind, built by hand; and broken ones, whose error names the place.

import Basics
import Capture
import TestKit
import Testing

/// A classic pcap file of `frames`, each one second after the one before it.
private func pcap(
  linkType: UInt32, _ frames: [[UInt8]], originalSizes: [Int]? = nil, isNanosecond: Bool = false,
  isBigEndian: Bool = false
) -> [UInt8] {
  func u32(_ value: UInt32) -> [UInt8] {
    let bytes = (0..<4).map { UInt8(truncatingIfNeeded: value >> UInt32(8 * $0)) }
    return isBigEndian ? bytes.reversed() : bytes
  }
  func u16(_ value: UInt16) -> [UInt8] {
    let bytes = [UInt8(truncatingIfNeeded: value), UInt8(value >> 8)]
    return isBigEndian ? bytes.reversed() : bytes
  }
  var file = u32(isNanosecond ? 0xA1B2_3C4D : 0xA1B2_C3D4) + u16(2) + u16(4)
  file += u32(0) + u32(0) + u32(65_535) + u32(linkType)
  for (index, frame) in frames.enumerated() {
    let size = originalSizes?[index] ?? frame.count
    file += u32(UInt32(index)) + u32(7) + u32(UInt32(frame.count)) + u32(UInt32(size)) + frame
  }
  return file
}

private let udp = hex("1388 0d96 000b 0000 616263")
private let ipv4 = hex("45 01 001f 0000 4000 40 11 0000 c0000201 0a000007") + udp
private let ipv6 =
  hex("60200000 000b 11 40 20010db8000000000000000000000001 fe800000000000000000000000000002")
  + udp
private let etherAddresses = hex("020000000001 020000000002")
private let cooked = hex("0000 0001 0006 020000000001 0000")
private let cooked2 = hex("0000 00000002 0001 00 06 0200000000010000")

struct LinkVector: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let linkType: UInt32
  let header: [UInt8]
  var isV6 = false
}

private let links = [
  LinkVector(testDescription: "Ethernet", linkType: 1, header: etherAddresses + hex("0800")),
  LinkVector(
    testDescription: "Ethernet, IPv6", linkType: 1, header: etherAddresses + hex("86dd"),
    isV6: true),
  LinkVector(
    testDescription: "VLAN", linkType: 1, header: etherAddresses + hex("8100 0064 0800")),
  LinkVector(
    testDescription: "VLAN in VLAN", linkType: 1,
    header: etherAddresses + hex("88a8 0001 8100 0064 86dd"), isV6: true),
  LinkVector(testDescription: "raw", linkType: 101, header: []),
  LinkVector(testDescription: "raw, IPv6", linkType: 101, header: [], isV6: true),
  LinkVector(testDescription: "raw IPv4", linkType: 228, header: []),
  LinkVector(testDescription: "raw IPv6", linkType: 229, header: [], isV6: true),
  LinkVector(testDescription: "Linux cooked", linkType: 113, header: cooked + hex("0800")),
  LinkVector(
    testDescription: "Linux cooked 2", linkType: 276, header: hex("86dd") + cooked2, isV6: true),
  LinkVector(testDescription: "null, little-endian", linkType: 0, header: hex("02000000")),
  LinkVector(
    testDescription: "null, Darwin's IPv6", linkType: 0, header: hex("1e000000"), isV6: true),
  LinkVector(testDescription: "loop, big-endian", linkType: 108, header: hex("00000002")),
]

private let expectedV4 = UDPDatagram(
  time: Instant(nanoseconds: 7_000), source: Address(IPAddress(v4: 192, 0, 2, 1), port: 5_000),
  destination: Address(IPAddress(v4: 10, 0, 0, 7), port: 3_478), ecn: .ect1,
  payload: Array("abc".utf8), packetNumber: 1)

private let expectedV6 = UDPDatagram(
  time: Instant(nanoseconds: 7_000), source: Address(IPAddress("2001:db8::1")!, port: 5_000),
  destination: Address(IPAddress("fe80::2")!, port: 3_478), ecn: .ect0,
  payload: Array("abc".utf8), packetNumber: 1)

/// All datagrams of a file with these bytes, and what its packets were.
private func read(
  _ bytes: [UInt8]
) throws -> (datagrams: [UDPDatagram], counts: CaptureReader.Counts) {
  let file = try TemporaryFile(containing: bytes)
  var reader = try CaptureReader(file.path)
  var datagrams: [UDPDatagram] = []
  while let datagram = try reader.next() { datagrams.append(datagram) }
  return (datagrams, reader.counts)
}

private func readRaw(_ packets: [[UInt8]]) throws -> CaptureReader.Counts {
  try read(pcap(linkType: 101, packets)).counts
}

@Suite struct CaptureReaderTests {
  @Test(arguments: links) func linkLayerIsTakenOff(_ link: LinkVector) throws {
    let frame = link.header + (link.isV6 ? ipv6 : ipv4)
    let datagrams = try read(pcap(linkType: link.linkType, [frame])).datagrams
    #expect(datagrams == [link.isV6 ? expectedV6 : expectedV4])
  }

  /// No damage to any header traps: one file holds all truncations and bit flips of a frame.
  @Test(arguments: links) func damageNeverTraps(_ link: LinkVector) throws {
    let frame = link.header + (link.isV6 ? ipv6 : ipv4)
    let damaged = Array(everyTruncation(of: frame)) + Array(everyBitFlip(of: frame))
    let counts = try read(pcap(linkType: link.linkType, damaged)).counts
    #expect(counts.packets == damaged.count)
    #expect(
      counts.datagrams + counts.fragments + counts.others + counts.malformed == damaged.count)
    #expect(counts.truncated > 0)
  }

  @Test(arguments: [false, true], [false, true])
  func resolutionAndByteOrderAreKept(_ isNanosecond: Bool, _ isBigEndian: Bool) throws {
    let file = pcap(
      linkType: 101, [ipv4, ipv4], isNanosecond: isNanosecond, isBigEndian: isBigEndian)
    let times = try read(file).datagrams.map(\.time.nanoseconds)
    #expect(times == (isNanosecond ? [7, 1_000_000_007] : [7_000, 1_000_007_000]))
  }

  @Test func snapshotLengthCutsAndSaysSo() throws {
    let file = pcap(linkType: 101, [Array(ipv4.dropLast(2))], originalSizes: [ipv4.count])
    let (datagrams, counts) = try read(file)
    #expect(datagrams.map(\.payload) == [Array("a".utf8)])
    #expect(datagrams.map(\.isTruncated) == [true])
    #expect(counts.truncated == 1)
  }

  @Test func trailerOfAShortFrameIsNoPayload() throws {
    let padded = etherAddresses + hex("0800") + ipv4 + [0, 0, 0, 0]
    #expect(try read(pcap(linkType: 1, [padded])).datagrams == [expectedV4])
  }

  @Test func fragmentsAreCounted() throws {
    var first = ipv4
    first[6] = 0x20
    var later = ipv4
    (later[5], later[7]) = (9, 1)
    let v6Header = ipv6.prefix(40)
    func v6Fragment(_ offsetAndFlag: String, _ identification: String) -> [UInt8] {
      var packet = Array(v6Header) + hex("11 00 \(offsetAndFlag) \(identification)") + udp
      packet[6] = 44
      packet[5] += 8
      return packet
    }
    let counts = try readRaw([
      first, later, v6Fragment("0001", "00000001"), v6Fragment("0008", "00000002"),
      v6Fragment("0000", "00000003"), ipv4,
    ])
    #expect(counts.fragments == 4)
    #expect(counts.reassembled == 0)
    // The atomic fragment (RFC 6946) and the whole packet.
    #expect(counts.datagrams == 2)
  }

  @Test func ipv6ExtensionHeadersAreSkipped() throws {
    // Hop-by-hop, destination options of two words, authentication.
    var packet = Array(ipv6.prefix(40))
    packet[6] = 0
    packet[5] += 8 + 16 + 12
    packet += hex("3c 00 000000000000")
    packet += hex("33 01 0000000000000000000000000000")
    packet += hex("11 01 0000 00000000 00000000")
    #expect(try read(pcap(linkType: 101, [packet + udp])).datagrams == [expectedV6])
  }

  @Test func otherProtocolsAreCounted() throws {
    var tcp = ipv4
    tcp[9] = 6
    #expect(try readRaw([tcp, ipv4]).others == 1)
    let arp = etherAddresses + hex("0806 0001080006040001")
    let lldp = etherAddresses + hex("002e 424203")
    #expect(try read(pcap(linkType: 1, [arp, lldp])).counts.others == 2)
  }

  @Test func brokenHeadersAreCounted() throws {
    var shortHeader = ipv4
    shortHeader[0] = 0x44
    var shortTotal = ipv4
    shortTotal[3] = 19
    var shortUDP = ipv4
    shortUDP[25] = 7
    let counts = try readRaw([shortHeader, shortTotal, shortUDP, [0x50], []])
    #expect(counts.malformed == 5)
  }

  @Test func segmentationOffloadLeavesLengthsZero() throws {
    var packet = ipv4
    (packet[2], packet[3]) = (0, 0)
    (packet[24], packet[25]) = (0, 0)
    #expect(try read(pcap(linkType: 101, [packet])).datagrams == [expectedV4])
  }
}

@Suite struct CaptureErrorTests {
  private func message(_ body: () throws(CaptureError) -> Void) -> String {
    do throws(CaptureError) {
      try body()
      return ""
    } catch {
      return error.description
    }
  }

  @Test func absentFileIsNamed() {
    let text = message { () throws(CaptureError) in _ = try CaptureReader("/nowhere.pcap") }
    #expect(text.contains("/nowhere.pcap"))
    #expect(text.contains("No such file"))
  }

  @Test func foreignFormatIsRefused() throws {
    let file = try TemporaryFile(containing: Array("this is no capture at all".utf8))
    #expect(throws: CaptureError.self) { try CaptureReader.datagrams(of: file.path) }
  }

  @Test func unsupportedLinkTypeIsNamed() throws {
    let file = try TemporaryFile(containing: pcap(linkType: 105, []))
    let text = message { () throws(CaptureError) in _ = try CaptureReader(file.path) }
    #expect(text.contains("IEEE802_11"))
  }

  @Test func cutFileNamesThePacket() throws {
    let whole = pcap(linkType: 101, [ipv4, ipv4])
    let file = try TemporaryFile(containing: Array(whole.dropLast()))
    let text = message { () throws(CaptureError) in
      _ = try CaptureReader.datagrams(of: file.path)
    }
    #expect(text.hasPrefix("\(file.path): packet 2: "))
  }

  /// Any cut or flipped bit of a capture ends in datagrams or an error.
  @Test func damagedFilesNeverTrap() throws {
    let source = TemporaryFile()
    let writer = try PcapngWriter(source.path)
    let interface = try writer.addInterface("i")
    try writer.write(
      Array("abc".utf8).span.bytes, from: expectedV4.source, to: expectedV4.destination,
      at: .zero, on: interface, .inbound, comment: "c")
    try writer.close()
    let bytes = try source.bytes
    for damaged in everyTruncation(of: bytes) { _ = try? read(damaged) }
    for damaged in everyBitFlip(of: bytes) { _ = try? read(damaged) }
  }
}

@Suite struct SharedCaptureTests {
  @Test(
    .enabled(if: sharedFile("captures") != nil, needsShared),
    .enabled(if: Tshark.path != nil, "tshark is not installed"),
    arguments: ["chromium-plain", "chromium-dtls13-encrypted", "aiortc-encrypted"])
  func everyDatagramIsTsharks(_ name: String) throws {
    let file = try #require(sharedFile("captures/\(name).pcapng"))
    // A conversation's protocol is of no interest, and dissectors take time.
    let rows = try Tshark.fields(
      file, ["frame.number", "frame.time_epoch", "udp.srcport", "udp.dstport", "udp.payload"],
      filter: "udp", options: ["--enable-protocol", "udp"])
    let datagrams = try CaptureReader.datagrams(of: file)
    try #require(rows.count == datagrams.count)
    for (row, datagram) in zip(rows, datagrams) {
      #expect(row[0] == String(datagram.packetNumber))
      #expect(row[1].filter { $0 != "." } == String(datagram.time.nanoseconds))
      #expect(row[2] == String(datagram.source.port))
      #expect(row[3] == String(datagram.destination.port))
      #expect(hex(row[4]) == datagram.payload)
    }
  }
}
