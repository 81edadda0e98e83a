// Fills every field of a message with a value that is not its default, to have one of everything.

import Signal

/// Shown a message's fields, it sets them all; no two numbers it writes are the same.
struct Filler: ProtoFields {
  private var last: UInt64 = 1

  static func filled<M: ProtoMessage>(_ type: M.Type = M.self) -> M {
    var filler = Filler()
    return filler.message()
  }

  mutating func message<M: ProtoMessage>() -> M {
    var message = M()
    // Filling does not throw.
    try! message.fields(&self)
    return message
  }

  /// A value read from bytes made for its wire type.
  private mutating func value<T: ProtoValue>() -> T {
    last += 1
    if let type = T.self as? any ProtoMessage.Type {
      func fill<M: ProtoMessage>(_ type: M.Type) -> M { message() }
      return fill(type) as! T
    }
    var bytes = ProtoWriter()
    switch T.wireType {
    case .varint: bytes.varint(T() is any ProtoEnum || T() is Bool ? 1 : last)
    case .fixed32: bytes.fixed32(Float(last).bitPattern)
    default: bytes.lengthDelimited("text \(last) é".utf8)
    }
    var reader = try! ProtoReader(bytes.bytes)
    var value = T()
    precondition(try! value.read(from: &reader))
    return value
  }

  mutating func field<T: ProtoValue>(_ number: Int, _ value: inout T) { value = self.value() }
  mutating func field<T: ProtoValue>(_ number: Int, _ value: inout T?) { value = self.value() }
  mutating func field<T: ProtoValue>(_ number: Int, _ values: inout [T]) {
    values = [value(), value()]
  }
  mutating func field(_ number: Int, _ map: inout [String: String]) {
    map = ["key": value(), "": value(), "ключ": ""]
  }
  /// A choice is made by the test.
  mutating func oneof<T: ProtoOneof>(_ value: inout T?) {}
  mutating func unknown(_ fields: inout [UInt8]) {}
}

func filled<M: ProtoMessage>() -> M { Filler.filled() }

func simulate(_ scenario: SimulatedScenario) -> SignalRequest {
  .simulate(SimulateScenario { $0.scenario = scenario })
}

func response(to request: AnsweredRequest) -> SignalResponse {
  var response: RequestResponse = filled()
  response.request = request
  return .requestResponse(response)
}

func packet(_ value: DataPacketValue) -> DataPacket {
  var packet: DataPacket = filled()
  packet.value = value
  return packet
}

/// One of each with every field set.
enum Samples {
  static let requests: [SignalRequest] = [
    .offer(filled()), .answer(filled()), .trickle(filled()), .addTrack(filled()), .mute(filled()),
    .subscription(filled()), .trackSetting(filled()), .leave(filled()), .updateLayers(filled()),
    .subscriptionPermission(filled()), .syncState(filled()), .ping(-1), .ping(0),
    .updateMetadata(filled()), .pingReq(filled()), .updateAudioTrack(filled()),
    .updateVideoTrack(filled()), .publishDataTrackRequest(filled()),
    .unpublishDataTrackRequest(filled()), .updateDataSubscription(filled()),
    simulate(.speakerUpdate(-3)), simulate(.nodeFailure(true)), simulate(.migration(true)),
    simulate(.serverLeave(false)), simulate(.switchCandidateProtocol(.tls)),
    simulate(.subscriberBandwidth(.min)), simulate(.disconnectSignalOnResume(true)),
    simulate(.disconnectSignalOnResumeNoMessages(true)),
    simulate(.leaveRequestFullReconnect(true)),
  ]

  static let responses: [SignalResponse] = [
    .join(filled()), .answer(filled()), .offer(filled()), .trickle(filled()), .update(filled()),
    .trackPublished(filled()), .leave(filled()), .mute(filled()), .speakersChanged(filled()),
    .roomUpdate(filled()), .connectionQuality(filled()), .streamStateUpdate(filled()),
    .subscribedQualityUpdate(filled()), .subscriptionPermissionUpdate(filled()),
    .refreshToken("token"), .trackUnpublished(filled()), .pong(.max), .reconnect(filled()),
    .pongResp(filled()), .subscriptionResponse(filled()), .trackSubscribed(filled()),
    .roomMoved(filled()), .mediaSectionsRequirement(filled()),
    .subscribedAudioCodecUpdate(filled()), .publishDataTrackResponse(filled()),
    .unpublishDataTrackResponse(filled()), .dataTrackSubscriberHandles(filled()),
    response(to: .trickle(filled())), response(to: .addTrack(filled())),
    response(to: .mute(filled())), response(to: .updateMetadata(filled())),
    response(to: .updateAudioTrack(filled())), response(to: .updateVideoTrack(filled())),
    response(to: .publishDataTrack(filled())), response(to: .unpublishDataTrack(filled())),
  ]

  static let packets: [DataPacket] = [
    packet(.user(filled())), packet(.speaker(filled())), packet(.chatMessage(filled())),
  ]
}
