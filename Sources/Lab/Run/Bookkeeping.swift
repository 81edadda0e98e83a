// In is out and what was dropped, by reason: of the links, of the SFU and of every client, each sum held
// against what somebody else counted. And what the SFU holds never exceeds its bounds.

import Basics
import Bots
import NetSim
import RefSFU
import Results

/// The sums of one SFU.
struct SFUAccount {
  var datagrams: Int
  var rtpSent: Int
  var imbalances: [(name: String, packets: Int)]

  init(_ sfu: SFU) {
    let ledger = sfu.ledger
    datagrams = sfu.datagrams
    rtpSent = ledger.departures.sent
    imbalances = sfu.imbalances(of: ledger)
  }
}

struct Bookkeeping {
  let world: World
  /// RTP packets out of the SFU to its participants, and datagrams that left the last link to it.
  let rtpSeen: Int
  let datagramsSeen: Int

  /// The sums that do not agree, of links, bots and the SFU.
  var differences: [PacketDifference] {
    gaps.filter { $0.packets != 0 }.map { PacketDifference($0.name, $0.packets) }
  }

  private var gaps: [(name: String, packets: Int)] {
    [("packets on links", world.simulator.packetsUnaccounted)] + gapsOfSFU + gapsOfBots
  }

  private var gapsOfBots: [(name: String, packets: Int)] {
    world.seats.flatMap { seat -> [(name: String, packets: Int)] in
      let (all, unaccounted) = seat.bot.datagramsReceived
      let handed = world.simulator.datagrams(of: seat.host).handedOver
      return [
        ("datagrams to \(seat.member.identity)", handed - all),
        ("datagrams at \(seat.member.identity)", unaccounted),
      ]
    }
  }

  private var gapsOfSFU: [(name: String, packets: Int)] {
    guard world.realTime == nil else { return [] }
    let nodes = world.sfuHosts.compactMap { world.simulator.node(on: $0) as? SFU }
    var living = nodes.map(SFUAccount.init)
    // A dead one whose state is kept has no host at present.
    if let sfu = world.sfu, !nodes.contains(where: { $0 === sfu }) {
      living.append(SFUAccount(sfu))
    }
    let accounts = world.buriedAccounts + living
    let hosts = world.sfuHosts.map { world.simulator.datagrams(of: $0) }
    let sum = { (path: KeyPath<HostDatagrams, Int>) in
      hosts.reduce(0) { $0 + $1[keyPath: path] }
    }
    return accounts.flatMap(\.imbalances) + [
      ("datagrams on the SFU's link", datagramsSeen - sum(\.arrived)),
      (
        "datagrams to the SFU",
        sum(\.handedOver) - accounts.reduce(0) { $0 + $1.datagrams }
      ),
      ("packets from the SFU", accounts.reduce(0) { $0 + $1.rtpSent } - rtpSeen),
    ]
  }
}

/// Looks, every second, whether a queue of the SFU holds more than it may.
struct QueueWatch {
  private var fullest: [String: Occupancy] = [:]
  private var order: [String] = []

  mutating func look(at world: World) {
    // Of a dead one nothing moves.
    guard let sfu = world.sfu, world.simulator.node(on: world.sfuHost) === sfu else { return }
    for queue in sfu.occupancy(at: world.simulator.now) {
      if fullest[queue.name] == nil { order.append(queue.name) }
      if queue.held >= fullest[queue.name]?.held ?? 0 { fullest[queue.name] = queue }
    }
  }

  /// In the order in which they were first seen.
  var queues: [ServerRecord.Queue] {
    order.compactMap { fullest[$0] }.map {
      .init(name: $0.name, held: $0.held, limit: $0.limit, unit: $0.unit)
    }
  }
}
