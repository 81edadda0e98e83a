// Answers a publisher's offer: takes what the SFU can forward, refuses the rest (RFC 9429 §5.3).

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

  /// Empty where the only section has none.
  var mid: String
  var kind: MediaKind
  /// The announced id of the track that the section carries (`TrackAnnouncement.cid`).
  var trackID: String?
  var payloads: [(type: UInt8, meaning: Meaning)] = []
  var extensions = RTPExtensionMap()
  /// In the order of `a=simulcast`; empty without simulcast.
  var rids: [String] = []
  /// The restrictions that the offer put on each of `rids` (RFC 8851 §5).
  var ridRestrictions: [RIDDescription] = []
  /// Announced streams, of use where rids are not.
  var ssrcs: [UInt32] = []
  var retransmissionSSRCs: [(rtx: UInt32, media: UInt32)] = []
  /// Whether the publisher bounds its rate on request (RFC 5104 §4.2.1).
  var takesBounds = false

  func meaning(of payloadType: UInt8) -> Meaning? {
    payloads.first { $0.type == payloadType }?.meaning
  }
}

struct PublisherAnswer {
  private static let bounds = "ccm tmmbr"

  /// What is published, in the order of the offer.
  private(set) var sections: [PublishedSection] = []
  /// Whether a section for data channels is taken.
  private(set) var takesData = false
  /// Where the client receives, in the order of the offer; empty unless it offers for both directions.
  private(set) var played: [PlayedSection] = []
  private var assembly: AnswerAssembly

  /// - Parameters:
  ///   - takesData: whether a section for data channels is accepted.
  ///   - plays: whether the client receives on this transport, too.
  ///   - sendsOnly: whether a section that sends nothing is a fault (RFC 9725 §4.2), else it is
  ///     inactive.
  ///   - trackIDs: for each section of the offer the announced track that it carries; nil for a
  ///     section that may not be published.
  init(
    to offer: SessionDescription, takesData: Bool = false, plays: Bool = false,
    sendsOnly: Bool = false, trackIDs: [String?]
  ) {
    assembly = AnswerAssembly(offer)
    var published: [Int: PublishedSection] = [:]
    var playable: [Int: PlayedSection] = [:]
    for (index, offered) in offer.media.enumerated() {
      do throws(NegotiationFault) {
        if let fault = AnswerAssembly.fault(of: offered, in: offer) { throw fault }
        if offered.isDataChannels {
          guard takesData, offered.acceptsData else {
            throw .transportProtocol(offered.protocol)
          }
          assembly.accept(MediaDescription(dataChannels: offered.mid))
          continue
        }
        let direction = offer.direction(of: offered)
        let sends = direction.sends
        if plays, direction.receives, !sends {
          guard playable.count < SFULimits.playedSections else { throw .tooMany }
          let (section, taken) = try PlayerAnswer.take(offered, in: offer)
          assembly.accept(section)
          playable[index] = taken
          continue
        }
        guard sends || !sendsOnly else { throw .direction(direction) }
        guard !sends || trackIDs[index] != nil else { throw .notAllowed }
        guard published.count < SFULimits.tracksPerParticipant else { throw .tooMany }
        var (section, meaning) = PublisherAnswer.accept(offered, in: offer, sends: sends)
        guard !meaning.payloads.isEmpty else { throw .noCodec(offered.kind) }
        assembly.accept(section)
        meaning.trackID = trackIDs[index]
        if sends { published[index] = meaning }
      } catch {
        assembly.refuse(error)
      }
    }
    assembly.bundleUp()
    for (index, offered) in offer.media.enumerated() where assembly.fault(of: index) == nil {
      if let section = published[index] { sections.append(section) }
      if let section = playable[index] { played.append(section) }
      if offered.isDataChannels { self.takesData = true }
    }
  }

  /// The offer's section whose transport lines hold; nil where everything is refused.
  var tagged: Int? { assembly.bundle.first }

  /// - Throws: the first section of media that is refused: half of an offer is no session
  ///   (RFC 9725 §4.4).
  func requireWhole() throws(Refusal) {
    try assembly.requireWhole()
    guard !sections.isEmpty else { throw Refusal(.nothingToTake) }
  }

  /// - Parameters: see `AnswerAssembly.description`; `transport` nil where nothing is taken.
  func description(
    sessionID: UInt64, version: UInt64, transport: LocalTransport?
  ) -> SessionDescription {
    var answer = assembly.description(sessionID: sessionID, version: version)
    if let transport { answer.apply(transport) }
    return answer
  }

  private static func accept(
    _ offered: MediaDescription, in offer: SessionDescription, sends: Bool
  ) -> (MediaDescription, PublishedSection) {
    var section = MediaDescription(accepting: offered, direction: sends ? .recvonly : .inactive)
    var meaning = PublishedSection(mid: offered.mid ?? "", kind: offered.kind)
    for (codec, payloadType, rtx) in section.acceptCodecs(of: offered) {
      if offered.feedback(for: payloadType).contains(PublisherAnswer.bounds) {
        section.rtcpFeedback.append(
          RTCPFeedback(payloadType: payloadType, text: PublisherAnswer.bounds))
        meaning.takesBounds = true
      }
      meaning.payloads.append((payloadType, .media(codec)))
      if let rtx { meaning.payloads.append((rtx, .retransmission(of: payloadType))) }
    }
    section.acceptExtensions(offer.headerExtensions(of: offered), receives: true)
    meaning.extensions = section.extensionMap
    meaning.ssrcs = offered.simulcastSSRCs ?? offered.primarySSRCs.first.map { [$0] } ?? []
    meaning.retransmissionSSRCs = offered.ssrcGroups.compactMap { group in
      group.semantics == "FID" && group.ssrcs.count == 2 ? (group.ssrcs[1], group.ssrcs[0]) : nil
    }
    acceptSimulcast(offered, in: &section, &meaning)
    return (section, meaning)
  }

  /// Of each stream the first alternative that can be received (RFC 8853 §5.3.2). Without the rid
  /// in the packets streams could not be told apart (RFC 8853 §5.5), so there is one stream then.
  private static func acceptSimulcast(
    _ offered: MediaDescription, in section: inout MediaDescription,
    _ meaning: inout PublishedSection
  ) {
    guard let simulcast = offered.simulcast, meaning.extensions[.rid] != nil else { return }
    let media = meaning.payloads.filter { if case .media = $0.meaning { true } else { false } }
    for alternatives in simulcast.send where meaning.rids.count < SFULimits.layersPerTrack {
      let taken = alternatives.lazy.compactMap { alternative in
        offered.rids.first { $0.id == alternative.rid && $0.direction == .send }
      }.first { rid in
        ShortName(rid.id) != nil && !meaning.rids.contains(rid.id)
          && (rid.payloadTypes.isEmpty
            || rid.payloadTypes.contains { type in media.contains { $0.type == type } })
      }
      guard var taken else { continue }
      meaning.rids.append(taken.id)
      meaning.ridRestrictions.append(taken)
      taken.direction = .recv
      if !taken.payloadTypes.isEmpty {
        let kept = taken.payloadTypes.filter { section.payloadTypes.contains($0) }
        taken.restrictions.removeAll { $0.key == "pt" }
        let list = kept.map(String.init).joined(separator: ",")
        taken.restrictions.insert(SDPParameter("pt", list), at: 0)
      }
      section.rids.append(taken)
    }
    guard !meaning.rids.isEmpty else { return }
    section.simulcast = Simulcast(recv: meaning.rids.map { [Simulcast.Alternative($0)] })
  }
}

extension AnswerAssembly {
  /// - Throws: the first section of audio or video that was offered and is refused.
  func requireWhole() throws(Refusal) {
    for (index, offered) in offer.media.enumerated() {
      guard let fault = fault(of: index), fault != .rejected, offered.kind != .application else {
        continue
      }
      throw Refusal(fault, section: index, offered)
    }
  }
}

extension MediaDescription {
  /// The answer to `offered` before its codecs are in it.
  init(accepting offered: MediaDescription, direction: MediaDirection) {
    self.init(kind: offered.kind, protocol: offered.protocol, formats: [])
    mid = offered.mid
    connection = SDPConnection()
    rtcpMux = true
    rtcpReducedSize = offered.rtcpReducedSize
    self.direction = direction
  }

  /// Accepts the codecs of `offered` that can be forwarded, in its order.
  /// - Returns: each with its payload type and that of its retransmissions.
  mutating func acceptCodecs(
    of offered: MediaDescription
  ) -> [(codec: CodecProfile, payloadType: UInt8, rtx: UInt8?)] {
    var accepted: [(CodecProfile, UInt8, UInt8?)] = []
    for payloadType in offered.payloadTypes {
      guard let map = offered.rtpMap(of: payloadType),
        let codec = CodecProfile.named(map.encoding), codec.kind == offered.kind,
        codec.clockRate == map.clockRate,
        codec.isForwardable(offered.formatParameters(of: payloadType))
      else { continue }
      let rtx = offered.rtxPayloadType(for: payloadType)
      add(codec, offered: offered, payloadType: payloadType, rtxPayloadType: rtx)
      accepted.append((codec, payloadType, rtx))
    }
    return accepted
  }

  /// Accepts a codec as it was offered, with the feedback that both ends know.
  private mutating func add(
    _ codec: CodecProfile, offered: MediaDescription, payloadType: UInt8, rtxPayloadType: UInt8?
  ) {
    var codec = codec
    let offeredFeedback = offered.feedback(for: payloadType)
    codec.feedback = codec.feedback.filter(offeredFeedback.contains)
    codec.parameters = offered.formatParameters(of: payloadType)?.text ?? codec.parameters
    add(codec, payloadType: payloadType, rtxPayloadType: rtxPayloadType)
  }

  /// The layers of a simulcast without rids, lowest first as libwebrtc lists them: the first SIM
  /// group (RFC 5576 §4.2). Nil without one.
  var simulcastSSRCs: [UInt32]? {
    ssrcGroups.first { $0.semantics == "SIM" && $0.ssrcs.count > 1 }.map {
      Array($0.ssrcs.prefix(SFULimits.layersPerTrack))
    }
  }
}

extension CodecProfile {
  /// Whether every viewer decodes it: H.264 of constrained baseline with several NAL units a packet
  /// (RFC 7742 §6.2), VP9 of profile 0.
  func isForwardable(_ parameters: FormatParameters?) -> Bool {
    switch encoding {
    case "H264":
      // Without a profile it is baseline (RFC 6184 §8.1).
      let profile = parameters?["profile-level-id"]?.lowercased() ?? "42"
      return parameters?["packetization-mode"] == "1" && profile.hasPrefix("42")
    case "VP9": return parameters?["profile-id"].map { $0 == "0" } ?? true
    default: return true
    }
  }
}
