// The rtpdump format: bytes by hand, there and back.

import Basics
import Capture
import TestKit
import Testing

private let dump = RTPDump(
  start: Instant(nanoseconds: 1_700_000_000_000_001_000),
  address: Address(IPAddress(v4: 192, 0, 2, 1), port: 5_004),
  packets: [
    .init(offset: .zero, isRTCP: false, bytes: hex("8000 0001 00000002 00000003 aabb")),
    .init(offset: .milliseconds(20), isRTCP: true, bytes: hex("80c9 0001 00000003")),
  ])

private let written =
  Array("#!rtpplay1.0 192.0.2.1/5004\n".utf8)
  + hex("6553f100 00000001 c0000201 138c 0000")
  + hex("0016 000e 00000000 8000 0001 00000002 00000003 aabb")
  + hex("0010 0000 00000014 80c9 0001 00000003")

@Suite struct RTPDumpTests {
  @Test func writesTheFormatsBytes() throws {
    let file = TemporaryFile()
    try dump.write(to: file.path)
    #expect(try file.bytes == written)
    #expect(try RTPDump(file.path) == dump)
  }

  @Test func firstLineMayNameIPv6() throws {
    let file = TemporaryFile()
    var other = dump
    other.address = Address(IPAddress("2001:db8::1")!, port: 9)
    try other.write(to: file.path)
    #expect(try RTPDump(file.path) == other)
  }

  @Test func shortRecordsKeepTheirOriginalSize() throws {
    var bytes = written
    bytes[47] = 0xFF
    let file = try TemporaryFile(containing: bytes)
    #expect(try RTPDump(file.path).packets[0].originalSize == 255)
  }

  @Test func cutFileNamesThePacket() throws {
    let file = try TemporaryFile(containing: Array(written.dropLast()))
    do {
      _ = try RTPDump(file.path)
      Issue.record("a cut file was read")
    } catch {
      #expect(error.description == "\(file.path): packet 2: truncated rtpdump file")
    }
  }

  @Test func damageNeverTraps() throws {
    for bytes in Array(everyTruncation(of: written)) + Array(everyBitFlip(of: written)) {
      let file = try TemporaryFile(containing: bytes)
      _ = try? RTPDump(file.path)
    }
  }
}
