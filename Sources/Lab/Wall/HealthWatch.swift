// Reads once a second what the harness, the SFU and the machine ran and waited.

import Basics
import Foundation
import Results

/// A node of the event loop that only looks.
final class HealthWatch: Node {
  private static let interval = Duration.seconds(1)
  /// The kernel adds pressure up every two seconds or later, and a reading a second late may find it.
  private static let longestPressureStep = 3.0

  private let start: Instant
  private let machineBefore = MachineTime()
  private let spentBefore = HealthWatch.processorSeconds
  private var own: ProcessTimes?
  private var sfu: [ProcessTimes]
  private var waited: ShareOverTime
  private var sfuWaited: ShareOverTime
  private var stolen = HarnessHealth.Share()
  private var machineLast: MachineTime
  private var lastLook: Instant
  private let pressureBefore: Int64?
  private var pressureLast: Int64
  private var pressureLastAt: Instant
  private var pressureWorst = 0.0

  /// - Parameter processes: the SFU's on this machine.
  init(sfu processes: [Int], at now: Instant) {
    start = now
    lastLook = now
    pressureLastAt = now
    own = ProcessTimes(of: Int(getpid()))
    sfu = processes.compactMap(ProcessTimes.init)
    waited = ShareOverTime(at: now)
    sfuWaited = ShareOverTime(at: now)
    machineLast = machineBefore
    pressureBefore = CPUPressure.total
    pressureLast = pressureBefore ?? 0
  }

  private func look(at now: Instant) {
    own?.look()
    for index in sfu.indices { sfu[index].look() }
    waited.add(own?.waited ?? 0, at: now)
    sfuWaited.add(sfu.reduce(0) { $0 + $1.waited }, at: now)
    if let pressure = CPUPressure.total, pressure > pressureLast {
      let step = min((now - pressureLastAt).seconds, HealthWatch.longestPressureStep)
      if step >= 1 {
        pressureWorst = max(pressureWorst, min(1, Double(pressure - pressureLast) / 1e6 / step))
      }
      pressureLast = pressure
      pressureLastAt = now
    }
    let machine = MachineTime()
    if now - lastLook >= HealthWatch.interval {
      stolen.worst = max(stolen.worst, machine.stolenShare(since: machineLast))
    }
    stolen.mean = machine.stolenShare(since: machineBefore)
    machineLast = machine
    lastLook = now
  }

  /// Fills in what was read until now.
  func fill(_ health: inout HarnessHealth, at now: Instant) {
    look(at: now)
    let elapsed = max((now - start).seconds, 0.001)
    health.cores = Int64(max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    health.machineShare = machineLast.busyShare(since: machineBefore)
    health.steal = stolen
    health.processorShare = (HealthWatch.processorSeconds - spentBefore) / elapsed
    if own != nil { health.waited = waited.share(at: now) }
    if let pressureBefore {
      let mean = min(1, Double(pressureLast - pressureBefore) / 1e6 / elapsed)
      health.pressure = .init(mean: mean, worst: max(mean, pressureWorst))
    }
    if !sfu.isEmpty {
      var local = HarnessHealth.LocalSFU(processes: sfu.map { Int64($0.process) })
      local.waited = sfuWaited.share(at: now)
      local.processorShare = Double(sfu.reduce(0) { $0 + $1.ran }) / 1e9 / elapsed
      health.sfu = local
    }
  }

  /// User and system time of this process so far.
  private static var processorSeconds: Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    let seconds = { (time: timeval) in Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
    return seconds(usage.ru_utime) + seconds(usage.ru_stime)
  }

  // MARK: - Node

  var nextTimeout: Instant? { lastLook + HealthWatch.interval }

  func handleTimeout(at now: Instant, into outbox: inout Outbox) { look(at: now) }

  func receive(
    _ packet: consuming Packet, on path: Path, at now: Instant, into outbox: inout Outbox
  ) {}
  func receive(_ event: StreamEvent, at now: Instant, into outbox: inout Outbox) {}
  func interfacesChanged(
    _ interfaces: [Interface], at now: Instant, into outbox: inout Outbox
  ) {}
}

/// A counter of nanoseconds as a share of time.
struct ShareOverTime {
  /// Below this a share is that of a few moments.
  private static let shortestStep = Duration.milliseconds(500)
  private let start: Instant
  private var last: Instant
  private var lastTotal: Int64 = 0
  private var total: Int64 = 0
  private var worst = 0.0

  init(at now: Instant) {
    start = now
    last = now
  }

  /// - Parameter total: of the counter, zero at the start.
  mutating func add(_ total: Int64, at now: Instant) {
    self.total = total
    let step = now - last
    guard step >= ShareOverTime.shortestStep else { return }
    worst = max(worst, min(1, Double(total - lastTotal) / Double(step.nanoseconds)))
    last = now
    lastTotal = total
  }

  func share(at now: Instant) -> HarnessHealth.Share {
    let elapsed = max((now - start).nanoseconds, 1)
    let mean = min(1, Double(total) / Double(elapsed))
    return .init(mean: mean, worst: max(mean, worst))
  }
}
