// Data packets from one participant to the others (LiveKit pkg/rtc/participant.go, room.go).

import Basics
import Signal
import Transport
import Wire

/// LiveKit's data channels, known by their labels.
enum DataChannels {
  static let reliable = DataChannelParameters(label: "_reliable")
  static let lossy = DataChannelParameters(
    label: "_lossy", isOrdered: false, reliability: .retransmits(0))

  /// Whether this section's text accepts data channels.
  static func isAccepted(_ section: String) -> Bool {
    section.hasPrefix("m=application ") && !section.hasPrefix("m=application 0 ")
  }
}

extension Participant {
  /// Opens the channels on which it gets what others send, once.
  func openDataChannels(at now: Instant, into outbox: inout Outbox) {
    guard !subscriber.negotiatesData else { return }
    subscriber.negotiateData(at: now, into: &outbox)
    for channel in [DataChannels.reliable, DataChannels.lossy] {
      subscriber.openChannel(channel, at: now, into: &outbox)
    }
  }

  /// Passes on what has come in on its channels.
  func receiveData(at now: Instant, into outbox: inout Outbox) {
    // What comes from the subscriber's end means nothing here.
    _ = subscriber.takeDataEvents()
    for event in publisher.takeDataEvents() {
      guard case .message(let label, let bytes, _) = event,
        label == DataChannels.reliable.label || label == DataChannels.lossy.label
      else { continue }
      forward(bytes, on: label, at: now, into: &outbox)
    }
  }

  /// Who sent it is what we know, not what it says; its `sequence` stays.
  private func forward(
    _ bytes: [UInt8], on label: String, at now: Instant, into outbox: inout Outbox
  ) {
    guard !hasLeft, rights.mayPublishData, var packet = try? DataPacket(decoding: bytes) else {
      return
    }
    let isReliable = label == DataChannels.reliable.label
    guard !isReliable || isNew(sequence: packet.sequence) else { return }
    packet.participantIdentity = identity
    packet.participantSid = sid
    var destination = DataDestination(identities: packet.destinationIdentities)
    if case .user(var user) = packet.value {
      user.participantIdentity = identity
      user.participantSid = sid
      destination.identities += user.destinationIdentities
      destination.sids = user.destinationSids
      packet.value = .user(user)
    }
    guard destination.identities.count + destination.sids.count <= SFULimits.dataDestinations
    else { return }
    let forwarded = packet.encoded
    if isReliable, packet.sequence > 0 {
      room.reliableData.add(
        ReliableDataCache.Message(
          publisherSid: sid, sequence: packet.sequence, destination: destination,
          bytes: forwarded, at: now))
    }
    if isReliable, sfu.configuration.mutant == .dataForgotten, packet.sequence % 10 == 0 { return }
    if isReliable, sfu.configuration.mutant == .dataSwapped {
      return swap(packet, at: now, into: &outbox)
    }
    room.send(forwarded, on: label, to: destination, besides: self, at: now, into: &outbox)
  }

  /// A mutant's way: two by two the wrong way round, without the numbers that would tell.
  private func swap(_ packet: DataPacket, at now: Instant, into outbox: inout Outbox) {
    guard let before = swappedData else {
      swappedData = packet
      return
    }
    swappedData = nil
    for var packet in [packet, before] {
      packet.sequence = 0
      room.send(
        packet.encoded, on: DataChannels.reliable.label, to: DataDestination(), besides: self,
        at: now, into: &outbox)
    }
  }
}

extension Room {
  /// Sends a data packet to those it is for.
  func send(
    _ packet: [UInt8], on label: String, to destination: DataDestination,
    besides sender: Participant?, at now: Instant, into outbox: inout Outbox
  ) {
    for other in participants where other !== sender && destination.includes(other) {
      other.deliver(packet, on: label, at: now, into: &outbox)
    }
  }
}

extension MediaDescription {
  /// Data channels at the port that we use.
  var acceptsData: Bool {
    isDataChannels && !isRejected && (sctpPort ?? 5_000) == TransportLimits.sctpPort
  }

  init(dataChannels mid: String) {
    self.init(
      dataChannels: mid, port: TransportLimits.sctpPort,
      maxMessageSize: UInt64(TransportLimits.dataMessageSize))
  }
}
