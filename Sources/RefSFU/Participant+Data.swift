// Data packets from one participant to the others (LiveKit pkg/rtc/participant.go, room.go).

import Basics
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
    guard !hasLeft,
      rights.mayPublishData || sfu.configuration.mutant == .ignoresCanPublishData,
      let message = sfu.configuration.dataFormat?.read(bytes, fromIdentity: identity, sid: sid)
    else { return }
    let isReliable = label == DataChannels.reliable.label
    guard !isReliable || isNew(sequence: message.sequence),
      message.destination.count <= SFULimits.dataDestinations
    else { return }
    if isReliable, message.sequence > 0 {
      room.reliableData.add(
        ReliableDataCache.Message(
          publisherSid: sid, sequence: message.sequence, destination: message.destination,
          bytes: message.bytes, at: now))
    }
    if isReliable, sfu.configuration.mutant == .dataForgotten, message.sequence % 10 == 0 { return }
    if isReliable, sfu.configuration.mutant == .dataSwapped {
      return swap(message, at: now, into: &outbox)
    }
    room.send(
      message.bytes, on: label, to: message.destination, besides: self, at: now, into: &outbox)
  }

  /// A mutant's way: two by two the wrong way round, without the numbers that would tell.
  private func swap(_ message: DataMessage, at now: Instant, into outbox: inout Outbox) {
    guard let before = swappedData else {
      swappedData = message
      return
    }
    swappedData = nil
    for message in [message, before] {
      room.send(
        unnumbered(message.bytes), on: DataChannels.reliable.label, to: DataDestination(),
        besides: self,
        at: now, into: &outbox)
    }
  }

  /// For mutants.
  func unnumbered(_ bytes: [UInt8]) -> [UInt8] {
    sfu.configuration.dataFormat?.unnumbered(bytes) ?? bytes
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
    guard sfu.configuration.mutant == .crossesRooms else { return }
    for other in sfu.rooms.filter({ $0 !== self }).flatMap(\.participants) {
      other.deliver(packet, on: label, at: now, into: &outbox)
    }
  }
}

extension MediaDescription {
  /// Data channels at the port that we use.
  var acceptsData: Bool {
    isDataChannels && !isRejected && (sctpPort ?? 5_000) == TransportLimits.sctpPort
  }

  init(dataChannels mid: String?) {
    self.init(
      dataChannels: mid, port: TransportLimits.sctpPort,
      maxMessageSize: UInt64(TransportLimits.dataMessageSize))
  }
}
