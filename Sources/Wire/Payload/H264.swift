// Which NAL units begin in an H.264 payload (RFC 6184 §5.2, §5.7.1, §5.8).
//
//    0 1 2 3 4 5 6 7      FU header, behind a NAL header of type 28
//   +-+-+-+-+-+-+-+-+    +-+-+-+-+-+-+-+-+
//   |F|NRI|  Type   |    |S|E|R|  Type   |
//   +-+-+-+-+-+-+-+-+    +-+-+-+-+-+-+-+-+

import Basics

public struct H264Payload: Equatable, Sendable {
  static let idrSlice: UInt8 = 5
  static let sequenceParameterSet: UInt8 = 7
  static let singleTimeAggregation: UInt8 = 24
  static let fragmentationUnit: UInt8 = 28

  /// Bit n is set where a NAL unit of type n begins in this payload.
  private var beginning: UInt32 = 0
  /// The type of the NAL unit of which this payload holds a later fragment.
  public private(set) var continuedType: UInt8?
  /// Where the first whole sequence parameter set lies.
  public private(set) var parameterSet: Range<Int>?

  /// Reads the payload in a range of `bytes`.
  /// - Throws: `truncated`, also for an aggregate whose sizes overrun it.
  public init(_ bytes: RawSpan, _ payload: Range<Int>) throws(WireError) {
    var reader = ByteReader(bytes, payload)
    let type = try reader.u8() & 0x1F
    switch type {
    case H264Payload.singleTimeAggregation:
      while !reader.isAtEnd {
        let size = Int(try reader.u16())
        let unit = try reader.take(size)
        guard let first = bytes.byte(at: unit.lowerBound), size > 0 else { throw .truncated }
        beginning |= 1 << UInt32(first & 0x1F)
        if first & 0x1F == H264Payload.sequenceParameterSet, parameterSet == nil {
          parameterSet = unit
        }
      }
    case H264Payload.fragmentationUnit:
      let header = try reader.u8()
      if header & 0x80 != 0 {
        beginning = 1 << UInt32(header & 0x1F)
      } else {
        continuedType = header & 0x1F
      }
    default:
      beginning = 1 << UInt32(type)
      if type == H264Payload.sequenceParameterSet { parameterSet = payload }
    }
  }

  /// Whether a NAL unit of `type`, 0...31, begins here.
  public func begins(_ type: UInt8) -> Bool { type < 32 && beginning & (1 << UInt32(type)) != 0 }

  /// Whether a decoder can start here: the parameter sets come before the key frame, which alone
  /// is of no use to one that does not have them.
  public var startsDecoding: Bool { begins(H264Payload.sequenceParameterSet) }

  /// A key frame or its parameter sets begin here.
  public var isKeyframe: Bool {
    begins(H264Payload.idrSlice) || begins(H264Payload.sequenceParameterSet)
  }
}
