// ICE candidates as candidateInit strings, and what RFC 8839 §5.1 says to ignore.

import Basics
import Testing
import Wire

struct SDPCandidateTests {
  static let texts = [
    "candidate:f957a2332b1715da3b0ef8ba684454eb 1 udp 2130706431 192.0.2.2 42711 typ host",
    "candidate:2 1 udp 1694498815 192.0.2.3 45664 typ srflx raddr 203.0.113.141 rport 8998",
    "candidate:1 1 udp 1 2001:db8::1 9 typ relay raddr 0.0.0.0 rport 0 generation 0 ufrag ab+/ "
      + "network-id 1 network-cost 10",
    "candidate:3 1 tcp 1518280447 192.0.2.2 9 typ host tcptype active generation 0",
    "candidate:4 256 udp 4294967295 9e1b-77.local 65535 typ prflx",
  ]

  @Test(arguments: texts)
  func roundTrip(text: String) throws {
    let candidate = try #require(Candidate(text))
    #expect(candidate.description == text)
    #expect(Candidate("a=" + text) == candidate)
    #expect(Candidate(String(text.dropFirst("candidate:".count))) == candidate)
    #expect(Candidate(text.replacing(" udp ", with: " UDP ")) == candidate)
    for count in 0..<text.count { _ = Candidate(String(text.prefix(count))) }
  }

  @Test func fields() throws {
    let candidate = try #require(Candidate(SDPCandidateTests.texts[2]))
    #expect(candidate.address == Address(try #require(IPAddress("2001:db8::1")), port: 9))
    #expect(candidate.kind == .relay && candidate.ufrag == "ab+/")
    #expect(candidate.networkID == 1 && candidate.networkCost == 10 && candidate.generation == 0)
    let made = Candidate(
      foundation: "1", priority: 7, address: Address(IPAddress(v4: 192, 0, 2, 2), port: 5),
      kind: .host)
    #expect(made.description == "candidate:1 1 udp 7 192.0.2.2 5 typ host")
  }

  @Test(arguments: [
    "", "candidate:", "candidate:1 1 udp 7 192.0.2.2 5", "1 1 udp 7 192.0.2.2 5 typ",
    "1 1 udp 7 192.0.2.2 5 typ other", "1 1 dccp 7 192.0.2.2 5 typ host",
    "1 0 udp 7 192.0.2.2 5 typ host", "1 257 udp 7 192.0.2.2 5 typ host",
    "1 1 udp 4294967296 192.0.2.2 5 typ host", "1 1 udp -7 192.0.2.2 5 typ host",
    "1 1 udp 7 192.0.2.2 65536 typ host", "1 1 udp 7 192.0.2.2 5 typ host generation",
    "1 1 udp 7 192.0.2.2 5 typ host rport 9", "1 1 udp 7 192.0.2.2 5 typ host tcptype both",
    "012345678901234567890123456789012 1 udp 7 192.0.2.2 5 typ host",
    "1 1 udp 7 192.0.2.2 5 type host", "1 1 udp 7 ex\u{e9}mple 5 typ host",
  ])
  func ignored(text: String) {
    #expect(Candidate(text) == nil)
  }
}
