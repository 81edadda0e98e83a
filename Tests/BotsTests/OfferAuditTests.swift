// The checks on offers and answers, on descriptions written by hand as other SFUs write them.

import Basics
import Results
import Testing
import Wire

@testable import Bots

@Suite struct DescriptionAuditing {
  private static func session(version: Int, id: Int = 1) -> String {
    "v=0\r\no=- \(id) \(version) IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
  }

  private static func section(
    _ kind: String = "audio", mid: String, port: Int = 9, extensions: [Int: String] = [:],
    address: Bool = true, formats: String = "111"
  ) -> String {
    "m=\(kind) \(port) UDP/TLS/RTP/SAVPF \(formats)\r\n"
      + (address ? "c=IN IP4 0.0.0.0\r\n" : "") + "a=mid:\(mid)\r\na=rtcp-mux\r\na=sendonly\r\n"
      + "a=rtpmap:111 opus/48000/2\r\n"
      + extensions.sorted { $0.key < $1.key }.map { "a=extmap:\($0.key) \($0.value)\r\n" }.joined()
  }

  /// The faults of these offers, one after the other.
  private static func faults(_ offers: [String]) throws -> [ProtocolFault] {
    var audit = OfferAudit()
    var faults = ProtocolAudit()
    var known: [String] = []
    for text in offers {
      let offer = SDPText(text)
      audit.begin(offer, at: .zero, &faults)
      for (index, section) in offer.sections.enumerated()
      where index >= known.count || known[index] != section {
        let parsed = try SessionDescription(parsing: offer.session + section)
        audit.check(parsed, parsed.media[0], at: index, at: .zero, &faults)
      }
      known = offer.sections
    }
    return faults.counts.filter { $0.found > 0 }.map(\.fault)
  }

  @Test func aSessionThatGrowsAndRecyclesIsSound() throws {
    let offers = [
      Self.session(version: 1) + Self.section(mid: "0", extensions: [1: "urn:a"]),
      Self.session(version: 2) + Self.section(mid: "0", extensions: [1: "urn:a"])
        + Self.section("video", mid: "1", extensions: [1: "urn:a", 2: "urn:b"]),
      Self.session(version: 3) + Self.section(mid: "0", port: 0)
        + Self.section("video", mid: "1", extensions: [1: "urn:a", 2: "urn:b"]),
      // A rejected section may become any other; one offer in between was lost.
      Self.session(version: 5) + Self.section("video", mid: "2")
        + Self.section("video", mid: "1", extensions: [1: "urn:a", 2: "urn:b"]),
      Self.session(version: 5) + Self.section("video", mid: "2")
        + Self.section("video", mid: "1", extensions: [1: "urn:a", 2: "urn:b"]),
    ]
    #expect(try Self.faults(offers) == [])
  }

  @Test func sectionsKeepTheirPlace() throws {
    let two =
      Self.session(version: 1) + Self.section(mid: "0") + Self.section("video", mid: "1")
    #expect(
      try Self.faults([two, Self.session(version: 2) + Self.section(mid: "0")]) == [.offerSections])
    let swapped =
      Self.session(version: 2) + Self.section("video", mid: "1") + Self.section(mid: "0")
    #expect(try Self.faults([two, swapped]) == [.offerSections])
    let renamed =
      Self.session(version: 2) + Self.section(mid: "7")
      + Self.section("video", mid: "1")
    #expect(try Self.faults([two, renamed]) == [.offerSections])
    let doubled =
      Self.session(version: 1) + Self.section(mid: "0")
      + Self.section("video", mid: "0")
    #expect(try Self.faults([doubled]) == [.offerSections])
  }

  @Test func theVersionGoesUp() throws {
    let first = Self.session(version: 4) + Self.section(mid: "0")
    let more = Self.section(mid: "0") + Self.section(mid: "1")
    for version in [3, 4] {
      #expect(try Self.faults([first, Self.session(version: version) + more]) == [.offerVersion])
    }
    let other = Self.session(version: 5, id: 2) + more
    #expect(try Self.faults([first, other]) == [.offerVersion])
  }

  @Test func anIdHasOneMeaning() throws {
    let across =
      Self.session(version: 1) + Self.section(mid: "0", extensions: [3: "urn:a"])
      + Self.section("video", mid: "1", extensions: [3: "urn:b"])
    #expect(try Self.faults([across]) == [.extensionIDs])
    let within =
      Self.session(version: 1) + Self.section(mid: "0") + "a=extmap:3 urn:a\r\na=extmap:3 urn:b\r\n"
    #expect(try Self.faults([within]) == [.extensionIDs])
  }

  @Test func everySectionHasAnAddress() throws {
    let bare = Self.section(mid: "0", address: false)
    #expect(try Self.faults([Self.session(version: 1) + bare]) == [.sectionAddress])
    let session = Self.session(version: 1).replacing("t=0", with: "c=IN IP4 0.0.0.0\r\nt=0")
    #expect(try Self.faults([session + bare]) == [])
  }

  private static let offered =
    session(version: 1)
    + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=sendonly\r\n"
    + "a=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\na=extmap:1 urn:a\r\na=setup:actpass\r\n"

  private static func answer(_ changes: (from: String, to: String)...) -> String {
    var text =
      session(version: 1)
      + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=recvonly\r\n"
      + "a=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\na=extmap:1 urn:a\r\na=setup:passive\r\n"
    for change in changes {
      text =
        text.split(separator: "\r\n").map { $0 == change.from ? change.to : String($0) }
        .filter { !$0.isEmpty }.joined(separator: "\r\n") + "\r\n"
    }
    return text
  }

  private static func judge(_ text: String) throws -> [ProtocolFault] {
    var faults = ProtocolAudit()
    OfferedSections(offered).check(
      try SessionDescription(parsing: text), at: .zero, &faults)
    return faults.counts.filter { $0.found > 0 }.map(\.fault)
  }

  @Test func anAnswerTakesWhatWasOffered() throws {
    #expect(try Self.judge(Self.answer()) == [])
    #expect(
      try Self.judge(
        Self.answer(("m=audio 9 UDP/TLS/RTP/SAVPF 111", "m=audio 0 UDP/TLS/RTP/SAVPF 111"))) == [])
    let wrong = [
      Self.answer(("m=audio 9 UDP/TLS/RTP/SAVPF 111", "m=audio 9 UDP/TLS/RTP/SAVPF 111 35")),
      Self.answer(("a=mid:0", "a=mid:1")),
      Self.answer(("a=recvonly", "a=sendrecv")),
      Self.answer(("a=extmap:1 urn:a", "a=extmap:2 urn:a")),
      Self.answer(("a=extmap:1 urn:a", "a=extmap:1 urn:b")),
      Self.answer(("a=setup:passive", "a=setup:actpass")),
      Self.session(version: 1),
    ]
    for text in wrong { #expect(try Self.judge(text) == [.answer], "\(text)") }
    #expect(
      try Self.judge(Self.answer(("c=IN IP4 0.0.0.0", ""))) == [.sectionAddress])
  }
}
