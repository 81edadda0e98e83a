// Carries faults out on a world, and takes them back; where two overlap, the last one to end heals.

import Basics
import Bots
import NetSim
import RefSFU
import Scenario

struct FaultState {
  /// How many faults of a kind hold for somebody, by `kind/identity`.
  private var holds: [String: Int] = [:]
  /// Interfaces that a handover leaves when it ends.
  private var leaving: [(identity: String, event: Scenario.Event, interfaces: [String])] = []
  /// The last handover of each, which alone says where a gap ends.
  private var lastHandover: [String: Scenario.Event] = [:]
  /// SFUs that are being drained.
  private var draining: [HostID] = []

  // MARK: - Beginning

  /// A served SFU is not ours to strike.
  mutating func begin(_ event: Scenario.Event, in world: World) throws {
    if event.action.strikesEverybody, world.sfu == nil { return }
    let seats = (event.target.identities ?? []).compactMap(world.seat)
    switch event.action {
    case .blackout(let blackout):
      try world.add(LinkFault(blackout)) { event.target.covers($0, blackout.direction) }
    case .pause:
      try world.add(.pause, where: event.target.covers)
      for name in event.target.flows { world.setFlowPaused(name, true) }
    case .loseSignalling:
      for seat in seats where hold("signalling", seat) {
        world.simulator.setStreamsCut(of: seat.host, true)
      }
    case .slowSignalling(let delay):
      for seat in seats where hold("slow", seat) {
        world.simulator.setStreamDelay(of: seat.host, delay)
      }
    case .suspend:
      for seat in seats where hold("sleep", seat) {
        world.simulator.setSuspended(of: seat.host, true)
      }
    case .handover(let handover):
      for seat in seats { try begin(handover, event, of: seat, in: world) }
    case .rebindNAT:
      for seat in seats { seat.nat.map { world.simulator.rebind($0) } }
    case .crash:
      if hold("crash") { world.simulator.detach(world.sfuHost) }
    case .overload(let cost):
      if hold("overload") { world.simulator.setProcessing(of: world.sfuHost, cost: cost) }
    case .drain(let span): beginDrain(over: span, in: world)
    default: break
    }
  }

  private mutating func begin(
    _ handover: Scenario.Event.Handover, _ event: Scenario.Event, of seat: World.Seat,
    in world: World
  ) throws {
    let identity = seat.member.identity
    let old = world.interfaces(of: identity)
    lastHandover[identity] = event
    if handover.gap > .zero {
      world.removeNetworks(old, of: identity)
      return
    }
    try world.addNetwork(handover.to, for: identity)
    if handover.overlap > .zero {
      leaving.append((identity, event, old))
    } else {
      world.removeNetworks(old, of: identity)
    }
  }

  private mutating func beginDrain(over span: Duration, in world: World) {
    let old = world.sfuHost
    guard !draining.contains(old) else { return }
    if world.simulator.node(on: old) == nil {
      // Nothing is left to drain, but clients turn to the new one all the same.
      world.burySFU()
    } else {
      draining.append(old)
    }
    world.startSuccessor()
    for seat in world.seats {
      seat.bot.setSignalAddress(
        Address(world.sfuAddress, port: seat.bot.configuration.signalAddress.port))
    }
    guard draining.last == old else { return }
    _ = world.simulator.withNode(on: old) { node, now, outbox in
      (node as? SFU)?.drain(over: span, at: now, into: &outbox)
    }
  }

  // MARK: - Healing

  mutating func end(_ event: Scenario.Event, in world: World) throws {
    if event.action.strikesEverybody, world.sfu == nil { return }
    let seats = (event.target.identities ?? []).compactMap(world.seat)
    switch event.action {
    case .blackout(let blackout):
      try world.remove(LinkFault(blackout)) { event.target.covers($0, blackout.direction) }
    case .pause:
      try world.remove(.pause, where: event.target.covers)
      for name in event.target.flows { world.setFlowPaused(name, false) }
    case .loseSignalling:
      for seat in seats where release("signalling", seat) {
        world.simulator.setStreamsCut(of: seat.host, false)
      }
    case .slowSignalling:
      for seat in seats where release("slow", seat) {
        world.simulator.setStreamDelay(of: seat.host, .zero)
      }
    case .suspend:
      for seat in seats where release("sleep", seat) {
        world.simulator.setSuspended(of: seat.host, false)
      }
    case .handover(let handover):
      for seat in seats {
        try end(handover, event, of: seat.member.identity, in: world)
      }
    case .crash(let keepsState):
      if release("crash") { restart(keepingState: keepsState, in: world) }
    case .overload:
      if release("overload") { world.simulator.setProcessing(of: world.sfuHost, cost: .zero) }
    case .drain:
      if !draining.isEmpty { world.retireSFU(on: draining.removeFirst()) }
    default: break
    }
  }

  private mutating func end(
    _ handover: Scenario.Event.Handover, _ event: Scenario.Event, of identity: String,
    in world: World
  ) throws {
    if handover.gap > .zero, lastHandover[identity] == event {
      let old = world.interfaces(of: identity)
      try world.addNetwork(handover.to, for: identity)
      world.removeNetworks(old, of: identity)
    }
    for left in leaving where left.identity == identity && left.event == event {
      world.removeNetworks(left.interfaces, of: identity)
    }
    leaving.removeAll { $0.identity == identity && $0.event == event }
  }

  private func restart(keepingState: Bool, in world: World) {
    guard world.simulator.node(on: world.sfuHost) == nil else { return }
    guard keepingState, let sfu = world.sfu else {
      world.burySFU()
      return world.startSFUAnew()
    }
    sfu.streamsLost(at: world.simulator.now)
    world.simulator.attach(sfu, to: world.sfuHost)
  }

  // MARK: - Overlaps

  /// Whether this is the first such fault.
  private mutating func hold(_ kind: String, _ seat: World.Seat? = nil) -> Bool {
    holds["\(kind)/\(seat?.member.identity ?? "")", default: 0] += 1
    return holds["\(kind)/\(seat?.member.identity ?? "")"] == 1
  }

  /// Whether this was the last such fault.
  private mutating func release(_ kind: String, _ seat: World.Seat? = nil) -> Bool {
    holds["\(kind)/\(seat?.member.identity ?? "")", default: 1] -= 1
    return holds["\(kind)/\(seat?.member.identity ?? "")"] == 0
  }
}

extension Scenario.Event.Target {
  func covers(_ instance: World.Instance, _ direction: Scenario.Event.Direction?) -> Bool {
    covers(instance) && (direction == nil || instance.direction == direction)
  }
}
