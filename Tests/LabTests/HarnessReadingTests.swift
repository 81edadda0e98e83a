// What the kernel says of processes, sockets and the machine, and how a stall is noticed.

import Basics
import Foundation
import NetIO
import NetSim
import Testing

@testable import Lab

@Suite struct HarnessReadings {
  @Test func schedstat() throws {
    let times = try #require(ProcessTimes.parse(schedstat: "7682306 391 12\n"))
    #expect(times.ran == 7_682_306 && times.waited == 391)
    #expect(ProcessTimes.parse(schedstat: "") == nil)
    #expect(ProcessTimes.parse(schedstat: "a b c") == nil)
    #expect(ProcessTimes(of: Int(Int32.max)) == nil)
  }

  @Test func thisProcessRuns() throws {
    var own = try #require(ProcessTimes(of: Int(getpid())))
    let end = ContinuousClock.now + .milliseconds(30)
    var sum = 0.0
    while ContinuousClock.now < end { sum += 1 }
    #expect(own.look() && sum > 0)
    #expect(own.ran > 0 && own.waited >= 0)
  }

  @Test func pressure() {
    let text = """
      some avg10=90.15 avg60=34.58 avg300=19.16 total=18457796984
      full avg10=0.00 avg60=0.00 avg300=0.00 total=0
      """
    #expect(CPUPressure.parse(text) == 18_457_796_984)
    #expect(CPUPressure.parse("full avg10=0.00 total=3") == nil)
    #expect(CPUPressure.parse("") == nil)
  }

  @Test func machine() {
    let before = MachineTime(parsing: "cpu  100 0 100 700 100 0 0 0 0 0\ncpu0 1 2 3\n")
    let after = MachineTime(parsing: "cpu  150 0 120 710 110 0 0 10 0 0\n")
    #expect((after.busyShare(since: before) - 0.8).magnitude < 1e-9)
    #expect((after.stolenShare(since: before) - 0.1).magnitude < 1e-9)
    #expect(after.busyShare(since: after) == 0)
    #expect(MachineTime(parsing: "intr 3").busyShare(since: before) == 0)
  }

  @Test func socketTables() {
    let table = """
        sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt uid timeout inode
         0: 0100007F:1EC8 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0 0 730730 1 0 1
         1: 0100007F:1EC8 0100007F:9000 01 00000000:00000000 00:00000000 00000000  0 0 730731 1 0 1
         2: 00000000:1EC9 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0 0 1590 1 0 1
      """
    #expect(LocalProcesses.sockets(boundTo: 7_880, state: "0A", in: table) == ["730730"])
    #expect(LocalProcesses.sockets(boundTo: 7_881, state: "0A", in: table) == ["1590"])
    let six = "head\n 0: 00000000000000000000000000000000:1EC8 0:0 0A 0:0 0:0 0 0 0 42 1\n"
    #expect(LocalProcesses.sockets(boundTo: 7_880, state: "0A", in: six) == ["42"])
    #expect(LocalProcesses.sockets(boundTo: 7_880, state: "0A", in: "") == [])
  }

  @Test func whoeverListensIsFound() throws {
    let loop = try EventLoop()
    let tcp = try loop.listen(on: Address(IPAddress(v4: 0x7F00_0001), port: 0))
    #expect(LocalProcesses.listening(on: tcp.port).contains(Int(getpid())))
    let udp = try loop.bind(Address(IPAddress(v4: 0x7F00_0001), port: 0))
    #expect(LocalProcesses.listening(on: udp.port).contains(Int(getpid())))
    #expect(LocalProcesses.isHere(tcp))
    #expect(LocalProcesses.isHere(Address(IPAddress(v4: 0x7F01_0203), port: 1)))
    // 192.0.2.0/24 is of documentation alone (RFC 5737).
    #expect(!LocalProcesses.isHere(Address(IPAddress(v4: 0xC000_0201), port: 1)))
  }

  @Test func aShareHasAWorstSecond() {
    var share = ShareOverTime(at: .zero)
    share.add(10_000_000, at: .milliseconds(1_000))
    share.add(510_000_000, at: .milliseconds(2_000))
    // Too short to be a second of its own.
    share.add(600_000_000, at: .milliseconds(2_100))
    share.add(600_000_000, at: .milliseconds(4_000))
    let found = share.share(at: .milliseconds(4_000))
    #expect((found.mean - 0.15).magnitude < 1e-9 && (found.worst - 0.5).magnitude < 1e-9)
  }

  /// Nothing is due in this simulator.
  @Test func aStallShowsWhileNothingIsDue() {
    var clock = WallClock(
      Simulator(seed: 1), origin: .milliseconds(500), beat: .milliseconds(20))
    #expect(clock.nextTimeout == .milliseconds(520))
    for beat in 1...50 { clock.advance(to: .milliseconds(500 + 20 * beat)) }
    #expect(clock.lag.maximum == 0)
    clock.advance(to: .milliseconds(3_520))
    #expect(clock.lag.maximum == 2_000_000)
    #expect(clock.longestStallAt == .milliseconds(1_020))
    clock.noteStall(at: .milliseconds(3_640))
    clock.advance(to: .milliseconds(3_640))
    #expect(clock.lag.sum(above: 0) > 2_090_000 && clock.lag.sum(above: 0) < 2_110_000)
    #expect(clock.lag.maximum == 2_000_000, "a stall is counted once")
  }

  @Test func withoutABeatNothingIsDue() {
    var clock = WallClock(Simulator(seed: 1), origin: .zero)
    #expect(clock.nextTimeout == nil)
    clock.advance(to: .milliseconds(3_000))
    #expect(clock.lag.isEmpty)
  }
}
