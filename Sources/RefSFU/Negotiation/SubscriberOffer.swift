// The SFU's offer to a subscriber. A change costs what it changes: every section keeps its text, freed
// sections are used again, and the rest of the description is only joined.

import Basics
import Transport
import Wire

/// The media sections of one subscriber transport.
struct SubscriberOffer {
  /// A stream that a section announces.
  struct Stream: Equatable {
    var codec: CodecProfile
    var ssrc: UInt32
    var rtxSSRC: UInt32?
    /// `PA_…|TR_…`, from which clients read who sends (LiveKit).
    var streamID: String
    var trackID: String
    /// One for all streams of a publisher, which share a clock (RFC 3550 §6.5.1).
    var cname: String
  }

  struct Section {
    var mid: ShortName
    let kind: MediaKind
    var isUsed: Bool
    /// The other end refused it: port 0 until it is recycled under a new mid (RFC 9429 §5.2.2).
    var isRejected = false
    var text: String
    /// The answer as it was read last.
    var answerText = ""
    var answer: SectionAnswer?
    /// Whether the answer has it on our transport.
    var isBundled = false
  }

  var sections: [Section] = []
  /// Sections of the last offer.
  private(set) var offeredCount = 0
  private(set) var version: UInt64 = 0
  private var mids = 0

  /// One section of each kind from the start, so that the transport connects before the first track.
  init(data: Bool = false) {
    for kind in [MediaKind.audio, .video] { append(kind, isUsed: false, stream: nil) }
    if data { append(.application, isUsed: true, stream: nil) }
  }

  /// Where `stream` goes: a freed section of its kind, a rejected one recycled, or a new one.
  /// Returns its mid.
  mutating func add(_ stream: Stream) -> ShortName {
    let kind = stream.codec.kind
    let index: Int
    if let free = sections.firstIndex(where: { !$0.isUsed && !$0.isRejected && $0.kind == kind }) {
      index = free
    } else if let refused = sections.firstIndex(where: { $0.isRejected && $0.kind == kind }) {
      index = refused
      sections[index].mid = nextMid()
      sections[index].isRejected = false
      sections[index].answer = nil
      sections[index].isBundled = false
    } else {
      append(kind, isUsed: true, stream: stream)
      return sections[sections.count - 1].mid
    }
    sections[index].isUsed = true
    sections[index].text = SubscriberOffer.text(
      mid: sections[index].mid, kind: kind, stream: stream)
    return sections[index].mid
  }

  mutating func remove(mid: ShortName) {
    guard let index = sections.firstIndex(where: { $0.mid == mid }) else { return }
    sections[index].isUsed = false
    guard !sections[index].isRejected else { return }
    sections[index].text = SubscriberOffer.text(mid: mid, kind: sections[index].kind, stream: nil)
  }

  mutating func reject(_ index: Int) {
    guard !sections[index].isRejected else { return }
    sections[index].isRejected = true
    sections[index].isBundled = false
    sections[index].text = SubscriberOffer.rejectedText(
      mid: sections[index].mid, kind: sections[index].kind)
  }

  private mutating func append(_ kind: MediaKind, isUsed: Bool, stream: Stream?) {
    let mid = nextMid()
    sections.append(
      Section(
        mid: mid, kind: kind, isUsed: isUsed,
        text: SubscriberOffer.text(mid: mid, kind: kind, stream: stream)))
  }

  private mutating func nextMid() -> ShortName {
    defer { mids += 1 }
    return ShortName(String(mids))!
  }

  /// The next offer, whole.
  mutating func next(sessionID: UInt64, transport: LocalTransport) -> String {
    version += 1
    offeredCount = sections.count
    var session = SessionDescription(
      origin: SDPOrigin(sessionID: sessionID, sessionVersion: version))
    session.isICELite = true
    session.msidSemantic = "WMS *"
    session.transport = transport.attributes
    session.groups = [
      MediaGroup(
        semantics: "BUNDLE", mids: sections.filter { !$0.isRejected }.map(\.mid.description))
    ]
    var text = session.description
    text.reserveCapacity(text.utf8.count + sections.reduce(0) { $0 + $1.text.utf8.count } + 1_024)
    let tagged = sections.firstIndex { !$0.isRejected }
    for (index, section) in sections.enumerated() {
      text += section.text
      guard index == tagged else { continue }
      for candidate in transport.candidates { text += "a=\(candidate)\r\n" }
      text += "a=end-of-candidates\r\n"
    }
    return text
  }

  /// The header extensions we send to subscribers, and their ids.
  static let extensionIDs: [(id: UInt16, kind: RTPExtensionKind)] = [
    (1, .mid), (2, .absSendTime), (3, .transportSequenceNumber), (4, .absCaptureTime),
  ]

  static let extensionMap: RTPExtensionMap = {
    var map = RTPExtensionMap()
    for (id, kind) in extensionIDs { map[kind] = UInt8(id) }
    return map
  }()

  /// Of the negotiated header extensions those that we send.
  static func written(_ negotiated: RTPExtensionMap) -> RTPExtensionMap {
    var map = RTPExtensionMap()
    for (_, kind) in extensionIDs { map[kind] = negotiated[kind] }
    return map
  }

  private static func rejectedText(mid: ShortName, kind: MediaKind) -> String {
    var section = MediaDescription(dataChannels: mid.description)
    if kind != .application {
      let codec = kind == .audio ? CodecProfile.opus : .vp8
      section = MediaDescription(
        kind: kind, protocol: "UDP/TLS/RTP/SAVPF", formats: [String(codec.payloadType)])
      section.mid = mid.description
    }
    return text(of: MediaDescription(refusing: section))
  }

  private static func text(mid: ShortName, kind: MediaKind, stream: Stream?) -> String {
    guard kind != .application else {
      return text(of: MediaDescription(dataChannels: mid.description))
    }
    var section = MediaDescription(kind: kind, protocol: "UDP/TLS/RTP/SAVPF", formats: [])
    section.mid = mid.description
    section.connection = SDPConnection()
    section.rtcpMux = true
    section.rtcpReducedSize = true
    let codec = stream?.codec ?? (kind == .audio ? .opus : .vp8)
    section.add(codec, payloadType: codec.payloadType, rtxPayloadType: codec.rtxPayloadType)
    if kind == .video {
      // For those who know no transport-wide numbers.
      section.rtcpFeedback.append(RTCPFeedback(payloadType: codec.payloadType, text: "goog-remb"))
    }
    section.headerExtensions = extensionIDs.map {
      HeaderExtension(id: $0.id, uri: $0.kind.uri)
    }
    section.direction = stream == nil ? .inactive : .sendonly
    if let stream {
      section.msids = [MediaStreamID(stream: stream.streamID, track: stream.trackID)]
      let ssrcs = [stream.ssrc] + (stream.rtxSSRC.map { [$0] } ?? [])
      if ssrcs.count == 2 { section.ssrcGroups = [SSRCGroup(semantics: "FID", ssrcs: ssrcs)] }
      section.ssrcs = ssrcs.map { SSRCAttribute(ssrc: $0, name: "cname", value: stream.cname) }
    }
    return text(of: section)
  }

  private static func text(of section: MediaDescription) -> String {
    var holder = SessionDescription(origin: SDPOrigin(sessionID: 0, sessionVersion: 0))
    holder.media = [section]
    return SDPText(holder.description).sections[0]
  }
}
