// Answers a player's offer: every section that receives, with a codec that the SFU can forward, is sent
// (RFC 9429 §5.3); which track goes there is known later.

import Basics
import Transport
import Wire

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
        guard played.count < SFULimits.tracksPerParticipant else { throw .tooMany }
        let (section, taken) = try PlayerAnswer.take(offered, in: offer)
        assembly.accept(section)
        played[index] = taken
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

  /// A section of `offer` in which the client receives, as it is answered and as it is to be played.
  static func take(
    _ offered: MediaDescription, in offer: SessionDescription
  ) throws(NegotiationFault) -> (MediaDescription, PlayedSection) {
    if let fault = AnswerAssembly.fault(of: offered, in: offer) { throw fault }
    guard offered.isRTP else { throw .transportProtocol(offered.protocol) }
    let direction = offer.direction(of: offered)
    guard direction.receives else { throw .direction(direction) }
    if let mid = offered.mid, ShortName(mid) == nil { throw .tooMany }
    let (section, codecs) = accept(offered, in: offer)
    guard !codecs.isEmpty else { throw .noCodec(offered.kind) }
    let played = PlayedSection(
      mid: offered.mid ?? "", kind: offered.kind, codecs: codecs,
      extensions: SubscriberOffer.written(section.extensionMap))
    return (section, played)
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
    section.acceptExtensions(offer.headerExtensions(of: offered), receives: false)
    return (section, codecs)
  }

  /// The answer whole: with one transport, and the streams that will come.
  /// - Parameter sections: with their SSRCs.
  func text(
    sessionID: UInt64, stream: String, transport: LocalTransport, sections: [PlayedSection]
  ) -> String {
    var answer = assembly.description(sessionID: sessionID, version: 1)
    answer.apply(transport)
    let taken = answer.media.indices.filter { !answer.media[$0].isRejected }
    for (index, played) in zip(taken, sections) {
      let track = played.mid.isEmpty ? stream : "\(stream)-\(played.mid)"
      answer.media[index].msids = [MediaStreamID(stream: stream, track: track)]
      answer.media[index].announce(played, cname: stream)
    }
    return answer.description
  }
}
