// Answers a player's offer: every section that receives, with a codec that the SFU can forward, is sent
// (RFC 9429 §5.3); which track goes there is known later.

import Basics
import Transport
import Wire

/// A section in which a player receives.
struct PlayedSection {
  var mid: String
  var kind: MediaKind
  /// Under the payload types of the offer, in its order.
  var codecs: [CodecProfile]
  var extensions: RTPExtensionMap
  var ssrc: UInt32 = 0
  var rtxSSRC: UInt32 = 0
  /// The track that goes there at present.
  var playing: String?
  /// The numbers of its SSRCs after the tracks that went there.
  var continuation: StreamContinuation?
}

struct PlayerAnswer {
  /// Where something is sent, in the order of the offer.
  var sections: [PlayedSection] = []
  /// The offer's section whose transport lines hold.
  let tagged: Int
  private let assembly: AnswerAssembly

  /// - Throws: the first section that cannot be served: half of an offer is not answered.
  init(to offer: SessionDescription) throws(Refusal) {
    var assembly = AnswerAssembly(offer)
    var played: [Int: PlayedSection] = [:]
    for (index, offered) in offer.media.enumerated() {
      do throws(NegotiationFault) {
        let (section, codecs) = try PlayerAnswer.take(offered, in: offer, taken: played.count)
        assembly.accept(section)
        played[index] = PlayedSection(
          mid: offered.mid ?? "", kind: offered.kind, codecs: codecs,
          extensions: section.extensionMap)
      } catch {
        assembly.refuse(error)
      }
    }
    assembly.bundleUp()
    try assembly.requireWhole()
    guard let tagged = assembly.bundle.first else { throw Refusal(.nothingToTake) }
    self.tagged = tagged
    self.assembly = assembly
    sections = offer.media.indices.compactMap { played[$0] }
  }

  private static func take(
    _ offered: MediaDescription, in offer: SessionDescription, taken: Int
  ) throws(NegotiationFault) -> (MediaDescription, [CodecProfile]) {
    if let fault = AnswerAssembly.fault(of: offered, in: offer) { throw fault }
    guard offered.isRTP else { throw .transportProtocol(offered.protocol) }
    let direction = offer.direction(of: offered)
    guard direction.receives else { throw .direction(direction) }
    guard taken < SFULimits.tracksPerParticipant else { throw .tooMany }
    if let mid = offered.mid, ShortName(mid) == nil { throw .tooMany }
    let (section, codecs) = accept(offered, in: offer)
    guard !codecs.isEmpty else { throw .noCodec(offered.kind) }
    return (section, codecs)
  }

  private static func accept(
    _ offered: MediaDescription, in offer: SessionDescription
  ) -> (MediaDescription, [CodecProfile]) {
    var section = MediaDescription(accepting: offered, direction: .sendonly)
    let codecs = section.acceptCodecs(of: offered).map { codec, payloadType, rtx in
      var codec = codec
      codec.payloadType = payloadType
      codec.rtxPayloadType = rtx
      return codec
    }
    section.acceptExtensions(offer.headerExtensions(of: offered), receives: false) { kind in
      SubscriberOffer.extensionIDs.contains { $0.kind == kind }
    }
    return (section, codecs)
  }

  /// The answer whole: with one transport, and the streams that will come.
  func text(sessionID: UInt64, stream: String, transport: LocalTransport) -> String {
    var answer = assembly.description(sessionID: sessionID, version: 1)
    answer.apply(transport)
    let taken = answer.media.indices.filter { !answer.media[$0].isRejected }
    for (index, played) in zip(taken, sections) {
      let track = played.mid.isEmpty ? stream : "\(stream)-\(played.mid)"
      answer.media[index].msids = [MediaStreamID(stream: stream, track: track)]
      var ssrcs = [played.ssrc]
      if played.codecs.contains(where: { $0.rtxPayloadType != nil }) {
        ssrcs.append(played.rtxSSRC)
        answer.media[index].ssrcGroups = [SSRCGroup(semantics: "FID", ssrcs: ssrcs)]
      }
      answer.media[index].ssrcs = ssrcs.map {
        SSRCAttribute(ssrc: $0, name: "cname", value: stream)
      }
    }
    return answer.description
  }
}
