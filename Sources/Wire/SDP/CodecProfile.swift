// The codecs that WebRTC endpoints negotiate (RFC 7742, RFC 7874), with their usual parameters.

/// A codec, its RTP payload format, and the payload types an offerer of ours gives it.
public struct CodecProfile: Equatable, Sendable {
  public var kind: MediaKind
  /// As in `a=rtpmap`: `opus`, `VP8`, `VP9`, `H264`.
  public var encoding: String
  public var clockRate: UInt32
  public var channels: UInt8?
  public var payloadType: UInt8
  /// The payload type of its retransmissions (RFC 4588); nil for audio.
  public var rtxPayloadType: UInt8?
  /// The text of `a=fmtp`.
  public var parameters: String?
  public var feedback: [String]

  private static let videoFeedback = ["transport-cc", "ccm fir", "nack", "nack pli"]

  /// RFC 7587.
  public static let opus = CodecProfile(
    kind: .audio, encoding: "opus", clockRate: 48_000, channels: 2, payloadType: 111,
    rtxPayloadType: nil, parameters: "minptime=10;useinbandfec=1;usedtx=1",
    feedback: ["nack", "transport-cc"])
  /// RFC 7741.
  public static let vp8 = CodecProfile(
    kind: .video, encoding: "VP8", clockRate: 90_000, channels: nil, payloadType: 96,
    rtxPayloadType: 97, parameters: nil, feedback: videoFeedback)
  /// RFC 9628.
  public static let vp9 = CodecProfile(
    kind: .video, encoding: "VP9", clockRate: 90_000, channels: nil, payloadType: 98,
    rtxPayloadType: 99, parameters: "profile-id=0", feedback: videoFeedback)
  /// RFC 6184, constrained baseline (RFC 7742 §6.2).
  public static let h264 = CodecProfile(
    kind: .video, encoding: "H264", clockRate: 90_000, channels: nil, payloadType: 102,
    rtxPayloadType: 103,
    parameters: "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
    feedback: videoFeedback)

  public static let all = [opus, vp8, vp9, h264]

  /// `video/VP8`, as LiveKit's messages name it.
  public var mimeType: String { "\(kind.text)/\(encoding)" }

  /// The codec of this encoding name or MIME type, in any case.
  public static func named(_ name: String) -> CodecProfile? {
    let bare = name.split(separator: "/").last.map { $0.lowercased() }
    return all.first { $0.encoding.lowercased() == bare }
  }
}

extension MediaDescription {
  /// Adds a codec and its RTX under the payload types given here.
  public mutating func add(_ codec: CodecProfile, payloadType: UInt8, rtxPayloadType: UInt8?) {
    formats.append(String(payloadType))
    rtpMaps.append(
      RTPMap(
        payloadType: payloadType, encoding: codec.encoding, clockRate: codec.clockRate,
        channels: codec.channels))
    if let parameters = codec.parameters {
      formatParameters.append(FormatParameters(payloadType: payloadType, text: parameters))
    }
    for text in codec.feedback {
      rtcpFeedback.append(RTCPFeedback(payloadType: payloadType, text: text))
    }
    guard let rtxPayloadType else { return }
    formats.append(String(rtxPayloadType))
    rtpMaps.append(
      RTPMap(payloadType: rtxPayloadType, encoding: "rtx", clockRate: codec.clockRate))
    formatParameters.append(
      FormatParameters(payloadType: rtxPayloadType, text: "apt=\(payloadType)"))
  }

  /// The header extensions of this section that we understand.
  public var extensionMap: RTPExtensionMap {
    var map = RTPExtensionMap()
    for element in headerExtensions where element.id >= 1 && element.id <= 255 {
      if let kind = RTPExtensionKind(uri: element.uri) { map[kind] = UInt8(element.id) }
    }
    return map
  }
}
