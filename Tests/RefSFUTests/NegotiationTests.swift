// The SFU's answers to what real clients offer, and its own offers from one to the next.

import Basics
import Foundation
import TestKit
import Testing
import Transport
import Wire

@testable import RefSFU

private let transport = LocalTransport(
  credentials: ICECredentials(ufrag: "abcd", password: "0123456789abcdef01234567"),
  fingerprint: Fingerprint(algorithm: "sha-256", bytes: [UInt8](repeating: 0xAB, count: 32)),
  setup: .passive, addresses: [Address(IPAddress(v4: 10, 0, 0, 1), port: 7_882)])

@Suite(.enabled(if: sharedFile("captures") != nil, needsShared))
struct AnswersToCapturedOffers {
  static let files = ["chromium-offer.sdp", "aiortc-offer.sdp"]

  /// The offer, and the answer as it comes out of its own text.
  private func negotiate(
    _ file: String, takesData: Bool = false, allows: (MediaDescription) -> Bool = { _ in true }
  ) throws -> (
    offer: SessionDescription, answer: SessionDescription, sections: [PublishedSection]
  ) {
    let path = try #require(sharedFile("captures/\(file)"))
    // Chromium's was written with encryption switched off, which no SFU takes.
    let text = try String(contentsOfFile: path, encoding: .utf8)
      .replacingOccurrences(of: " 9 RTP/AVPF", with: " 9 UDP/TLS/RTP/SAVPF")
    let offer = try SessionDescription(parsing: text)
    let answer = PublisherAnswer(
      to: offer, takesData: takesData,
      trackIDs: offer.media.map { allows($0) ? $0.msid?.track ?? "" : nil })
    let description = answer.description(sessionID: 5, version: 1, transport: transport)
    return (offer, try SessionDescription(parsing: description.description), answer.sections)
  }

  @Test(arguments: files) func sectionsKeepTheirPlaces(_ file: String) throws {
    let (offer, answer, _) = try negotiate(file)
    #expect(answer.media.count == offer.media.count)
    for (offered, answered) in zip(offer.media, answer.media) {
      #expect(answered.kind == offered.kind)
      #expect(answered.mid == offered.mid)
      #expect(answered.protocol == offered.protocol)
      #expect(answered.isRejected == !offered.isRTP)
      #expect(answered.direction == (offered.isRTP ? .recvonly : .inactive))
      #expect(answered.rtcpMux == offered.isRTP)
    }
    #expect(answer.bundleMids == offer.media.filter(\.isRTP).compactMap(\.mid))
  }

  @Test(arguments: ["aiortc-offer.sdp"]) func dataChannelsAreAcceptedWhereTheyAreWanted(
    _ file: String
  ) throws {
    let (offer, answer, _) = try negotiate(file, takesData: true)
    let index = try #require(offer.media.firstIndex { $0.kind == .application })
    let section = answer.media[index]
    #expect(section.isDataChannels && !section.isRejected)
    #expect(section.mid == offer.media[index].mid)
    #expect(section.sctpPort == 5_000)
    #expect(section.maxMessageSize == 262_144)
    #expect(answer.transport(of: section).setup == .passive)
    #expect(answer.bundleMids == offer.media.compactMap(\.mid))
  }

  @Test(arguments: files) func theTransportIsOurs(_ file: String) throws {
    let (_, answer, _) = try negotiate(file)
    #expect(answer.isICELite)
    let tagged = try #require(answer.bundleTagged)
    let lines = answer.transport(of: tagged)
    #expect(lines.setup == .passive)
    #expect(lines.iceUfrag == "abcd")
    #expect(lines.fingerprint() == transport.fingerprint)
    #expect(tagged.candidates.count == 1)
    #expect(tagged.candidates.first?.address == transport.addresses[0])
    #expect(tagged.endOfCandidates)
  }

  @Test(arguments: files) func onlyWhatWeForward(_ file: String) throws {
    let (offer, answer, sections) = try negotiate(file)
    for (offered, answered) in zip(offer.media, answer.media) where !answered.isRejected {
      #expect(!answered.payloadTypes.isEmpty)
      for payloadType in answered.payloadTypes {
        #expect(offered.payloadTypes.contains(payloadType))
        let map = try #require(answered.rtpMap(of: payloadType))
        #expect(map == offered.rtpMap(of: payloadType))
        if answered.kind == .video {
          let parameters = answered.formatParameters(of: payloadType)
          #expect(parameters?.text == offered.formatParameters(of: payloadType)?.text)
        }
        guard map.encoding.lowercased() == "rtx" else {
          #expect(CodecProfile.named(map.encoding)?.kind == answered.kind)
          continue
        }
        let original = try #require(
          answered.payloadTypes.first { answered.rtxPayloadType(for: $0) == payloadType })
        #expect(offered.rtxPayloadType(for: original) == payloadType)
      }
      for feedback in answered.rtcpFeedback { #expect(offered.rtcpFeedback.contains(feedback)) }
    }
    for section in sections {
      let answered = try #require(answer.media.first { $0.mid == section.mid })
      #expect(section.payloads.map(\.type) == answered.payloadTypes)
    }
  }

  @Test(arguments: files) func extensionIdsAreTheOffers(_ file: String) throws {
    let (offer, answer, sections) = try negotiate(file)
    for (offered, answered) in zip(offer.media, answer.media) where !answered.isRejected {
      #expect(!answered.headerExtensions.isEmpty)
      for element in answered.headerExtensions {
        #expect(offered.headerExtensions.contains(element))
        #expect(RTPExtensionKind(uri: element.uri) != nil)
      }
      let section = try #require(sections.first { $0.mid == answered.mid })
      #expect(section.extensions == answered.extensionMap)
    }
  }

  @Test func chromiumsSimulcast() throws {
    let (_, answer, sections) = try negotiate("chromium-offer.sdp")
    let video = answer.media[0]
    #expect(video.rids == ["q", "h", "f"].map { RIDDescription(id: $0, direction: .recv) })
    #expect(video.simulcast == Simulcast(recv: ["q", "h", "f"].map { [.init($0)] }))
    #expect(sections[0].rids == ["q", "h", "f"])
    #expect(sections[0].trackID == "4f91bf58-e6a9-4680-b0ee-241281f66666")
    let map = sections[0].extensions
    #expect(
      [map[.transportSequenceNumber], map[.mid], map[.rid], map[.repairedRid]] == [4, 9, 10, 11])
    #expect(sections[1].extensions[.audioLevel] == 12)
    // Opus alone; VP8 first, VP9, and the baseline profiles of H.264 that take several NAL units.
    #expect(answer.media[1].payloadTypes == [111])
    #expect(sections[0].meaning(of: 96) == .media(.vp8))
    #expect(sections[0].meaning(of: 97) == .retransmission(of: 96))
    #expect(sections[0].meaning(of: 45) == nil)
    #expect(sections[0].meaning(of: 104) == nil)
    #expect(answer.media[0].payloadTypes.first == 96)
  }

  @Test func aiortcsStreams() throws {
    let (offer, answer, sections) = try negotiate("aiortc-offer.sdp")
    #expect(offer.media.map(\.kind) == [.video, .audio, .application])
    #expect(answer.media[2].isRejected)
    #expect(answer.bundleMids == ["0", "1"])
    #expect(sections[0].rids.isEmpty)
    #expect(answer.media[0].simulcast == nil)
    #expect(sections[0].ssrcs == [3_623_386_308])
    #expect(sections[0].retransmissionSSRCs.map(\.rtx) == [2_791_243_332])
    #expect(sections[0].retransmissionSSRCs.map(\.media) == [3_623_386_308])
    #expect(sections[0].meaning(of: 98) == .retransmission(of: 97))
  }

  /// A section whose track may not be published is refused, and the others go on without it.
  @Test(arguments: files) func rightsRefuseSections(_ file: String) throws {
    let (offer, answer, sections) = try negotiate(file) { $0.kind == .audio }
    for section in answer.media { #expect(section.isRejected == (section.kind != .audio)) }
    #expect(sections.map(\.kind) == [.audio])
    #expect(answer.bundleMids == offer.media.filter { $0.kind == .audio }.compactMap(\.mid))
    #expect(try #require(answer.bundleTagged).candidates.count == 1)
  }
}

@Suite struct SubscriberOffers {
  private func stream(_ codec: CodecProfile, _ number: UInt32) -> SubscriberOffer.Stream {
    SubscriberOffer.Stream(
      codec: codec, ssrc: 1_000 + number, rtxSSRC: codec.kind == .video ? 2_000 + number : nil,
      streamID: "PA_\(number)|TR_\(number)", trackID: "TR_\(number)", cname: "PA_\(number)")
  }

  private func next(_ offer: inout SubscriberOffer) -> SDPText {
    SDPText(offer.next(sessionID: 5, transport: transport))
  }

  @Test func readsAsWeMeanIt() throws {
    var offer = SubscriberOffer()
    let mid = offer.add(stream(.vp8, 1))
    let session = try SessionDescription(
      parsing: offer.next(sessionID: 5, transport: transport))
    #expect(session.media.map(\.kind) == [.audio, .video])
    #expect(session.bundleMids == ["0", "1"])
    #expect(mid.description == "1")
    #expect(session.media[0].direction == .inactive)
    let video = session.media[1]
    #expect(video.direction == .sendonly)
    #expect(video.msid == MediaStreamID(stream: "PA_1|TR_1", track: "TR_1"))
    #expect(video.primarySSRCs == [1_001])
    #expect(video.rtxSSRC(for: 1_001) == 2_001)
    #expect(session.transport.setup == .passive)
    #expect(session.isICELite)
  }

  @Test func dataChannelsHaveASectionOfTheirOwn() throws {
    var offer = SubscriberOffer(data: true)
    let mid = offer.add(stream(.vp8, 1))
    let more = offer.add(stream(.vp8, 2))
    #expect([mid, more].map(\.description) == ["1", "3"])
    let text = offer.next(sessionID: 5, transport: transport)
    #expect(text.contains("m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"))
    #expect(text.contains("a=sctp-port:5000\r\na=max-message-size:262144\r\n"))
    let session = try SessionDescription(parsing: text)
    #expect(session.media[2].isDataChannels)
    #expect(session.bundleMids == ["0", "1", "2", "3"])
  }

  @Test func freedSectionsAreUsedAgain() throws {
    var offer = SubscriberOffer()
    let first = offer.add(stream(.vp8, 1))
    let second = offer.add(stream(.vp8, 2))
    let voice = offer.add(stream(.opus, 3))
    #expect([first, second, voice].map(\.description) == ["1", "2", "0"])
    offer.remove(mid: first)
    // A section keeps its kind.
    #expect(offer.add(stream(.opus, 4)).description == "3")
    #expect(offer.add(stream(.vp8, 5)) == first)
    let session = try SessionDescription(
      parsing: offer.next(sessionID: 5, transport: transport))
    #expect(session.media.count == 4)
    #expect(session.media[1].primarySSRCs == [1_005])
    #expect(session.media[1].msid?.track == "TR_5")
  }

  @Test func unchangedSectionsKeepTheirText() throws {
    var offer = SubscriberOffer()
    for number in 1...3 as ClosedRange<UInt32> { _ = offer.add(stream(.vp8, number)) }
    let before = next(&offer)
    let same = next(&offer)
    #expect(before.sections == same.sections)
    #expect(before.session != same.session)
    offer.remove(mid: ShortName("2")!)
    let after = next(&offer)
    for index in before.sections.indices {
      #expect((before.sections[index] == after.sections[index]) == (index != 2))
    }
    _ = offer.add(stream(.vp8, 2))
    #expect(next(&offer).sections == before.sections)
  }

  @Test func versionsGrow() throws {
    var offer = SubscriberOffer()
    let versions = try (0..<3).map { _ in
      try SessionDescription(parsing: offer.next(sessionID: 5, transport: transport))
        .origin.sessionVersion
    }
    #expect(versions == [1, 2, 3])
  }
}
