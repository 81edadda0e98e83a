// What a subscriber's answer says of one section of our offer (RFC 3264 §6, §7).

import Basics
import Transport
import Wire

struct SectionAnswer {
  /// Port 0: the section is gone until an offer uses its place anew (RFC 9429 §5.2.2).
  let isRejected: Bool
  /// Whether the other end takes what is sent there.
  let receives: Bool
  /// Under the answer's payload types, which are those to send with (RFC 3264 §6.1).
  let codecs: [CodecProfile]
  /// The header extensions that it wants to receive there.
  let extensions: RTPExtensionMap
  let takesData: Bool
  let mid: String?

  init(_ section: MediaDescription, in answer: SessionDescription) {
    isRejected = section.isRejected
    mid = section.mid
    receives = !section.isRejected && answer.direction(of: section).receives
    takesData = section.acceptsData
    codecs = section.payloadTypes.compactMap { payloadType in
      guard let map = section.rtpMap(of: payloadType), var codec = CodecProfile.named(map.encoding)
      else { return nil }
      codec.payloadType = payloadType
      codec.rtxPayloadType = section.rtxPayloadType(for: payloadType)
      return codec
    }
    var wanted = RTPExtensionMap()
    for element in answer.headerExtensions(of: section)
    where element.direction?.receives ?? true && HeaderExtension.validIDs.contains(element.id) {
      if let kind = RTPExtensionKind(uri: element.uri) { wanted[kind] = UInt8(element.id) }
    }
    extensions = wanted
  }
}

extension SubscriberOffer {
  /// What an answer says of the transport, and of data channels.
  struct AnsweredTransport {
    /// Nil where every section is rejected.
    var remote: RemoteTransportDescription?
    var takesData = false
  }

  /// Takes the answer to the last offer in. Sections whose text did not change are not read again.
  mutating func apply(answer text: String) throws(NegotiationFault) -> AnsweredTransport {
    let parts = SDPText(text)
    guard parts.sections.count == offeredCount else {
      throw .sectionCount(parts.sections.count, expected: offeredCount)
    }
    let session = try SessionDescription(readingOffer: parts.session)
    let bundle = session.bundleMids
    var news = AnsweredTransport()
    var tagged: Int?
    for index in parts.sections.indices {
      if sections[index].answerText != parts.sections[index] || session.direction != nil {
        let answer = try SessionDescription(readingOffer: parts.session + parts.sections[index])
        guard let section = answer.media.first else { continue }
        sections[index].answerText = parts.sections[index]
        sections[index].answer = SectionAnswer(section, in: answer)
      }
      guard let answer = sections[index].answer else { continue }
      if answer.isRejected {
        reject(index)
        continue
      }
      // What is not in the group is not on our transport (RFC 9143 §7.3.2).
      let isTagged = bundle.isEmpty ? tagged == nil : answer.mid == bundle[0]
      if isTagged { tagged = index }
      sections[index].isBundled =
        isTagged || answer.mid.map(bundle.contains) ?? false
      if answer.takesData, sections[index].isBundled { news.takesData = true }
    }
    if let tagged {
      let answer = try SessionDescription(readingOffer: parts.session + parts.sections[tagged])
      news.remote = try RemoteTransportDescription(answer, section: 0)
    }
    return news
  }

  /// What was answered to the section that has this mid; nil before there was an answer.
  func answered(mid: ShortName) -> SectionAnswer? {
    guard let section = sections.first(where: { $0.mid == mid }) else { return nil }
    return section.isBundled || section.answer?.isRejected == true ? section.answer : nil
  }

  /// The header extensions of all sections, whose ids are one set on one transport
  /// (RFC 9143 §10).
  var answeredExtensions: RTPExtensionMap {
    var map = RTPExtensionMap()
    for section in sections where section.isBundled {
      guard let answered = section.answer?.extensions else { continue }
      for kind in RTPExtensionKind.allCases where map[kind] == nil { map[kind] = answered[kind] }
    }
    return map
  }
}
