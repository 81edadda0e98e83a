// Capture files and packets built by hand.

import Basics
import Capture
import TestKit

/// Big-endian bytes.
func be(_ value: Int, _ count: Int) -> [UInt8] {
  (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * (count - 1 - $0))) }
}

/// Little-endian bytes.
func le(_ value: Int, _ count: Int) -> [UInt8] { be(value, count).reversed() }

/// A classic pcap file, little-endian, a millisecond between packets.
func pcapFile(_ packets: [[UInt8]], linkType: Int = 101) -> [UInt8] {
  var file = le(0xA1B2_C3D4, 4) + le(2, 2) + le(4, 2) + le(0, 8) + le(65_535, 4) + le(linkType, 4)
  for (index, packet) in packets.enumerated() {
    file += le(1_700_000_000, 4) + le(index * 1_000, 4) + le(packet.count, 4)
    file += le(packet.count, 4) + packet
  }
  return file
}

/// An IPv4 packet from 192.0.2.1 to 10.0.0.7, or back.
func ipPacket(
  _ payload: [UInt8], protocolNumber: UInt8 = 17, identification: Int = 0, fragment: Int = 0,
  isBack: Bool = false
) -> [UInt8] {
  let ends: [[UInt8]] = [[192, 0, 2, 1], [10, 0, 0, 7]]
  return [0x45, 0] + be(20 + payload.count, 2) + be(identification, 2) + be(fragment, 2)
    + [64, protocolNumber, 0, 0] + ends[isBack ? 1 : 0] + ends[isBack ? 0 : 1] + payload
}

func udpPacket(
  _ payload: [UInt8], from source: Int = 5_000, to destination: Int = 3_478, isBack: Bool = false
) -> [UInt8] {
  ipPacket(
    be(source, 2) + be(destination, 2) + be(8 + payload.count, 2) + [0, 0] + payload,
    isBack: isBack)
}

func tcpPacket(_ data: [UInt8], at number: Int, isSYN: Bool = false) -> [UInt8] {
  ipPacket(
    be(5_000, 2) + be(3_478, 2) + be(number, 4) + be(0, 4) + [0x50, isSYN ? 2 : 16]
      + be(65_535, 2) + [0, 0, 0, 0] + data, protocolNumber: 6)
}

/// An RTP packet of payload type 96.
func rtpPacket(_ number: Int, payload: [UInt8] = [1, 2, 3, 4]) -> [UInt8] {
  [0x80, 96] + be(number, 2) + be(number * 960, 4) + be(0x0102_0304, 4) + payload
}

/// A pcapng block, little-endian.
func block(_ kind: Int, _ body: [UInt8]) -> [UInt8] {
  let padded = body + [UInt8](repeating: 0, count: -body.count & 3)
  return le(kind, 4) + le(padded.count + 12, 4) + padded + le(padded.count + 12, 4)
}

let sectionHeader = block(0x0A0D_0D0A, le(0x1A2B_3C4D, 4) + le(1, 2) + le(0, 2) + le(-1, 8))

func option(_ code: Int, _ value: [UInt8]) -> [UInt8] {
  le(code, 2) + le(value.count, 2) + value + [UInt8](repeating: 0, count: -value.count & 3)
}

func interfaceBlock(linkType: Int, _ options: [UInt8] = []) -> [UInt8] {
  block(1, le(linkType, 2) + [0, 0] + le(0, 4) + options)
}

func enhancedPacket(
  _ packet: [UInt8], interface: Int = 0, ticks: Int = 0, options: [UInt8] = []
) -> [UInt8] {
  let padding = [UInt8](repeating: 0, count: -packet.count & 3)
  return block(
    6,
    le(interface, 4) + le(ticks >> 32, 4) + le(ticks & 0xFFFF_FFFF, 4) + le(packet.count, 4)
      + le(packet.count, 4) + packet + padding + options)
}

/// A gzip member of one stored block at most 65,535 bytes (RFC 1952, RFC 1951 §3.2.4).
func gzip(_ bytes: [UInt8]) -> [UInt8] {
  var crc: UInt32 = 0xFFFF_FFFF
  for byte in bytes {
    crc ^= UInt32(byte)
    for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
  }
  return [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255, 1] + le(bytes.count, 2) + le(~bytes.count, 2)
    + bytes + le(Int(~crc), 4) + le(bytes.count, 4)
}

/// The datagrams of a file with these bytes, and what its records were.
func readCapture(
  _ bytes: [UInt8]
) throws -> (datagrams: [(CapturedDatagram, [UInt8])], reader: CaptureReader.Counts) {
  let file = try TemporaryFile(containing: bytes)
  var reader = try CaptureReader(file.path)
  var datagrams: [(CapturedDatagram, [UInt8])] = []
  while try reader.readRecord({ datagrams.append(($0, $1.withUnsafeBytes { Array($0) })) }) != nil {
  }
  return (datagrams, reader.counts)
}
