// The TLS secrets inside a pcapng file (draft-ietf-opsawg-pcapng-02 §4.7), which libpcap skips.

import Basics
import Wire

extension CaptureReader {
  private static let minimumBlockSize = 12

  /// The lines of all NSS key logs in `file`; empty where there are none, as in a classic pcap.
  /// - Throws: `cannotOpen`, `cannotRead` for blocks that are cut or contradict themselves.
  public static func embeddedKeyLog(of file: String) throws(CaptureError) -> String {
    let bytes = try InputFile.bytes(file)
    do throws(WireError) {
      return String(decoding: try keyLog(in: bytes.span.bytes), as: UTF8.self)
    } catch {
      throw CaptureError(.cannotRead, file: file, detail: "a block of the pcapng file is broken")
    }
  }

  private static func keyLog(in file: RawSpan) throws(WireError) -> [UInt8] {
    var reader = ByteReader(file)
    var keyLog: [UInt8] = []
    var isLittleEndian = true
    func number(_ value: UInt32) -> Int { Int(isLittleEndian ? value.byteSwapped : value) }
    while !reader.isAtEnd {
      let start = reader.offset
      let kind = try reader.u32()
      let size = try reader.u32()
      // A section's first block has a type that reads the same in both byte orders.
      if kind == PcapngBlock.Kind.sectionHeader {
        isLittleEndian = try reader.u32() != PcapngBlock.byteOrderMagic
      } else if start == 0 {
        return []
      }
      let end = start + number(size)
      guard number(size) >= minimumBlockSize, end <= file.byteCount else { throw .badLength }
      if number(kind) == Int(PcapngBlock.Kind.decryptionSecrets),
        number(try reader.u32()) == Int(PcapngBlock.tlsKeyLog)
      {
        let length = number(try reader.u32())
        guard reader.offset + length <= end else { throw .badLength }
        keyLog += try reader.bytes(length)
        if keyLog.last != UInt8(ascii: "\n") { keyLog.append(UInt8(ascii: "\n")) }
      }
      _ = try reader.take(end - reader.offset)
    }
    return keyLog
  }
}
