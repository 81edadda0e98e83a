// A media description: an m= line and what belongs to it (RFC 8866 §5.14).

public enum MediaKind: Equatable, Sendable {
  case audio, video, application
  case other(String)

  public init(_ text: String) {
    switch text {
    case "audio": self = .audio
    case "video": self = .video
    case "application": self = .application
    default: self = .other(text)
    }
  }

  public var text: String {
    switch self {
    case .audio: "audio"
    case .video: "video"
    case .application: "application"
    case .other(let text): text
    }
  }
}

public struct MediaDescription: Equatable, Sendable {
  public var kind: MediaKind
  /// 9 while unknown; 0 rejects the section, or makes it one for the bundle only.
  public var port: UInt16
  public var portCount: UInt16?
  /// `UDP/TLS/RTP/SAVPF` or `UDP/DTLS/SCTP`.
  public var `protocol`: String
  /// Payload types in order of preference, or `webrtc-datachannel`.
  public var formats: [String]
  public var information: String?
  public var connection: SDPConnection?
  public var bandwidths: [SDPBandwidth] = []

  public var mid: String?
  public var direction: MediaDirection?
  public var isBundleOnly = false
  public var allowsMixedExtensions = false
  public var rtcpMux = false
  public var rtcpReducedSize = false

  public var transport = TransportAttributes()
  public var candidates: [Candidate] = []
  public var endOfCandidates = false

  public var rtpMaps: [RTPMap] = []
  public var formatParameters: [FormatParameters] = []
  public var rtcpFeedback: [RTCPFeedback] = []
  public var headerExtensions: [HeaderExtension] = []

  public var msids: [MediaStreamID] = []
  public var ssrcs: [SSRCAttribute] = []
  public var ssrcGroups: [SSRCGroup] = []
  public var rids: [RIDDescription] = []
  public var simulcast: Simulcast?

  public var sctpPort: UInt16?
  /// Bytes; 0 is no limit (RFC 8841 §6).
  public var maxMessageSize: UInt64?
  /// All other attributes, and candidates we have to ignore, in their order.
  public var otherAttributes: [SDPAttribute] = []

  public init(kind: MediaKind, port: UInt16 = 9, protocol: String, formats: [String]) {
    self.kind = kind
    self.port = port
    self.protocol = `protocol`
    self.formats = formats
  }
}

extension MediaDescription {
  /// Whether the section was refused (RFC 3264 §6) rather than left to the bundle.
  public var isRejected: Bool { port == 0 && !isBundleOnly }

  /// Whether the protocol is a profile of RTP, with formats that are payload types.
  public var isRTP: Bool {
    `protocol`.split(separator: "/").contains("RTP")
  }

  /// Whether the section is for data channels (RFC 8841 §4).
  public var isDataChannels: Bool {
    kind == .application && `protocol`.hasSuffix("/DTLS/SCTP") && formats == ["webrtc-datachannel"]
  }

  /// A section for data channels.
  /// - Parameter maxMessageSize: in bytes, what this end takes (RFC 8841 §6).
  public init(dataChannels mid: String?, port sctpPort: UInt16, maxMessageSize: UInt64) {
    self.init(kind: .application, protocol: "UDP/DTLS/SCTP", formats: ["webrtc-datachannel"])
    self.mid = mid
    self.sctpPort = sctpPort
    self.maxMessageSize = maxMessageSize
    connection = SDPConnection()
  }

  /// The first a=msid line.
  public var msid: MediaStreamID? { msids.first }

  public func rtpMap(of payloadType: UInt8) -> RTPMap? {
    rtpMaps.first { $0.payloadType == payloadType }
  }

  public func formatParameters(of payloadType: UInt8) -> FormatParameters? {
    formatParameters.first { $0.payloadType == payloadType }
  }

  /// The payload types of the m= line, in order of preference.
  public var payloadTypes: [UInt8] { formats.compactMap(decimal).filter { $0 < 128 } }

  /// The payload types of a codec (`VP8`, without regard to case), in order of preference.
  public func payloadTypes(forCodec encoding: String) -> [UInt8] {
    let wanted = encoding.lowercased()
    return payloadTypes.filter { rtpMap(of: $0)?.encoding.lowercased() == wanted }
  }

  /// The payload type that retransmits `payloadType` (RFC 4588 §8.6).
  public func rtxPayloadType(for payloadType: UInt8) -> UInt8? {
    payloadTypes(forCodec: "rtx").first { retransmits($0) == payloadType }
  }

  /// The payload type that `rtx` retransmits.
  public func retransmits(_ rtx: UInt8) -> UInt8? {
    formatParameters(of: rtx)?["apt"].flatMap(decimal)
  }

  /// The RTCP feedback for a payload type (`nack pli`), lines with `*` included.
  public func feedback(for payloadType: UInt8) -> [String] {
    rtcpFeedback.filter { ($0.payloadType ?? payloadType) == payloadType }.map(\.text)
  }

  public func headerExtensionID(uri: String) -> UInt16? {
    headerExtensions.first { $0.uri == uri }?.id
  }

  /// The SSRC that retransmits `ssrc`, from the FID groups (RFC 5576 §4.2).
  public func rtxSSRC(for ssrc: UInt32) -> UInt32? {
    ssrcGroups.first { $0.semantics == "FID" && $0.ssrcs.count == 2 && $0.ssrcs[0] == ssrc }?
      .ssrcs[1]
  }

  /// The SSRCs of a=ssrc lines once each, in their order, without those that only retransmit.
  public var primarySSRCs: [UInt32] {
    let rtx = ssrcGroups.filter { $0.semantics == "FID" }.flatMap { $0.ssrcs.dropFirst() }
    var result: [UInt32] = []
    for line in ssrcs where result.last != line.ssrc {
      if !rtx.contains(line.ssrc), !result.contains(line.ssrc) { result.append(line.ssrc) }
    }
    return result
  }

  public func ssrcAttribute(_ name: String, of ssrc: UInt32) -> String? {
    ssrcs.first { $0.ssrc == ssrc && $0.name == name }?.value
  }
}
