// Answers a publisher's offer: takes what the SFU can forward, refuses the rest (RFC 8829 §5.3).

import Basics
import Transport
import Wire

/// What an accepted section of a publisher's offer means for the packets that follow.
struct PublishedSection {
  enum Meaning: Equatable {
    case media(CodecProfile)
    /// Retransmissions of this payload type.
    case retransmission(of: UInt8)
  }

  var mid: String
  var kind: MediaKind
  /// The second part of `a=msid`: the client's id of its track.
  var trackID: String?
  var payloads: [(type: UInt8, meaning: Meaning)] = []
  var extensions = RTPExtensionMap()
  /// In the order of `a=simulcast`, lowest first; empty without simulcast.
  var rids: [String] = []
  /// Announced streams, of use where rids are not.
  var ssrcs: [UInt32] = []
  var retransmissionSSRCs: [(rtx: UInt32, media: UInt32)] = []
  /// Whether the publisher bounds its rate on request (RFC 5104 §4.2.1).
  var takesBounds = false

  func meaning(of payloadType: UInt8) -> Meaning? {
    payloads.first { $0.type == payloadType }?.meaning
  }
}

enum PublisherAnswer {
  private static let bounds = "ccm tmmbr"

  /// An answer without sections.
  static func head(of offer: SessionDescription) -> SessionDescription {
    var answer = SessionDescription(
      origin: SDPOrigin(
        sessionID: offer.origin.sessionID & 0x7FFF_FFFF_FFFF_FFFF,
        sessionVersion: offer.origin.sessionVersion))
    answer.isICELite = true
    answer.msidSemantic = "WMS *"
    return answer
  }

  /// - Parameters:
  ///   - takesData: whether a section for data channels is accepted.
  ///   - allows: whether this section's track may be published.
  static func make(
    to offer: SessionDescription, transport: LocalTransport, takesData: Bool = false,
    allows: (MediaDescription) -> Bool
  ) -> (answer: SessionDescription, sections: [PublishedSection]) {
    var answer = PublisherAnswer.head(of: offer)
    var sections: [PublishedSection] = []
    var bundled: [String] = []
    /// Accepts `section` on the one transport, whose candidates stand in the first one accepted.
    func bundle(_ section: MediaDescription, mid: String) {
      var section = section
      section.transport = transport.attributes
      if bundled.isEmpty {
        section.candidates = transport.candidates
        section.endOfCandidates = true
      }
      bundled.append(mid)
      answer.media.append(section)
    }
    for offered in offer.media {
      if takesData, offered.acceptsData, let mid = offered.mid {
        bundle(MediaDescription(dataChannels: mid), mid: mid)
        continue
      }
      let direction = offer.direction(of: offered)
      guard !offered.isRejected, offered.isRTP, let mid = offered.mid,
        direction.sends ? allows(offered) : true
      else {
        answer.media.append(refusal(of: offered))
        continue
      }
      let (section, meaning) = accept(offered, sends: direction.sends)
      guard !meaning.payloads.isEmpty else {
        answer.media.append(refusal(of: offered))
        continue
      }
      bundle(section, mid: mid)
      if direction.sends { sections.append(meaning) }
    }
    answer.groups = [MediaGroup(semantics: "BUNDLE", mids: bundled)]
    return (answer, sections)
  }

  static func refusal(of offered: MediaDescription) -> MediaDescription {
    var section = MediaDescription(
      kind: offered.kind, port: 0, protocol: offered.protocol,
      formats: Array(offered.formats.prefix(1)))
    section.mid = offered.mid
    section.direction = .inactive
    return section
  }

  private static func accept(
    _ offered: MediaDescription, sends: Bool
  ) -> (MediaDescription, PublishedSection) {
    var section = MediaDescription(kind: offered.kind, protocol: offered.protocol, formats: [])
    section.mid = offered.mid
    section.connection = SDPConnection()
    section.rtcpMux = true
    section.rtcpReducedSize = offered.rtcpReducedSize
    section.direction = sends ? .recvonly : .inactive
    var meaning = PublishedSection(mid: offered.mid ?? "", kind: offered.kind)
    meaning.trackID = offered.msid?.track
    for payloadType in offered.payloadTypes {
      guard let map = offered.rtpMap(of: payloadType),
        let codec = CodecProfile.named(map.encoding), codec.kind == offered.kind,
        isForwardable(codec, offered.formatParameters(of: payloadType))
      else { continue }
      let rtx = offered.rtxPayloadType(for: payloadType)
      section.add(codec, offered: offered, payloadType: payloadType, rtxPayloadType: rtx)
      if offered.feedback(for: payloadType).contains(PublisherAnswer.bounds) {
        section.rtcpFeedback.append(
          RTCPFeedback(payloadType: payloadType, text: PublisherAnswer.bounds))
        meaning.takesBounds = true
      }
      meaning.payloads.append((payloadType, .media(codec)))
      if let rtx { meaning.payloads.append((rtx, .retransmission(of: payloadType))) }
    }
    section.headerExtensions = offered.headerExtensions.filter {
      RTPExtensionKind(uri: $0.uri).map { accepted($0, for: offered.kind) } ?? false
    }
    meaning.extensions = section.extensionMap
    meaning.ssrcs = offered.primarySSRCs
    meaning.retransmissionSSRCs = offered.ssrcGroups.compactMap { group in
      group.semantics == "FID" && group.ssrcs.count == 2 ? (group.ssrcs[1], group.ssrcs[0]) : nil
    }
    acceptSimulcast(offered, in: &section, &meaning)
    return (section, meaning)
  }

  /// H.264 only as every browser decodes it: baseline, several NAL units a packet.
  static func isForwardable(_ codec: CodecProfile, _ parameters: FormatParameters?) -> Bool {
    guard codec.encoding == "H264" else { return true }
    let values = parameters?.parameters ?? []
    let mode = values.first { $0.key == "packetization-mode" }?.value
    let profile = values.first { $0.key == "profile-level-id" }?.value ?? ""
    return mode == "1" && profile.lowercased().hasPrefix("42")
  }

  private static func accepted(_ kind: RTPExtensionKind, for media: MediaKind) -> Bool {
    switch kind {
    case .mid, .absCaptureTime, .absSendTime, .transportSequenceNumber: true
    case .audioLevel: media == .audio
    case .rid, .repairedRid: media == .video
    }
  }

  private static func acceptSimulcast(
    _ offered: MediaDescription, in section: inout MediaDescription,
    _ meaning: inout PublishedSection
  ) {
    guard let simulcast = offered.simulcast, !simulcast.send.isEmpty else { return }
    meaning.rids = simulcast.send.compactMap { $0.first?.rid }
    section.rids = meaning.rids.map { RIDDescription(id: $0, direction: .recv) }
    section.simulcast = Simulcast(recv: meaning.rids.map { [Simulcast.Alternative($0)] })
  }
}

extension MediaDescription {
  /// Accepts a codec as it was offered, with the feedback that both ends know.
  mutating func add(
    _ codec: CodecProfile, offered: MediaDescription, payloadType: UInt8, rtxPayloadType: UInt8?
  ) {
    var codec = codec
    let offeredFeedback = offered.feedback(for: payloadType)
    codec.feedback = codec.feedback.filter(offeredFeedback.contains)
    codec.parameters = offered.formatParameters(of: payloadType)?.text ?? codec.parameters
    add(codec, payloadType: payloadType, rtxPayloadType: rtxPayloadType)
  }
}
