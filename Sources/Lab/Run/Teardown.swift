// After a run everybody leaves, and the SFU and the network must be as empty as before it.

import Basics
import Bots
import NetSim
import RefSFU
import Results

struct Teardown {
  private let world: World

  /// Until a participant who vanished without a word is out (20 s), and TCP has given up.
  private static let patience = Duration.seconds(40)

  init(_ world: World) { self.world = world }

  /// Empties the world, and counts what is left.
  func leftovers() -> [PacketDifference] {
    for seat in world.seats {
      world.simulator.setSuspended(of: seat.host, false)
      world.command(seat.member.identity) { bot, now, outbox in bot.leave(at: now, into: &outbox) }
    }
    world.simulator.run(until: world.simulator.now + Teardown.patience)
    return remains.filter { $0.count != 0 }.map { PacketDifference($0.name, $0.count) }
  }

  var remains: [(name: String, count: Int)] {
    var entries = world.sfu?.census.entries ?? []
    // Streams whose other end has gone send again for minutes (RFC 9293 §3.8.1), so these may be.
    let seats = world.seats.reduce(0) { $0 + $1.bot.packetsHeld }
    let flows = world.flows.reduce(0) { held, flow in
      if case .media(let sender, _) = flow.ends { held + sender.packetsHeld } else { held }
    }
    let held = world.simulator.packetsOnLinks + seats + flows
    entries.append(("packet slots", world.simulator.pool.inUse - held))
    let simulator = world.simulator
    let streams = world.seats.reduce(simulator.openStreams(of: world.sfuHost)) {
      $0 + simulator.openStreams(of: $1.host)
    }
    entries.append(("open streams", streams))
    // A bot's clock ticks on.
    let timers = world.seats.reduce(simulator.pendingTimers(of: world.sfuHost)) {
      $0 + simulator.pendingTimers(of: $1.host) - ($1.bot.nextTimeout == nil ? 0 : 1)
    }
    entries.append(("pending timers", timers))
    return entries
  }
}
