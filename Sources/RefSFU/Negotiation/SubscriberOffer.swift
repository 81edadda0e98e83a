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
  }

  private struct Section {
    let kind: MediaKind
    var isUsed: Bool
    var text: String
  }

  private var sections: [Section] = []
  private(set) var version: UInt64 = 0

  /// One section of each kind from the start, so that the transport connects before the first track.
  init(data: Bool = false) {
    for kind in [MediaKind.audio, .video] {
      sections.append(Section(kind: kind, isUsed: false, text: ""))
      sections[sections.count - 1].text = SubscriberOffer.text(
        mid: sections.count - 1, kind: kind, stream: nil)
    }
    guard data else { return }
    let section = MediaDescription(dataChannels: String(sections.count))
    sections.append(
      Section(kind: .application, isUsed: true, text: SubscriberOffer.text(of: section)))
  }

  /// Where `stream` goes: a freed section of its kind, or a new one. Returns its mid.
  mutating func add(_ stream: Stream) -> ShortName {
    let kind = stream.codec.kind
    let index: Int
    if let free = sections.firstIndex(where: { !$0.isUsed && $0.kind == kind }) {
      index = free
    } else {
      index = sections.count
      sections.append(Section(kind: kind, isUsed: true, text: ""))
    }
    sections[index].isUsed = true
    sections[index].text = SubscriberOffer.text(mid: index, kind: kind, stream: stream)
    return ShortName(String(index))!
  }

  mutating func remove(mid: ShortName) {
    guard let index = Int(mid.description), sections.indices.contains(index) else { return }
    sections[index].isUsed = false
    sections[index].text = SubscriberOffer.text(
      mid: index, kind: sections[index].kind, stream: nil)
  }

  /// The next offer, whole.
  mutating func next(sessionID: UInt64, transport: LocalTransport) -> String {
    version += 1
    var session = SessionDescription(
      origin: SDPOrigin(sessionID: sessionID, sessionVersion: version))
    session.isICELite = true
    session.msidSemantic = "WMS *"
    session.transport = transport.attributes
    session.groups = [MediaGroup(semantics: "BUNDLE", mids: sections.indices.map(String.init))]
    var text = session.description
    text.reserveCapacity(text.utf8.count + sections.reduce(0) { $0 + $1.text.utf8.count } + 1_024)
    for (index, section) in sections.enumerated() {
      text += section.text
      guard index == 0 else { continue }
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

  private static func text(mid: Int, kind: MediaKind, stream: Stream?) -> String {
    var section = MediaDescription(kind: kind, protocol: "UDP/TLS/RTP/SAVPF", formats: [])
    section.mid = String(mid)
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
      section.ssrcs = ssrcs.map { SSRCAttribute(ssrc: $0, name: "cname", value: stream.streamID) }
    }
    return text(of: section)
  }

  private static func text(of section: MediaDescription) -> String {
    var holder = SessionDescription(origin: SDPOrigin(sessionID: 0, sessionVersion: 0))
    holder.media = [section]
    return SDPText(holder.description).sections[0]
  }
}
