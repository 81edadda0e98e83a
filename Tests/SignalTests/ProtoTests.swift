// The protocol buffers wire format: every message, every fault, every truncation and bit flip.

import Basics
import Signal
import TestKit
import Testing

struct ProtoTests {
  @Test(arguments: Samples.requests)
  func requestRoundTrip(request: SignalRequest) throws {
    #expect(try SignalRequest(decoding: request.encoded) == request)
  }

  @Test(arguments: Samples.responses)
  func responseRoundTrip(response: SignalResponse) throws {
    #expect(try SignalResponse(decoding: response.encoded) == response)
  }

  @Test(arguments: Samples.packets)
  func packetRoundTrip(packet: DataPacket) throws {
    #expect(try DataPacket(decoding: packet.encoded) == packet)
  }

  @Test func joinRoundTrip() throws {
    let join: JoinRequest = filled()
    let wrapped = WrappedJoinRequest { $0.joinRequest = join.encoded }
    let again = try WrappedJoinRequest(decoding: wrapped.encoded)
    #expect(try JoinRequest(decoding: again.joinRequest) == join)
  }

  /// As protobuf.dev/programming-guides/encoding shows them.
  @Test func bytesByHand() throws {
    #expect(SignalRequest.ping(150).encoded == hex("70 96 01"))
    #expect(SignalRequest.ping(-1).encoded == hex("70 ff ff ff ff ff ff ff ff ff 01"))
    let mute = MuteTrackRequest {
      $0.sid = "testing"
      $0.muted = true
    }
    #expect(SignalRequest.mute(mute).encoded == hex("2a 0b 0a 07 74657374696e67 10 01"))
    #expect(MuteTrackRequest().encoded.isEmpty)
    #expect(SignalRequest.mute(MuteTrackRequest()).encoded == hex("2a 00"))
    let packed = UpdateLocalAudioTrack { $0.features = [.stereo, .noDtx, .preconnectBuffer] }
    #expect(packed.encoded == hex("12 03 00 01 06"))
    #expect(UserPacket { $0.topic = "" }.encoded == hex("22 00"))
    #expect(SpeakerInfo { $0.level = 1 }.encoded == hex("15 00 00 80 3f"))
  }

  @Test func repeatedNumbersComePackedOrNot() throws {
    let expected = UpdateLocalAudioTrack { $0.features = [.stereo, .noDtx, .preconnectBuffer] }
    for bytes in ["10 00 10 01 10 06", "12 02 00 01 10 06", "12 03 00 01 06"] {
      #expect(try UpdateLocalAudioTrack(decoding: hex(bytes)) == expected)
    }
  }

  @Test func whatIsUnknownIsLeftOut() throws {
    let mute = MuteTrackRequest { $0.muted = true }
    // A varint, eight bytes, a string, a group with a group in it, four bytes; a string where a
    // varint belongs.
    let unknown = [
      "98 06 05", "99 06 0000000000000000", "9a 06 02 6869", "9b 06 9b 06 98 06 05 9c 06 9c 06",
      "9d 06 00000000", "12 01 05",
    ]
    for field in unknown {
      #expect(try MuteTrackRequest(decoding: hex(field + "10 01")) == mute)
      #expect(try MuteTrackRequest(decoding: hex("10 01" + field)) == mute)
    }
    // Enumerations: 77 is no quality and no feature.
    #expect(try SubscribedQuality(decoding: hex("08 02 08 4d")).quality == .high)
    #expect(try UpdateLocalAudioTrack(decoding: hex("12 03 01 4d 02")).features.count == 2)
    // Members: 22 is a blob, 99 nothing yet.
    #expect(try SignalRequest(decoding: hex("b2 01 00")) == .unknown(22))
    #expect(try SignalRequest(decoding: hex("9a 06 00 70 05")) == .ping(5))
    #expect(try SignalRequest(decoding: hex("70 05 9a 06 00")) == .ping(5))
    #expect(try SignalResponse(decoding: []) == .unknown(0))
    #expect(SignalRequest.unknown(22).encoded.isEmpty)
  }

  @Test func theLastMemberHoldsAndMessagesMerge() throws {
    #expect(try SignalRequest(decoding: hex("70 05 2a 00")) == .mute(MuteTrackRequest()))
    let room = try RoomUpdate(decoding: hex("0a 03 0a 01 61 0a 03 12 01 62")).room
    #expect(room?.sid == "a" && room?.name == "b")
  }

  @Test func packetsPassOnWhatTheyDoNotUnderstand() throws {
    // RPC (10), then field 19 and 500, which nobody has yet.
    let bytes = hex("52 03 0a 01 61 80 01 07 9a 01 02 6869 a5 1f 01020304")
    var packet = try DataPacket(decoding: bytes)
    #expect(packet.value == .other(number: 10, hex("0a 01 61")) && packet.sequence == 7)
    packet.participantIdentity = "x"
    let again = try DataPacket(decoding: packet.encoded)
    #expect(again == packet)
    #expect(again.unknownFields == hex("9a 01 02 6869 a5 1f 01020304"))
  }

  static let faults: [(String, ProtoError)] = [
    ("70", .truncated), ("70 80", .truncated), ("0a 05 0a", .truncated), ("0a", .truncated),
    ("0a ff ff ff ff ff ff ff ff ff 01", .truncated), ("99 06 00", .truncated),
    ("9d 06 00", .truncated), ("9b 06 98 06 05", .truncated),
    ("70 ff ff ff ff ff ff ff ff ff 02", .badVarint),
    ("70 80 80 80 80 80 80 80 80 80 80 00", .badVarint), ("00 00", .badTag), ("0e", .badTag),
    ("0f", .badTag), ("9c 06", .badTag), ("9b 06 a4 06", .badTag),
    ("80 80 80 80 10 00", .badTag), ("2a 03 0a 01 ff", .badText),
  ]

  @Test(arguments: faults)
  func fault(bytes: String, error: ProtoError) {
    #expect(throws: error) { try SignalRequest(decoding: hex(bytes)) }
  }

  @Test func limits() throws {
    let most = [UInt8](repeating: 0, count: SignalLimits.messageSize + 1)
    #expect(throws: ProtoError.tooLarge) { try SignalRequest(decoding: most) }
    // Empty participants of two bytes each.
    let elements = SignalLimits.messageElements
    let many = Array(repeating: hex("0a 00"), count: elements + 1).flatMap(\.self)
    #expect(throws: ProtoError.tooLarge) { try SpeakersChanged(decoding: many) }
    #expect(try SpeakersChanged(decoding: many.dropLast(2)).speakers.count == elements)
    // Groups within groups.
    let depth = SignalLimits.messageDepth
    func groups(_ count: Int) -> [UInt8] {
      Array(repeating: hex("9b 06"), count: count).flatMap(\.self)
        + Array(repeating: hex("9c 06"), count: count).flatMap(\.self)
    }
    #expect(throws: Never.self) { try SignalRequest(decoding: groups(depth)) }
    #expect(throws: ProtoError.tooLarge) { try SignalRequest(decoding: groups(depth + 1)) }
  }

  /// What is read at all is written as something that reads the same.
  private func checkStable(_ bytes: [UInt8]) {
    if let request = try? SignalRequest(decoding: bytes) {
      if case .unknown = request { return }
      #expect((try? SignalRequest(decoding: request.encoded)) == request)
    }
    if let packet = try? DataPacket(decoding: bytes) {
      #expect((try? DataPacket(decoding: packet.encoded)) == packet)
    }
  }

  static let damaged: [[UInt8]] = [
    SignalRequest.syncState(
      SyncState {
        $0.subscription = filled()
        $0.offer = filled()
      }
    ).encoded,
    SignalRequest.addTrack(filled()).encoded, Samples.packets[0].encoded,
  ]

  @Test(arguments: damaged)
  func truncationsAndBitFlips(bytes: [UInt8]) {
    for count in 0..<bytes.count { checkStable(Array(bytes[..<count])) }
    for bit in 0..<(8 * bytes.count) {
      var flipped = bytes
      flipped[bit / 8] ^= 1 << UInt8(bit % 8)
      checkStable(flipped)
    }
  }

  @Test func noise() {
    var random = RandomStream(seed: 1, name: "proto/noise")
    for _ in 0..<2000 {
      let bytes = random.bytes(Int(random.below(40)))
      checkStable(bytes)
      _ = try? SignalResponse(decoding: bytes)
      _ = try? JoinRequest(decoding: bytes)
    }
  }
}
