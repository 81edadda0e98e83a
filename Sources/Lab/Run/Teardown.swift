// After a run everybody leaves, and the SFU and the network must be as empty as before it.

import Basics
import Bots
import Results
import NetSim
import RefSFU

struct Teardown {
  private let world: World

  /// Until a participant who vanished without a word is out (20 s), and TCP has given up.
  private static let patience = Duration.seconds(40)

  init(_ world: World) { self.world = world }

  /// Empties the world, and counts what is left.
  func judged() -> Assertion {
    for seat in world.seats {
      world.simulator.setSuspended(of: seat.host, false)
      world.command(seat.member.identity) { bot, now, outbox in bot.leave(at: now, into: &outbox) }
    }
    world.simulator.run(until: world.simulator.now + Teardown.patience)
    return verdict
  }

  /// Whether the world is empty as it is.
  var verdict: Assertion {
    let left = remains.filter { $0.count != 0 }
    return .ofWorld(
      "rule/nothing-left", left.isEmpty ? .pass : .fail,
      observed: Double(left.reduce(0) { $0 + abs($1.count) }), limit: 0, unit: "1", samples: 1,
      reason: left.isEmpty
        ? "Holds: once everybody has left, the SFU holds nothing (Assay teardown)."
        : "Left behind: " + left.map { "\($0.count) \($0.name)" }.joined(separator: ", ") + ".")
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

extension Assertion {
  /// A rule about the world as a whole, not about each who is in it.
  static func ofWorld(
    _ id: String, _ verdict: Verdict, stat: String = "", observed: Double?, limit: Double,
    unit: String, samples: Int, reason: String
  ) -> Assertion {
    var result = Assertion(
      id: id, verdict: verdict, of: "all", metric: "", stat: stat, comparison: .atMost,
      observed: observed, limit: limit, unit: unit)
    result.origin = .rule
    result.samples = samples
    result.reason = reason
    return result
  }
}
