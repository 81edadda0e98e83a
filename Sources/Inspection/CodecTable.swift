// What payload types stand for: told by flags, SDP, or RFC 3551; never guessed.

import Basics
import Results
import Wire

struct Codec: Equatable {
  /// As in `a=rtpmap`.
  var name: String
  /// Hz.
  var clockRate: UInt32
  var kind: CapturedStream.Kind
  var origin: CapturedStream.Origin
  /// The payload type that an RTX payload type retransmits.
  var retransmits: UInt8?

  private static let audioNames: Set<String> = [
    "opus", "pcmu", "pcma", "g722", "g729", "gsm", "l16", "isac", "ilbc", "telephone-event", "cn",
    "g723", "g728", "lpc", "dvi4", "mpa", "multiopus", "amr", "amr-wb", "evs", "mpeg4-generic",
  ]
  private static let videoNames: Set<String> = [
    "vp8", "vp9", "av1", "h264", "h265", "h266", "h263", "h261", "flexfec-03", "ulpfec", "jpeg",
    "mpv", "celb", "nv",
  ]

  static func kind(ofName name: String) -> CapturedStream.Kind {
    let name = name.lowercased()
    return audioNames.contains(name) ? .audio : videoNames.contains(name) ? .video : .unknown
  }

  var isRTX: Bool { name.lowercased() == "rtx" }
  var isRED: Bool { name.lowercased() == "red" }
  var isFEC: Bool { ["ulpfec", "flexfec-03", "flexfec"].contains(name.lowercased()) }
  /// Timestamps stand still in an event (RFC 4733 §2.2.1), so they tell no jitter.
  var isEvent: Bool { name.lowercased() == "telephone-event" }
  var text: String { "\(name)/\(clockRate)" }
}

struct CodecTable {
  private var codecs = [Codec?](repeating: nil, count: 128)
  private(set) var extensions = RTPExtensionMap()
  /// SSRCs that descriptions declare, and RTX SSRCs with the media SSRC they repair.
  private(set) var retransmitted: [UInt32: UInt32] = [:]
  private(set) var protected: [UInt32: UInt32] = [:]
  /// Payload types that descriptions give several meanings; none is used.
  private(set) var ambiguous: [UInt8] = []

  subscript(payloadType: UInt8) -> Codec? { codecs[Int(payloadType & 0x7F)] }

  init(_ options: InspectionOptions) {
    for (number, name, rate) in CodecTable.staticTypes {
      codecs[Int(number)] = Codec(
        name: name, clockRate: rate, kind: Codec.kind(ofName: name), origin: .staticType)
    }
    for description in options.descriptions {
      for section in description.media where section.isRTP { add(section, of: description) }
    }
    for map in options.payloadTypes {
      codecs[Int(map.payloadType & 0x7F)] = Codec(
        name: map.encoding, clockRate: map.clockRate, kind: Codec.kind(ofName: map.encoding),
        origin: .flag)
      ambiguous.removeAll { $0 == map.payloadType }
    }
  }

  private mutating func add(_ section: MediaDescription, of description: SessionDescription) {
    for map in section.rtpMaps where map.payloadType < 128 {
      let kind: CapturedStream.Kind =
        section.kind == .audio ? .audio : section.kind == .video ? .video : .unknown
      let codec = Codec(
        name: map.encoding, clockRate: map.clockRate, kind: kind, origin: .sdp,
        retransmits: section.retransmits(map.payloadType))
      let known = codecs[Int(map.payloadType)]
      if ambiguous.contains(map.payloadType) { continue }
      if let known, known.origin == .sdp,
        known.name.lowercased() != codec.name.lowercased() || known.clockRate != codec.clockRate
      {
        ambiguous.append(map.payloadType)
        codecs[Int(map.payloadType)] = nil
      } else {
        codecs[Int(map.payloadType)] = codec
      }
    }
    for element in description.headerExtensions(of: section) where element.id < 256 {
      if let kind = RTPExtensionKind(uri: element.uri) { extensions[kind] = UInt8(element.id) }
    }
    for group in section.ssrcGroups where group.ssrcs.count == 2 {
      if group.semantics == "FID" { retransmitted[group.ssrcs[1]] = group.ssrcs[0] }
      if group.semantics == "FEC-FR" { protected[group.ssrcs[1]] = group.ssrcs[0] }
    }
  }

  /// RFC 3551 §6, tables 4 and 5.
  private static let staticTypes: [(UInt8, String, UInt32)] = [
    (0, "PCMU", 8_000), (3, "GSM", 8_000), (4, "G723", 8_000), (5, "DVI4", 8_000),
    (6, "DVI4", 16_000), (7, "LPC", 8_000), (8, "PCMA", 8_000), (9, "G722", 8_000),
    (10, "L16", 44_100), (11, "L16", 44_100), (12, "QCELP", 8_000), (13, "CN", 8_000),
    (14, "MPA", 90_000), (15, "G728", 8_000), (16, "DVI4", 11_025), (17, "DVI4", 22_050),
    (18, "G729", 8_000), (25, "CelB", 90_000), (26, "JPEG", 90_000), (28, "nv", 90_000),
    (31, "H261", 90_000), (32, "MPV", 90_000), (33, "MP2T", 90_000), (34, "H263", 90_000),
  ]
}
