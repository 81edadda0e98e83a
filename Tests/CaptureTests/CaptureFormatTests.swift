// Formats besides classic pcap: pcapng block by block, gzip, rtpdump, logs and hex dumps.

import Basics
import Capture
import TestKit
import Testing

@Suite struct PcapngReadingTests {
  @Test func interfacesOfSeveralLinkTypesAreRead() throws {
    let ethernet = [UInt8](repeating: 2, count: 12) + [8, 0] + udpPacket([1])
    let file =
      sectionHeader + interfaceBlock(linkType: 1) + interfaceBlock(linkType: 101)
      + interfaceBlock(linkType: 147) + enhancedPacket(ethernet)
      + enhancedPacket(udpPacket([2]), interface: 1) + enhancedPacket([9, 9], interface: 2)
    let (datagrams, counts) = try readCapture(file)
    #expect(datagrams.map(\.1) == [[1], [2]])
    #expect(datagrams.map(\.0.interface) == [0, 1])
    #expect(counts.packets == 3)
    #expect(counts.unsupportedLink == 1)
  }

  @Test func resolutionsAndOffsetsAreApplied() throws {
    // Nanoseconds; 2^-10 s, two seconds later.
    let file =
      sectionHeader + interfaceBlock(linkType: 101, option(9, [9]))
      + interfaceBlock(linkType: 101, option(9, [0x8A]) + option(14, le(2, 8)))
      + enhancedPacket(udpPacket([1]), ticks: 1_500_000_000_123_456_789)
      + enhancedPacket(udpPacket([2]), interface: 1, ticks: 1_536)
    let times = try readCapture(file).datagrams.map(\.0.time.nanoseconds)
    #expect(times == [1_500_000_000_123_456_789, 3_500_000_000])
  }

  @Test func simpleAndObsoletePacketsAreRead() throws {
    let packet = udpPacket([7])
    let obsolete = le(0, 2) + le(3, 2) + le(0, 4) + le(5, 4) + le(packet.count, 4)
    let file =
      sectionHeader + interfaceBlock(linkType: 101) + block(3, le(packet.count, 4) + packet)
      + block(2, obsolete + le(packet.count, 4) + packet)
    let (datagrams, _) = try readCapture(file)
    #expect(datagrams.map(\.1) == [[7], [7]])
    #expect(datagrams.map(\.0.packetNumber) == [1, 2])
    #expect(datagrams[1].0.time == Instant(nanoseconds: 5_000))
  }

  @Test func commentsAndDropsAreKept() throws {
    let file = try TemporaryFile(
      containing: sectionHeader + interfaceBlock(linkType: 101)
        + enhancedPacket(udpPacket([1]), options: option(1, Array("froze here".utf8)))
        + block(5, le(0, 12) + option(5, le(17, 8))))
    var reader = try CaptureReader(file.path)
    while try reader.readRecord({ _, _ in }) != nil {}
    #expect(reader.annotations.comments.map(\.text) == ["froze here"])
    #expect(reader.annotations.comments.map(\.packetNumber) == [1])
    #expect(reader.annotations.droppedByCapture == 17)
  }

  @Test func brokenBlocksNameThePacket() throws {
    let head = sectionHeader + interfaceBlock(linkType: 101) + enhancedPacket(udpPacket([1]))
    func message(_ more: [UInt8]) throws -> String {
      let file = try TemporaryFile(containing: head + more)
      do {
        _ = try CaptureReader.datagrams(of: file.path)
        return ""
      } catch {
        return error.detail + " @\(error.packetNumber ?? 0)"
      }
    }
    #expect(try message(le(6, 4) + le(-16, 4) + le(0, 8)).hasSuffix("not possible @2"))
    #expect(try message(enhancedPacket([1, 2], interface: 5)) == "interface 5 is not described @2")
    let cut = enhancedPacket(udpPacket([1])).dropLast(3)
    #expect(try message(Array(cut)).contains("ends within a block"))
    var lengths = enhancedPacket(udpPacket([1]))
    lengths[lengths.count - 4] ^= 4
    #expect(try message(lengths) == "the two lengths of a block differ @2")
    var captured = enhancedPacket(udpPacket([1]))
    captured[22] = 0xFF
    #expect(try message(captured).contains("do not fit"))
  }

  @Test func damageNeverTraps() throws {
    let whole =
      sectionHeader + interfaceBlock(linkType: 101, option(9, [9]))
      + enhancedPacket(udpPacket([1]), options: option(1, [65]))
    for bytes in everyTruncation(of: whole) { _ = try? readCapture(bytes) }
    for bytes in everyBitFlip(of: whole) { _ = try? readCapture(bytes) }
  }
}

@Suite struct PackedCaptureTests {
  @Test func gzipIsTakenOff() throws {
    let packets = (0..<3).map { udpPacket([UInt8($0)]) }
    let pcapng =
      sectionHeader + interfaceBlock(linkType: 101) + enhancedPacket(packets[0])
    #expect(try readCapture(gzip(pcapFile(packets))).datagrams.map(\.1) == [[0], [1], [2]])
    #expect(try readCapture(gzip(pcapng)).datagrams.map(\.1) == [[0]])
  }

  @Test func cutGzipIsAnError() throws {
    let packed = gzip(pcapFile((0..<3).map { udpPacket([UInt8($0)]) }))
    #expect(throws: CaptureError.self) { try readCapture(packed.dropLast(60)) }
  }

  @Test func rtpdumpIsReadRecordByRecord() throws {
    let header = Array("#!rtpplay1.0 10.0.0.7/5004\n".utf8) + be(100, 4) + be(5, 4) + be(0, 8)
    let rtp = rtpPacket(1)
    let file =
      header + be(8 + rtp.count, 2) + be(rtp.count, 2) + be(20, 4) + rtp
      // Without an RTP size, and cut to its header.
      + be(8 + rtp.count, 2) + be(0, 2) + be(40, 4) + rtp
      + be(8 + 12, 2) + be(1_200, 2) + be(60, 4) + rtp[..<12]
    let datagrams = try readCapture(file).datagrams
    #expect(datagrams.map(\.1) == [rtp, rtp, Array(rtp[..<12])])
    #expect(datagrams.map(\.0.originalSize) == [rtp.count, rtp.count, 1_200])
    #expect(datagrams[1].0.time == Instant(nanoseconds: 100_040_005_000))
    #expect(datagrams[0].0.source == Address(IPAddress(v4: 10, 0, 0, 7), port: 5_004))
    for bytes in everyTruncation(of: file) { _ = try? readCapture(bytes) }
    for bytes in everyBitFlip(of: file) { _ = try? readCapture(bytes) }
  }
}

@Suite struct TextDumpTests {
  private func words(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
  }

  @Test func chromiumLogLinesArePackets() throws {
    let text = """
      [8312:23:1130/110423.120:VERBOSE1:srtp_session.cc(310)]
      O 23:59:59.500 000000 \(words(rtpPacket(1))) # RTP_DUMP
      [8312:23:1130/110423.121:INFO:other.cc(1)] nothing to see
      I 00:00:00.250 000000 \(words(rtpPacket(2))) # RTP_DUMP

      """
    let datagrams = try readCapture(Array(text.utf8)).datagrams
    #expect(datagrams.map(\.1) == [rtpPacket(1), rtpPacket(2)])
    #expect((datagrams[1].0.time - datagrams[0].0.time).nanoseconds == 750_000_000)
    #expect(datagrams[0].0.source == datagrams[1].0.destination)
    #expect(datagrams[0].0.source != datagrams[0].0.destination)
  }

  @Test func hexDumpsArePackets() throws {
    let packet = udpPacket(rtpPacket(3))
    let text = """
      2026-11-30 10:00:00.000001 0000 \(words(Array(packet[..<16])))  ab cd E..,
      0010 \(words(Array(packet[16..<32])))
      0020 \(words(Array(packet[32...])))

      10:00:01 0000 \(words(rtpPacket(4)))

      """
    let datagrams = try readCapture(Array(text.utf8)).datagrams
    #expect(datagrams.map(\.1) == [rtpPacket(3), rtpPacket(4)])
    #expect(datagrams[0].0.source.port == 5_000)
    // 30 November 2026.
    #expect(datagrams[0].0.time == Instant(nanoseconds: 1_796_032_800_000_001_000))
  }

  @Test func aHoleInADumpIsAnError() throws {
    let text = "0000 80 60 00 01 00 00\n0020 00 01\n"
    do {
      _ = try readCapture(Array(text.utf8))
      Issue.record("no error")
    } catch let error as CaptureError {
      #expect(error.detail.contains("line 2 has offset 32, expected 6"))
    }
  }

  @Test func prosaIsRefused() throws {
    #expect(throws: CaptureError.self) { try readCapture(Array("Dear customer,\n".utf8)) }
    #expect(throws: CaptureError.self) { try readCapture([]) }
  }
}

@Suite struct KeyLogTests {
  @Test func linesAreSorted() throws {
    let random = String(repeating: "ab", count: 32)
    let text = """
      # a comment
      CLIENT_RANDOM \(random) \(String(repeating: "01", count: 48))
      EXPORTER_SECRET \(random) \(String(repeating: "02", count: 32))\r
      CLIENT_TRAFFIC_SECRET_0 \(random) \(String(repeating: "03", count: 32))
      CLIENT_RANDOM zz 11
      """
    let file = try TemporaryFile(containing: Array(text.utf8))
    let log = try KeyLog(file: file.path)
    #expect(log.masterSecrets == [hex(random): [UInt8](repeating: 1, count: 48)])
    #expect(log.exporterSecrets == [hex(random): [UInt8](repeating: 2, count: 32)])
    #expect(log.otherLines == 1)
    #expect(log.malformedLines == 1)
  }

  @Test func aFileWithoutSecretsIsRefused() throws {
    let file = try TemporaryFile(containing: Array("no secrets here\n".utf8))
    #expect(throws: CaptureError.self) { try KeyLog(file: file.path) }
    #expect(throws: CaptureError.self) { try KeyLog(file: "/nowhere") }
  }
}
