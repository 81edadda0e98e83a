// What a subscriber's answer says of each section of the SFU's offer (RFC 3264 §6, §7).

import Basics
import Foundation
import Testing
import Transport
import Wire

@testable import RefSFU

struct SubscriberAnswerTests {
  private static let transport = LocalTransport(
    credentials: ICECredentials(ufrag: "abcd", password: "0123456789abcdef01234567"),
    fingerprint: Fingerprint(bytes: [UInt8](repeating: 0xAB, count: 32)), setup: .actpass,
    addresses: [Address(IPAddress(v4: 10, 0, 0, 1), port: 7_882)])

  private func stream(_ codec: CodecProfile, _ number: UInt32) -> SubscriberOffer.Stream {
    SubscriberOffer.Stream(
      codec: codec, ssrc: number, rtxSSRC: codec.rtxPayloadType.map { _ in number + 100 },
      streamID: "PA_1|TR_\(number)", trackID: "TR_\(number)", cname: "PA_1")
  }

  @Test func aRejectedSectionIsGone() throws {
    var offer = SubscriberOffer()
    let voice = offer.add(stream(.opus, 1))
    let camera = offer.add(stream(.vp8, 2))
    let text = offer.next(sessionID: 1, transport: Self.transport)
    let news = try offer.apply(
      answer: AnswerSketch.text(to: text, group: ["1"]) { index, lines in
        if index == 0 { AnswerSketch.reject(&lines) }
      })
    #expect(news.remote?.credentials.ufrag == "EsAw")
    #expect(offer.answered(mid: voice)?.isRejected == true)
    #expect(offer.answered(mid: camera)?.receives == true)
    // The next offer has port 0 there, and candidates in a section that is used.
    let next = try SessionDescription(
      parsing: offer.next(sessionID: 1, transport: Self.transport))
    #expect(next.media.map(\.port) == [0, 9] && next.bundleMids == ["1"])
    #expect(next.media.map(\.candidates.count) == [0, 1])
    // Its place is used again under a new mid.
    offer.remove(mid: voice)
    let again = offer.add(stream(.opus, 3))
    #expect(again != voice)
    let recycled = try SessionDescription(
      parsing: offer.next(sessionID: 1, transport: Self.transport))
    #expect(recycled.media.count == 2 && recycled.media[0].mid == again.description)
  }

  @Test func payloadTypesAndExtensionsAreTheAnswers() throws {
    var offer = SubscriberOffer()
    let camera = offer.add(stream(.vp8, 2))
    let text = offer.next(sessionID: 1, transport: Self.transport)
    _ = try offer.apply(
      answer: AnswerSketch.text(to: text) { index, lines in
        guard index == 1 else { return }
        lines = lines.filter {
          !$0.contains(":97") && !$0.contains("abs-send-time") && !$0.contains("holmer")
        }
        lines[0] = "m=video 9 UDP/TLS/RTP/SAVPF 100"
        lines = lines.map { $0.replacingPayloadType() }
      })
    let answered = try #require(offer.answered(mid: camera))
    #expect(answered.codecs.map(\.payloadType) == [100])
    #expect(answered.codecs[0].rtxPayloadType == nil)
    #expect(answered.extensions[.mid] == 1 && answered.extensions[.absSendTime] == nil)
    // The audio section has kept it.
    #expect(offer.answeredExtensions[.absSendTime] == 2)
  }

  @Test func anInactiveSectionReceivesNothing() throws {
    var offer = SubscriberOffer()
    let camera = offer.add(stream(.vp8, 2))
    for (direction, receives) in [("inactive", false), ("sendonly", false), ("recvonly", true)] {
      let text = offer.next(sessionID: 1, transport: Self.transport)
      _ = try offer.apply(
        answer: AnswerSketch.text(to: text) { _, lines in
          lines = lines.map { $0 == "a=recvonly" ? "a=\(direction)" : $0 }
        })
      #expect(offer.answered(mid: camera)?.receives == receives)
    }
  }

  @Test func sectionsOutsideTheGroupAreNotOnTheTransport() throws {
    var offer = SubscriberOffer()
    let camera = offer.add(stream(.vp8, 2))
    let text = offer.next(sessionID: 1, transport: Self.transport)
    _ = try offer.apply(answer: AnswerSketch.text(to: text, group: ["0"]))
    #expect(offer.answered(mid: camera) == nil)
  }

  @Test func anAnswerHasAsManySectionsAsTheOffer() throws {
    var offer = SubscriberOffer()
    let text = offer.next(sessionID: 1, transport: Self.transport)
    let whole = SDPText(try AnswerSketch.text(to: text))
    var half = whole
    half.sections.removeLast()
    #expect(throws: NegotiationFault.sectionCount(1, expected: 2)) {
      try offer.apply(answer: half.text)
    }
    #expect(throws: NegotiationFault.noCredentials) {
      try offer.apply(
        answer: whole.text.split(separator: "a=ice-ufrag:EsAw\r\n").joined())
    }
  }

  @Test func rolesInDTLS() throws {
    #expect(try DTLSRole(answeredBy: .passive) == .client)
    #expect(try DTLSRole(answeredBy: .active) == .server)
    #expect(throws: NegotiationFault.setup(.actpass)) { try DTLSRole(answeredBy: .actpass) }
    #expect(try DTLSRole(answeringTo: .passive).setup == .active)
  }
}

/// A subscriber's answers, written by hand.
enum AnswerSketch {
  /// An answer that takes all of `offer`, changed section by section.
  static func text(
    to offer: String, transport: [String] = OfferSketch.transportLines, setup: String = "active",
    group: [String]? = nil, _ change: (Int, inout [String]) -> Void = { _, _ in }
  ) throws -> String {
    var sections: [[String]] = []
    for (index, text) in SDPText(offer).sections.enumerated() {
      var lines = text.split(separator: "\r\n").map(String.init).filter {
        !$0.hasPrefix("a=candidate") && !$0.hasPrefix("a=ssrc") && !$0.hasPrefix("a=msid")
          && $0 != "a=end-of-candidates"
      }
      lines = lines.map { $0 == "a=sendonly" ? "a=recvonly" : $0 }
      change(index, &lines)
      sections.append(lines)
    }
    var sketch = OfferSketch(sections)
    sketch.transport = transport
    sketch.transport[3] = "a=setup:\(setup)"
    let taken = sections.filter { !$0[0].contains(" 0 ") }.compactMap { lines in
      lines.first { $0.hasPrefix("a=mid:") }?.dropFirst(6)
    }
    sketch.session = ["a=group:BUNDLE " + (group ?? taken.map(String.init)).joined(separator: " ")]
    return sketch.text
  }

  static func reject(_ lines: inout [String]) {
    let mid = lines.first { $0.hasPrefix("a=mid") } ?? ""
    var words = lines[0].split(separator: " ").map(String.init)
    words[1] = "0"
    lines = [words.joined(separator: " "), "c=IN IP4 0.0.0.0", mid, "a=inactive"]
  }
}

extension String {
  fileprivate func replacingPayloadType() -> String {
    guard let range = range(of: ":96 ") else { return self }
    return replacingCharacters(in: range, with: ":100 ")
  }
}
