// Key logs inside pcapng files: our own, others' byte order, and broken ones.

import Basics
import Capture
import TestKit
import Testing

private func keyLog(in bytes: [UInt8]) throws -> String {
  let file = try TemporaryFile(containing: bytes)
  return try CaptureReader.embeddedKeyLog(of: file.path)
}

/// A big-endian section with one key log, of 5 bytes.
private let bigEndian = hex(
  """
  0a0d0d0a 0000001c 1a2b3c4d 00010000 ffffffffffffffff 0000001c
  0000000a 0000001c 544c534b 00000005 41424320 44000000 0000001c
  """)

@Suite struct EmbeddedKeyLogTests {
  @Test func writtenSecretsAreFound() throws {
    let file = TemporaryFile()
    let writer = try PcapngWriter(file.path)
    try writer.writeKeyLog("CLIENT_RANDOM 00 11\n")
    _ = try writer.addInterface("i")
    try writer.writeKeyLog("CLIENT_RANDOM 22 33")
    try writer.close()
    #expect(
      try CaptureReader.embeddedKeyLog(of: file.path)
        == "CLIENT_RANDOM 00 11\nCLIENT_RANDOM 22 33\n")
  }

  @Test func bigEndianSectionIsRead() throws {
    #expect(try keyLog(in: bigEndian) == "ABC D\n")
  }

  @Test func otherFormatsHaveNone() throws {
    #expect(try keyLog(in: hex("d4c3b2a1 02000400 00000000 00000000 ffff0000 65000000")) == "")
    #expect(try keyLog(in: []) == "")
    #expect(throws: CaptureError.self) {
      try CaptureReader.embeddedKeyLog(of: "/nowhere.pcapng")
    }
  }

  @Test func brokenBlocksAreErrors() throws {
    for bytes in everyTruncation(of: bigEndian) where bytes.count > 28 {
      #expect(throws: CaptureError.self) { try keyLog(in: bytes) }
    }
    for bytes in everyBitFlip(of: bigEndian) { _ = try? keyLog(in: bytes) }
  }
}
