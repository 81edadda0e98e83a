// WebRTC data channels over one SCTP association (RFC 8831, RFC 8832).

import Basics
import Wire

/// What happens on the data channels of a transport. Channels are known by their label.
public enum DataChannelEvent: Sendable, Equatable {
  /// The peer knows the channel, or has opened it.
  case opened(label: String)
  case message(label: String, [UInt8], isText: Bool)
  /// The peer has closed the channel, or the association is over.
  case closed(label: String)
}

/// The data channels of one transport: feed it what DTLS carried, take packets and events from it.
final class DataTransport {
  private struct Channel {
    var stream: UInt16
    var parameters: DataChannelParameters
    /// Until the peer acknowledged, everything goes in order, behind the message that opens the
    /// channel (RFC 8832 §6).
    var isAcknowledged: Bool
  }

  /// RFC 8831 §8.
  private enum ProtocolID {
    static let control: UInt32 = 50
    static let text: UInt32 = 51
    static let binary: UInt32 = 53
    static let emptyText: UInt32 = 56
    static let emptyBinary: UInt32 = 57
  }

  private(set) var events: [DataChannelEvent] = []
  private let association: SCTPAssociation
  private var channels: [Channel] = []
  private var nextStream: UInt16

  /// - Parameter role: the DTLS client opens channels on even streams, the server on odd ones.
  init(role: DTLSRole, random: RandomStream, at now: Instant) {
    association = SCTPAssociation(random: random, at: now)
    nextStream = role == .client ? 0 : 1
  }

  var nextTimeout: Instant { association.nextTimeout }
  var bufferedBytes: Int { association.bufferedBytes }

  func open(_ parameters: DataChannelParameters, at now: Instant) {
    guard nextStream < TransportLimits.sctpStreams else { return }
    channels.append(Channel(stream: nextStream, parameters: parameters, isAcknowledged: false))
    send(.open(parameters), on: nextStream, at: now)
    nextStream += 2
  }

  /// False where there is no such channel, or the message is larger than any peer takes.
  func send(_ bytes: [UInt8], isText: Bool, on label: String, at now: Instant) -> Bool {
    guard bytes.count <= TransportLimits.dataMessageSize,
      let channel = channels.first(where: { $0.parameters.label == label })
    else { return false }
    let protocolID =
      switch (isText, bytes.isEmpty) {
      case (true, false): ProtocolID.text
      case (false, false): ProtocolID.binary
      case (true, true): ProtocolID.emptyText
      case (false, true): ProtocolID.emptyBinary
      }
    association.send(
      SCTPMessage(
        stream: channel.stream, protocolID: protocolID,
        isOrdered: channel.parameters.isOrdered || !channel.isAcknowledged,
        reliability: channel.parameters.reliability,
        // SCTP has no empty messages: one byte stands for none (RFC 8831 §6.6).
        bytes: bytes.isEmpty ? [0] : bytes), at: now)
    return true
  }

  /// Closes our direction; the peer's reset of its own ends the channel (RFC 8831 §6.7).
  func close(_ label: String, at now: Instant) {
    guard let channel = channels.first(where: { $0.parameters.label == label }) else { return }
    association.reset(channel.stream, at: now)
  }

  func receive(_ packet: [UInt8], at now: Instant) {
    association.receive(packet, at: now)
    handleEvents(at: now)
  }

  func handleTimeout(at now: Instant) {
    association.handleTimeout(at: now)
    handleEvents(at: now)
  }

  /// Hands every packet that waits to be sent to `send`, oldest first.
  func drain(_ send: ([UInt8]) -> Void) {
    guard !association.outgoing.isEmpty else { return }
    let packets = association.outgoing
    association.outgoing.removeAll(keepingCapacity: true)
    for packet in packets { send(packet) }
  }

  func takeEvents() -> [DataChannelEvent] {
    defer { events = [] }
    return events
  }

  private func send(_ message: DCEPMessage, on stream: UInt16, at now: Instant) {
    association.send(
      SCTPMessage(stream: stream, protocolID: ProtocolID.control, bytes: message.encoded), at: now)
  }

  // MARK: - Events of the association

  private func handleEvents(at now: Instant) {
    let arrived = association.events
    association.events = []
    for event in arrived {
      switch event {
      case .connected: break
      case .message(let stream, ProtocolID.control, let bytes):
        guard let message = try? DCEPMessage(bytes.span.bytes) else { continue }
        receive(message, on: stream, at: now)
      case .message(let stream, let protocolID, let bytes):
        receive(bytes, protocolID, on: stream)
      case .reset(let streams):
        for stream in streams { end(stream, at: now) }
      case .closed:
        for channel in channels { events.append(.closed(label: channel.parameters.label)) }
        channels = []
      }
    }
  }

  private func receive(_ message: DCEPMessage, on stream: UInt16, at now: Instant) {
    let known = channels.firstIndex { $0.stream == stream }
    switch message {
    case .open(let parameters):
      guard known == nil else { return }
      channels.append(Channel(stream: stream, parameters: parameters, isAcknowledged: true))
      send(.ack, on: stream, at: now)
      events.append(.opened(label: parameters.label))
    case .ack:
      guard let known, !channels[known].isAcknowledged else { return }
      channels[known].isAcknowledged = true
      events.append(.opened(label: channels[known].parameters.label))
    }
  }

  private func receive(_ bytes: [UInt8], _ protocolID: UInt32, on stream: UInt16) {
    guard let channel = channels.first(where: { $0.stream == stream }) else { return }
    let label = channel.parameters.label
    switch protocolID {
    case ProtocolID.text: events.append(.message(label: label, bytes, isText: true))
    case ProtocolID.binary: events.append(.message(label: label, bytes, isText: false))
    case ProtocolID.emptyText: events.append(.message(label: label, [], isText: true))
    case ProtocolID.emptyBinary: events.append(.message(label: label, [], isText: false))
    default: break
    }
  }

  private func end(_ stream: UInt16, at now: Instant) {
    guard let index = channels.firstIndex(where: { $0.stream == stream }) else { return }
    let channel = channels.remove(at: index)
    association.reset(stream, at: now)
    events.append(.closed(label: channel.parameters.label))
  }
}
