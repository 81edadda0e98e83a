// What the SFU says it received and sent, against what the bots sent and received (criterion 002:32).

import Basics
import Bots
import NetSim
import RefSFU
import Testing

@testable import Lab
@testable import Scenario

@Suite struct StatisticsTests {
  private static let scenario = """
    assay: 1
    name: statistics
    seed: 3
    duration: 12s
    links:
      home: { rate: 20Mbps, delay: 10ms }
      lossy: { rate: 20Mbps, delay: 10ms, loss: 3% }
    participants:
      ada: { link: home, publish: [camera, microphone] }
      bob: { link: lossy, publish: [camera, microphone] }
    expect:
      - { id: in, of: all, metric: assay.joined, stat: last, equals: 1 }
    """

  @Test func bothEndsCountTheSame() throws {
    let variant = try ScenarioFile.parse(Array(StatisticsTests.scenario.utf8), file: "inline")[0]
    let world = try World(variant.scenario, seed: 3)
    var director = Director(world: world)
    for step in Timeline(variant.scenario).steps { try director.perform(step) }
    world.simulator.run(until: .seconds(12))
    let statistics = try #require(world.sfu).statistics
    #expect(statistics.map(\.identity) == ["ada", "bob"])
    for (own, seat) in zip(statistics, world.seats) {
      let sent = seat.bot.outbound.reduce(0) { $0 + $1.packetsSent }
      let arrived = own.inbound.reduce(0) { $0 + $1.packetsReceived + max(0, $1.packetsLost) }
      // What is still on its way, and what was lost behind the last packet that came.
      #expect(abs(sent - arrived) <= 20, "\(own.identity): \(sent) sent, \(arrived) accounted for")
      let received = seat.bot.inbound.reduce(0) { $0 + $1.packetsReceived + max(0, $1.packetsLost) }
      let forwarded = own.outbound.reduce(0) { $0 + $1.packetsSent }
      #expect(abs(forwarded - received) <= 20, "\(own.identity): \(forwarded) sent to it")
      let roundTrip = try #require(own.outbound.compactMap(\.roundTripTime).first)
      #expect(abs(roundTrip - 0.02) < 0.005)
    }
    let lossy = statistics[1]
    let lost = lossy.inbound.reduce(0) { $0 + $1.packetsLost }
    let share = Double(lost) / Double(lossy.inbound.reduce(0) { $0 + $1.packetsReceived } + lost)
    #expect(share > 0.02 && share < 0.04, "the link loses 3 %")
    #expect(lossy.outbound.reduce(0) { $0 + $1.retransmittedPacketsSent } > 0)
  }
}
