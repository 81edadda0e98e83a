// The way out of a simulated network: what its hosts send to the outside waits here to be carried on.

import Basics

/// Stands on the simulator's gateway host. It decides nothing; whoever owns it empties it.
final class Gateway: Node {
  /// As the outside is to send them on: `local` is the address outside, `remote` the host inside.
  var packets = RingBuffer<OutgoingPacket>(minimumCapacity: 64)
  var streams = RingBuffer<StreamEvent>()

  var nextTimeout: Instant? { nil }

  func receive(
    _ packet: consuming Packet, on path: Path, at now: Instant, into outbox: inout Outbox
  ) {
    packets.append(OutgoingPacket(path: path, packet: packet))
  }

  func receive(_ event: StreamEvent, at now: Instant, into outbox: inout Outbox) {
    streams.append(event)
  }

  func interfacesChanged(
    _ interfaces: [Interface], at now: Instant, into outbox: inout Outbox
  ) {}

  func handleTimeout(at now: Instant, into outbox: inout Outbox) {}
}
