// Two ICE agents with interfaces of their own, joined by a network of 10 ms that can be cut.

import Basics
import Testing
import Wire

@testable import Transport

/// An agent with what it sent, which `ICEPair` carries.
struct ICEEnd {
  var agent: ICEAgent
  var addresses: [(address: Address, networkCost: UInt16)]

  func description(priority: UInt32 = 2_130_706_431) -> [RemoteCandidate] {
    addresses.enumerated().map {
      RemoteCandidate(address: $1.address, priority: priority - UInt32($0) * 256)
    }
  }
}

final class ICEPair {
  struct InFlight {
    var arrival: Instant
    var path: Path
    var bytes: [UInt8]
  }

  var a: ICEEnd
  var b: ICEEnd
  let pool = PacketPool()
  var now = Instant.zero
  /// Addresses that nothing reaches or leaves.
  var cut: [Address] = []
  /// Rewrites what is sent, or loses it.
  var tamper: (Path, [UInt8]) -> [UInt8]? = { $1 }
  /// Moments and paths of all that was sent, as the sender saw it.
  var sent: [(at: Instant, path: Path, message: STUNMessage)] = []
  private var flying: [InFlight] = []

  init(
    _ a: ICERole, _ b: ICERole, aAddresses: [(Address, UInt16)] = [(ICEPair.host(1), 0)],
    bAddresses: [(Address, UInt16)] = [(ICEPair.host(2), 0)], seed: UInt64 = 1
  ) {
    let random = RandomStream(seed: seed, name: "agents")
    self.a = ICEEnd(
      agent: ICEAgent(role: a, random: random.child("a")),
      addresses: aAddresses.map { (address: $0, networkCost: $1) })
    self.b = ICEEnd(
      agent: ICEAgent(role: b, random: random.child("b")),
      addresses: bAddresses.map { (address: $0, networkCost: $1) })
    self.a.agent.setLocalAddresses(self.a.addresses, at: now)
    self.b.agent.setLocalAddresses(self.b.addresses, at: now)
  }

  static func host(_ last: UInt8) -> Address {
    Address(IPAddress(v4: 10, 0, 0, last), port: 5_000)
  }

  func exchange() {
    let (forA, forB) = (b.description(), a.description())
    a.agent.setRemote(credentials: b.agent.localCredentials, candidates: forA, at: now)
    b.agent.setRemote(credentials: a.agent.localCredentials, candidates: forB, at: now)
  }

  func run(for span: Duration) {
    let end = now + span
    while true {
      var next = earlier(a.agent.nextTimeout, b.agent.nextTimeout)
      next = earlier(next, flying.first?.arrival)
      guard let next, next <= end else { break }
      now = max(now, next)
      var outbox = Outbox(pool: pool)
      while let first = flying.first, first.arrival <= now {
        flying.removeFirst()
        deliver(first, &outbox)
        send(&outbox)
      }
      a.agent.handleTimeout(at: now, into: &outbox)
      b.agent.handleTimeout(at: now, into: &outbox)
      send(&outbox)
    }
    now = end
  }

  /// Hands `bytes` to the end that has the address `path.local` and returns its answers.
  func deliver(_ bytes: [UInt8], on path: Path) -> [STUNMessage] {
    var outbox = Outbox(pool: pool)
    deliver(InFlight(arrival: now, path: path.reversed, bytes: bytes), &outbox)
    var answers: [STUNMessage] = []
    while let out = outbox.packets.popFirst() {
      if let message = try? STUNMessage(out.packet.bytes) { answers.append(message) }
    }
    return answers
  }

  private func deliver(_ packet: InFlight, _ outbox: inout Outbox) {
    let path = packet.path.reversed
    if a.addresses.contains(where: { $0.address == path.local }) {
      a.agent.receive(packet.bytes.span.bytes, on: path, at: now, into: &outbox)
    } else if b.addresses.contains(where: { $0.address == path.local }) {
      b.agent.receive(packet.bytes.span.bytes, on: path, at: now, into: &outbox)
    }
  }

  private func send(_ outbox: inout Outbox) {
    while let out = outbox.packets.popFirst() {
      if let message = try? STUNMessage(out.packet.bytes) {
        sent.append((now, out.path, message))
      }
      if cut.contains(out.path.local) || cut.contains(out.path.remote) { continue }
      guard let bytes = tamper(out.path, out.packet.bytes.array) else { continue }
      flying.append(InFlight(arrival: now + .milliseconds(10), path: out.path, bytes: bytes))
    }
  }
}
