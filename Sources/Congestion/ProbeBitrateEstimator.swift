// What the arrival of a probe's packets says of the path's capacity (libwebrtc
// modules/congestion_controller/goog_cc/probe_bitrate_estimator.cc, revision 3710345).

import Basics

public struct ProbeBitrateEstimator: Sendable {
  private struct Cluster {
    var id: Int
    var packets = 0
    var size = DataSize.zero
    var firstSend: Instant
    var lastSend: Instant
    var firstArrival: Instant
    var lastArrival: Instant
    var lastSentSize: DataSize
    var firstArrivedSize: DataSize
  }

  private static let leastShare = 0.8
  private static let greatestRatio = 2.0
  /// A rate that arrives lower than this share of the one sent has found the capacity.
  private static let saturation = 0.9
  private static let utilization = 0.95
  /// A rate of which less than this share arrives met the capacity beyond any jitter.
  private static let blocked = 0.5
  /// The same for a probe that must pass: beside other traffic the share that arrives is larger
  /// than the one there is.
  private static let passing = 0.95
  private static let longestSpan = Duration.seconds(1)
  private static let memory = Duration.seconds(1)

  private var clusters: [Cluster] = []
  private var result: Bitrate?
  /// Whether the last result is what the path carries, and not only what was sent.
  public private(set) var isSaturated = false
  /// Whether less than half of what was sent arrived in its time.
  public private(set) var isBlocked = false

  public init() {}

  /// Takes a received packet with a mark.
  /// - Returns: the estimate that it completes or refines.
  public mutating func add(_ packet: PacketResult) -> Bitrate? {
    guard let mark = packet.sent.probe, let arrival = packet.arrival else { return nil }
    clusters.removeAll { $0.lastArrival + ProbeBitrateEstimator.memory < arrival }
    let cluster = gather(packet.sent, arrival, in: mark.id)
    let packets = Int(Double(mark.minimumPackets) * ProbeBitrateEstimator.leastShare)
    let bytes = Int64(Double(mark.minimumSize.bytes) * ProbeBitrateEstimator.leastShare)
    guard cluster.packets >= packets, cluster.size.bytes >= bytes else { return nil }
    let sendSpan = cluster.lastSend - cluster.firstSend
    let arrivalSpan = cluster.lastArrival - cluster.firstArrival
    guard sendSpan > .zero, sendSpan <= ProbeBitrateEstimator.longestSpan,
      arrivalSpan > .zero, arrivalSpan <= ProbeBitrateEstimator.longestSpan
    else { return nil }
    let sendRate = (cluster.size - cluster.lastSentSize) / sendSpan
    let arrivalRate = (cluster.size - cluster.firstArrivedSize) / arrivalSpan
    guard arrivalRate / sendRate <= ProbeBitrateEstimator.greatestRatio else { return nil }
    var estimate = min(sendRate, arrivalRate)
    if mark.mustPass, arrivalRate < sendRate * ProbeBitrateEstimator.passing { return nil }
    isSaturated = arrivalRate < sendRate * ProbeBitrateEstimator.saturation
    isBlocked = arrivalRate < sendRate * ProbeBitrateEstimator.blocked
    if isSaturated {
      estimate = arrivalRate * ProbeBitrateEstimator.utilization
    }
    result = estimate
    return estimate
  }

  /// The last estimate since the last call.
  public mutating func take() -> Bitrate? {
    defer { result = nil }
    return result
  }

  private mutating func gather(
    _ sent: SentPacket, _ arrival: Instant, in id: Int
  ) -> Cluster {
    let index: Int
    if let known = clusters.firstIndex(where: { $0.id == id }) {
      index = known
    } else {
      index = clusters.count
      clusters.append(
        Cluster(
          id: id, firstSend: sent.sentAt, lastSend: sent.sentAt, firstArrival: arrival,
          lastArrival: arrival, lastSentSize: sent.size, firstArrivedSize: sent.size))
    }
    clusters[index].firstSend = min(clusters[index].firstSend, sent.sentAt)
    if sent.sentAt > clusters[index].lastSend {
      clusters[index].lastSend = sent.sentAt
      clusters[index].lastSentSize = sent.size
    }
    if arrival < clusters[index].firstArrival {
      clusters[index].firstArrival = arrival
      clusters[index].firstArrivedSize = sent.size
    }
    clusters[index].lastArrival = max(clusters[index].lastArrival, arrival)
    clusters[index].size += sent.size
    clusters[index].packets += 1
    return clusters[index]
  }
}
