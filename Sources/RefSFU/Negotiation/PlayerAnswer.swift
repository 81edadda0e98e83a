// Answers a player's offer: every section that receives, with a codec that the SFU can forward, is sent
// (RFC 8829 §5.3); which track goes there is known later.

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
}

enum PlayerAnswer {
  /// The answer but for its transport and streams, and the sections in which something can be sent.
  static func make(
    to offer: SessionDescription
  ) -> (answer: SessionDescription, sections: [PlayedSection]) {
    var answer = PublisherAnswer.head(of: offer)
    var played: [PlayedSection] = []
    for offered in offer.media {
      guard !offered.isRejected, offered.isRTP, let mid = offered.mid, ShortName(mid) != nil,
        offer.direction(of: offered).receives, played.count < SFULimits.tracksPerParticipant
      else {
        answer.media.append(PublisherAnswer.refusal(of: offered))
        continue
      }
      let (section, codecs) = accept(offered, mid: mid)
      guard !codecs.isEmpty else {
        answer.media.append(PublisherAnswer.refusal(of: offered))
        continue
      }
      answer.media.append(section)
      played.append(
        PlayedSection(
          mid: mid, kind: offered.kind, codecs: codecs, extensions: section.extensionMap))
    }
    answer.groups = [MediaGroup(semantics: "BUNDLE", mids: played.map(\.mid))]
    return (answer, played)
  }

  private static func accept(
    _ offered: MediaDescription, mid: String
  ) -> (MediaDescription, [CodecProfile]) {
    var section = MediaDescription(kind: offered.kind, protocol: offered.protocol, formats: [])
    section.mid = mid
    section.connection = SDPConnection()
    section.rtcpMux = true
    section.rtcpReducedSize = offered.rtcpReducedSize
    section.direction = .sendonly
    var codecs: [CodecProfile] = []
    for payloadType in offered.payloadTypes {
      guard let map = offered.rtpMap(of: payloadType),
        var codec = CodecProfile.named(map.encoding), codec.kind == offered.kind,
        PublisherAnswer.isForwardable(codec, offered.formatParameters(of: payloadType))
      else { continue }
      codec.payloadType = payloadType
      codec.rtxPayloadType = offered.rtxPayloadType(for: payloadType)
      section.add(
        codec, offered: offered, payloadType: payloadType, rtxPayloadType: codec.rtxPayloadType)
      codecs.append(codec)
    }
    section.headerExtensions = offered.headerExtensions.filter { offered in
      RTPExtensionKind(uri: offered.uri).map { kind in
        SubscriberOffer.extensionIDs.contains { $0.kind == kind }
      } ?? false
    }
    return (section, codecs)
  }

  /// The answer whole: with one transport, and the streams that will come.
  static func text(
    _ answer: SessionDescription, _ sections: [PlayedSection], stream: String,
    transport: LocalTransport
  ) -> String {
    var answer = answer
    for (number, played) in sections.enumerated() {
      guard let index = answer.media.firstIndex(where: { $0.mid == played.mid }) else { continue }
      answer.media[index].transport = transport.attributes
      if number == 0 {
        answer.media[index].candidates = transport.candidates
        answer.media[index].endOfCandidates = true
      }
      let track = "\(stream)-\(played.mid)"
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
