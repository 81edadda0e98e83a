// Sends the bursts of a probe at their moments (libwebrtc modules/pacing/bitrate_prober.cc,
// revision 3710345).

import Basics

public struct BitrateProber: Sendable {
  private struct Cluster {
    var wanted: ProbeCluster
    var started: Instant?
    var bytes: Int64 = 0
    var bursts = 0
  }

  private static let clusterTimeout = Duration.seconds(5)
  /// Packets smaller than this start no probe.
  private static let smallestTrigger = DataSize.bytes(200)
  private static let longestDelay = Duration.milliseconds(10)
  private static let mostClusters = 5
  private static let longestHold = Duration.milliseconds(25)

  /// Whether bursts are being sent.
  public private(set) var isActive = false
  private var clusters: [Cluster] = []
  /// Nil for at once.
  private var nextBurst: Instant?

  public init() {}

  public mutating func add(_ cluster: ProbeCluster) {
    clusters.removeAll {
      cluster.requestedAt - $0.wanted.requestedAt > BitrateProber.clusterTimeout
    }
    if clusters.count >= BitrateProber.mostClusters { clusters.removeFirst() }
    clusters.append(Cluster(wanted: cluster))
    if clusters.count == 1 { isActive = false }
  }

  /// A packet is about to be sent: a probe that waits for one begins.
  public mutating func packetComes(_ size: DataSize) {
    guard !isActive, !clusters.isEmpty,
      size >= min(burstSize, BitrateProber.smallestTrigger)
    else { return }
    nextBurst = nil
    isActive = true
  }

  /// Whether a cluster is waiting for a packet to begin with.
  public var isWaiting: Bool { !isActive && !clusters.isEmpty }

  /// When the next burst is due; nil when none is.
  public func nextTime(at now: Instant) -> Instant? { isActive ? nextBurst ?? now : nil }

  /// The mark of the packets to be sent now. A probe that is too late is given up.
  public mutating func mark(at now: Instant) -> ProbeMark? {
    guard isActive, !clusters.isEmpty else { return nil }
    if let nextBurst, now - nextBurst > BitrateProber.longestDelay {
      clusters.removeFirst()
      self.nextBurst = nil
      if clusters.isEmpty {
        isActive = false
        return nil
      }
    }
    return clusters[0].wanted.mark
  }

  /// Whether media waits for the next burst of the probe under way: not for one that is slower than
  /// media should be.
  public func holdsMedia(at now: Instant) -> Bool {
    guard isActive, let nextBurst else { return false }
    return nextBurst - now <= BitrateProber.longestHold
  }

  /// Bytes that the current cluster has sent.
  public var sentBytes: Int64 { clusters.first?.bytes ?? 0 }

  /// Bytes of one burst.
  public var burstSize: DataSize {
    guard let wanted = clusters.first?.wanted else { return .zero }
    return wanted.rate * wanted.minimumDelta
  }

  public mutating func burstSent(_ size: DataSize, at now: Instant) {
    guard !clusters.isEmpty else { return }
    if clusters[0].bursts == 0 { clusters[0].started = now }
    clusters[0].bytes += size.bytes
    clusters[0].bursts += 1
    let cluster = clusters[0]
    nextBurst =
      (cluster.started ?? now) + DataSize(bytes: cluster.bytes) / cluster.wanted.rate
    if cluster.bytes >= cluster.wanted.mark.minimumSize.bytes,
      cluster.bursts >= cluster.wanted.minimumPackets
    {
      clusters.removeFirst()
    }
    if clusters.isEmpty {
      isActive = false
      nextBurst = nil
    }
  }
}
