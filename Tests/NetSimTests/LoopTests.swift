// The event loop: attachment, routing, delays, accounting.
import Basics
import Testing

@testable import NetSim

@Suite struct LoopTests {
  @Test func aPacketTakesTransmissionAndPropagationTime() {
    let pair = Pair(there: LinkConfiguration(rate: .kbps(1_000), delay: .milliseconds(30)))
    // 97 + 28 bytes at 1 Mbit/s: 1 ms.
    pair.send(1, size: 97, every: .milliseconds(1))
    #expect(pair.b.arrivals.map(\.time) == [.milliseconds(31)])
    #expect(pair.b.arrivals.first?.path == pair.path.reversed)
    #expect(pair.a.interfaces.map(\.name) == ["eth0"])
    #expect(pair.statistics.deliveredBytes == 125)
    #expect(pair.simulator.pool.inUse == 0)
  }

  @Test func anUnknownDestinationIsCounted() {
    let pair = Pair()
    let nowhere = Path(
      local: pair.path.local, remote: Address(IPAddress(v4: 10, 9, 9, 9), port: 1))
    let stolen = Path(local: nowhere.remote, remote: pair.path.remote)
    pair.a.departures = [nowhere, stolen].map {
      Probe.Departure(time: .zero, path: $0, bytes: [1])
    }
    pair.attach()
    pair.simulator.run(until: .milliseconds(1))
    #expect(pair.simulator.dropped[.noSuchDestination] == 1)
    #expect(pair.simulator.dropped[.noSuchSource] == 1)
    #expect(pair.simulator.packetsSent == 2)
    #expect(pair.simulator.pool.inUse == 0)
  }

  @Test func theSamePathSharesItsQueue() {
    let pair = Pair(there: LinkConfiguration(rate: .kbps(1_000)))
    pair.send(3, size: 97, every: .zero)
    let expected: [Instant] = [.milliseconds(1), .milliseconds(2), .milliseconds(3)]
    #expect(pair.b.arrivals.map(\.time) == expected)
  }
}
