// The seams of the SFU: a signalling that it has never heard of, and sinks that take a room's tracks.

import Basics
import Testing
import Transport
import Wire

@testable import RefSFU

/// Writes down what it hears.
private final class Notes: MediaSink {
  var lines: [String] = []
  /// Numbers of the packets, by source.
  var numbers: [String: [UInt16]] = [:]
  var tracks: [SinkTrack] = []
  var wanted: String?

  func wants(_ track: SinkTrack.Description) -> Bool { wanted.map { $0 == track.source } ?? true }

  func began(_ track: SinkTrack, at now: Instant) {
    let it = track.description
    lines.append("\(it.publisherIdentity) \(it.source) \(it.encoding) \(it.payloadType)")
    tracks.append(track)
  }

  func received(_ packet: RawSpan, of track: SinkTrack, at now: Instant) {
    guard let header = try? RTPHeader(packet) else { return }
    numbers[track.description.source, default: []].append(header.sequenceNumber)
  }

  func switched(_ track: SinkTrack, to layer: Int?, at now: Instant) {
    lines.append("\(track.description.source) layer \(layer.map(String.init) ?? "none")")
  }

  func muted(_ track: SinkTrack, _ isMuted: Bool, at now: Instant) {
    lines.append("\(track.description.source) \(isMuted ? "muted" : "heard")")
  }

  func ended(_ track: SinkTrack, at now: Instant) {
    lines.append("\(track.description.source) ended")
  }
}

struct SignallingSeamTests {
  private let sfu: SFU

  init() {
    let tiny = TinySignalling()
    sfu = SFU(
      SFUConfiguration(signalling: [tiny], authorizer: tiny),
      random: RandomStream(seed: 1, name: "sfu"))
  }

  private func audio(_ number: UInt16) -> [UInt8] {
    rtp(111, number, ssrc: 11, timestamp: UInt32(number) * 960, [1, 2, 3])
  }

  /// A VP8 frame of one packet (RFC 7741 §4.2, RFC 6386 §9.1).
  private func video(_ number: UInt16, isKeyframe: Bool) -> [UInt8] {
    let frame: [UInt8] =
      isKeyframe ? [0x10, 0x02, 0x00, 0x9D, 0x01, 0x2A, 64, 1, 180, 0] : [0x11, 0x02, 0x00]
    return rtp(
      0x80 | 96, number, ssrc: 22, timestamp: UInt32(number) * 3_000,
      [0x10] + frame + [UInt8](repeating: 0, count: 100))
  }

  private func rtp(
    _ type: UInt8, _ number: UInt16, ssrc: UInt8, timestamp: UInt32, _ payload: [UInt8]
  ) -> [UInt8] {
    let number = [UInt8(number >> 8), UInt8(number & 255)]
    let time = (0..<4).reversed().map { UInt8(truncatingIfNeeded: timestamp >> (8 * $0)) }
    return [0x80, type] + number + time + [0, 0, 0, ssrc] + payload
  }

  /// Ada publishes a microphone and a camera, and everybody is there.
  private func call(_ identities: [String] = ["ada", "bob"]) -> TinyCall {
    let call = TinyCall(identities, on: sfu)
    call.say("audio\nmic", as: 0)
    call.say("video\ncam", as: 0)
    call.say("offer\n\(call.clients[0].offer)", as: 0)
    call.run(for: .seconds(1))
    return call
  }

  /// Sound and pictures for so many packets of each; the first picture is a keyframe.
  private func talk(_ call: TinyCall, from first: UInt16 = 1, _ count: UInt16) {
    for number in first..<(first + count) {
      call.sendRTP(audio(number), as: 0)
      call.sendRTP(video(number, isKeyframe: number == first), as: 0)
      call.run(for: .milliseconds(20))
    }
  }

  @Test func aRoomOfTwoOverASignallingOfItsOwn() {
    let call = call()
    let (ada, bob) = (call.clients[0], call.clients[1])
    #expect(ada.publisher.state == .connected && bob.subscriber.state == .connected)
    #expect(ada.told.filter { $0.verb == "published" }.map(\.about) == ["mic", "cam"])
    talk(call, 20)
    // Each track is there before its section is answered; what came until then is not for Bob.
    talk(call, from: 21, 30)
    let streams = Dictionary(grouping: bob.received, by: \.ssrc).mapValues { $0.map(\.number) }
    #expect(streams.count == 2)
    for numbers in streams.values {
      #expect(numbers.count >= 30)
      #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $1 == $0 &+ 1 })
    }
    call.say("bye", as: 0)
    #expect(bob.told.last.map { $0.verb == "people" && $0.about == "ada disconnected 2" } == true)
    call.say("nonsense", as: 1)
    #expect(bob.told.last.map { $0.verb == "bye" || $0.verb == "people" } == true)
    #expect(sfu.rooms.flatMap(\.participants).isEmpty)
  }

  @Test func strangersAreRefused() {
    let call = TinyCall([""], on: sfu)
    #expect(call.clients[0].told.isEmpty && sfu.rooms.isEmpty)
  }

  @Test func aSinkTakesTheTracksOfARoom() {
    let notes = Notes()
    sfu.attach(notes, toRoom: "tiny", at: .zero)
    let call = call()
    talk(call, 10)
    #expect(
      notes.lines == ["ada microphone opus 111", "ada camera VP8 96", "camera layer 0"])
    #expect(notes.numbers["microphone"] == Array(1...10))
    #expect(notes.numbers["camera"] == Array(1...10))
    call.say("mute\nmic", as: 0)
    talk(call, from: 11, 5)
    #expect(notes.numbers["microphone"] == Array(1...10))
    #expect(notes.numbers["camera"] == Array(1...15))
    call.say("bye", as: 0)
    #expect(notes.lines.suffix(3) == ["microphone muted", "microphone ended", "camera ended"])
  }

  @Test func aSinkThatComesLateWaitsForAKeyframe() throws {
    // Nobody else would ask for keyframes.
    let call = call(["ada"])
    talk(call, 5)
    let notes = Notes()
    notes.wanted = "camera"
    let camera = try #require(sfu.rooms[0].participants[0].tracks.last)
    let asked = camera.keyframes.sent(layer: 0)
    sfu.attach(notes, toRoom: "tiny", at: call.now)
    call.sendRTP(video(6, isKeyframe: false), as: 0)
    call.run(for: .milliseconds(600))
    #expect(notes.lines == ["ada camera VP8 96"] && notes.numbers.isEmpty)
    #expect(camera.keyframes.sent(layer: 0) > asked)
    talk(call, from: 7, 3)
    #expect(notes.numbers["camera"] == [7, 8, 9] && notes.tracks.first?.layer == 0)
    let before = camera.keyframes.sent(layer: 0)
    notes.tracks.first?.requestKeyframe(at: call.now)
    call.run(for: .milliseconds(600))
    #expect(camera.keyframes.sent(layer: 0) > before)
    sfu.detach(notes, at: call.now)
    talk(call, from: 10, 3)
    #expect(notes.numbers["camera"] == [7, 8, 9] && camera.sinks.isEmpty)
  }
}
