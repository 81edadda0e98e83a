// Deliberate faults in the headers of what subscribers are sent, put into a subscription when it begins.

import Results
import Wire

/// A fault of one field.
enum RTPFault {
  case ssrc, mid, payloadType
  /// As if every layer's own numbers were passed on: they differ by something random.
  case pictureID, temporalIndex, timestamp

  init?(_ mutant: Mutant?) {
    switch mutant {
    case .wrongSSRC: self = .ssrc
    case .wrongMid: self = .mid
    case .wrongPayloadType: self = .payloadType
    case .pictureIDsOfLayers: self = .pictureID
    case .temporalIndicesOfLayers: self = .temporalIndex
    case .timestampsOfLayers: self = .timestamp
    default: return nil
    }
  }

  /// Static: H.263, which nobody offers.
  private static let strangePayloadType: UInt8 = 34

  func change(
    _ fields: inout RTPFields, _ vp8: inout VP8Numbers?, _ extensions: inout RTPExtensions,
    layer: Int, kind: MediaKind
  ) {
    switch self {
    case .ssrc: fields.ssrc &+= 2
    case .mid:
      let section = extensions.mid.flatMap { Int($0.description) } ?? 0
      extensions.mid = ShortName(String(section + 1))
    case .payloadType:
      if kind == .video { fields.payloadType = RTPFault.strangePayloadType }
    case .pictureID:
      if let id = vp8?.pictureID { vp8?.pictureID = (id &+ UInt16(layer) * 9_001) & 0x7FFF }
    case .temporalIndex:
      if let index = vp8?.tl0PictureIndex { vp8?.tl0PictureIndex = index &+ UInt8(layer) * 101 }
    case .timestamp: fields.timestamp &+= UInt32(layer) * 900_001
    }
  }
}
