// LiveKit's /rtc/v1: one peer connection for both directions, whose offers are the client's.

import Basics
import Signal
import Testing
import Transport
import Wire

@testable import RefSFU

struct SinglePeerTests {
  private static let extensions =
    RawCall.ids + [
      "a=extmap:7 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
      "a=extmap:8 \(OfferSketch.wide)", "a=extmap:9 urn:ietf:params:rtp-hdrext:ssrc-audio-level",
      "a=extmap:10 urn:3gpp:video-orientation",
    ]
  private static let audio = OfferSketch.audio("0", extensions)

  private func video(_ mid: String, _ direction: String = "recvonly") -> [String] {
    OfferSketch.video(mid, Self.extensions).map { $0 == "a=sendonly" ? "a=\(direction)" : $0 }
  }

  /// What an answer leaves out of a section libwebrtc does not offer there again, so that a section
  /// that sends simulcast later would have no rid (RFC 8829 §5.3.1, RFC 8853 §5.3).
  @Test(arguments: ["sendonly", "recvonly", "inactive"])
  func headerExtensionsDoNotDependOnTracks(_ direction: String) throws {
    let layers =
      direction == "recvonly"
      ? [] : ["a=rid:q send", "a=rid:h send", "a=simulcast:send q;h"]
    let sketch = OfferSketch([Self.audio, video("1", direction) + layers])
      .replacing("a=sendonly", "a=\(direction)")
    let offer = try SessionDescription(parsing: sketch.text)
    let answer = PublisherAnswer(to: offer, plays: true, trackIDs: ["microphone", "camera"])
    let media = answer.description(sessionID: 1, version: 1, transport: nil).media
    #expect(media[0].headerExtensions.map(\.id) == [4, 6, 8, 9])
    #expect(media[1].headerExtensions.map(\.id) == [4, 5, 6, 7, 8])
    #expect(media[1].simulcast?.recv.count == (layers.isEmpty ? nil : 2))
    // Those that tell layers of a publisher apart are not written to a subscriber.
    for section in answer.played {
      #expect(section.extensions[.mid] == 4 && section.extensions[.transportSequenceNumber] == 8)
      #expect(section.extensions[.rid] == nil && section.extensions[.audioLevel] == nil)
    }
  }

  /// `count` frames, 33 ms apart, keyframes on request.
  private func stream(_ call: RawCall, _ peer: RawPeer, _ count: Int, from first: Int) {
    for index in first..<(first + count) {
      let key = index == first || peer.takeKeyframeRequests(0xC1) > 0
      let fields = RTPFields(
        marker: true, payloadType: 96, sequenceNumber: UInt16(index),
        timestamp: UInt32(index) * 3_000, ssrc: 0xC1)
      call.send(peer, fields, mid: "1", RawFrame.vp8(key: key, picture: UInt16(index)))
      call.run(for: .milliseconds(33))
    }
  }

  private let silent = Self.audio.map { $0 == "a=sendonly" ? "a=inactive" : $0 }
  private let camera = OfferSketch([
    OfferSketch.audio("0", RawCall.ids), OfferSketch.video("1", RawCall.ids),
  ])

  /// A section takes another track under other SSRCs: libwebrtc renders no stream that was removed and
  /// comes again under its old one.
  @Test func aFreedSectionGetsNewSSRCs() throws {
    let call = RawCall()
    let ben = call.join("ben", offering: [silent, video("1")])
    var ssrcs: [UInt32] = []
    for (identity, first) in [("ada", 0), ("eve", 100)] {
      let publisher = try call.publish(identity, camera)
      stream(call, publisher, 10, from: first)
      call.offer([silent, video("1")], of: ben)
      ben.peer.packets = []
      stream(call, publisher, 10, from: first + 10)
      #expect(ben.peer.packets.count > 5)
      ssrcs.append(try #require(ben.peer.packets.last).header.ssrc)
      call.end(publisher)
      call.run(for: .milliseconds(500))
      call.offer([silent, video("1")], of: ben)
      #expect(ben.answers.last?.midToTrackID == [:])
    }
    #expect(Set(ssrcs).count == 2)
  }

  @Test func sectionsAreAskedForAndFilled() throws {
    let call = RawCall()
    let publisher = try call.publish("ada", camera)
    let ben = call.join("ben", offering: [silent])
    #expect(ben.peer.transport.state == .connected && ben.answers.count == 1)
    stream(call, publisher, 10, from: 0)
    #expect(ben.required.last?.numVideos == 1 && ben.peer.packets.isEmpty)

    call.offer([silent, video("1")], of: ben)
    let tracks = try #require(ben.answers.last).midToTrackID
    #expect(tracks.count == 1 && tracks["1"]?.hasPrefix("TR_") == true)
    stream(call, publisher, 10, from: 10)
    #expect(ben.peer.packets.count > 5)
    #expect(ben.peer.packets.allSatisfy { $0.extensions.mid?.description == "1" })

    // The section is refused, so that the track goes where there is another one.
    ben.peer.packets = []
    let refused = ["m=video 0 UDP/TLS/RTP/SAVPF 96", "c=IN IP4 0.0.0.0", "a=mid:1", "a=inactive"]
    call.offer([silent, refused, video("2")], of: ben)
    #expect(ben.answers.last?.midToTrackID == tracks["1"].map { ["2": $0] })
    stream(call, publisher, 10, from: 20)
    #expect(ben.peer.packets.count > 5)
    #expect(ben.peer.packets.allSatisfy { $0.extensions.mid?.description == "2" })
    #expect(ben.answers.count == 3 && !ben.hasLeft)
  }
}
