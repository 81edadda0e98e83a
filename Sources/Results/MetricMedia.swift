// Which tracks a metric is of: the kinds that have it, and whether it tells one source from another.

extension Metric {
  /// The kinds of track that have it whenever they are received. Audio that is decoded for real has decode
  /// errors beside.
  public var kinds: [TrackKind] {
    switch name {
    case "assay.audioEndToEndDelay", "concealedSamples", "assay.audioConcealment",
      "assay.packetsAfterMute":
      [.audio]
    case "jitterBufferDelay", "jitter", "packetsReceived", "packetsLost", "bytesReceived",
      "assay.lossBeforeRepair", "assay.lossAfterRepair", "assay.muteDelay",
      "assay.mediaBackFromLoss", "assay.mediaBackFromHeal", "assay.mediaGap", "assay.dataLost",
      "assay.dataLate", "assay.dataDuplicated", "assay.dataOutOfOrder", "assay.dataDelay",
      "assay.disconnectNotifyDelay":
      [.video, .audio]
    default: [.video]
    }
  }

  /// Whether each of its series is of one track of one source: neither of data messages, nor of whatever a
  /// publisher sends together.
  public var isOfTrack: Bool {
    guard scope == .pair else { return false }
    return switch name {
    case "assay.dataLost", "assay.dataLate", "assay.dataDuplicated", "assay.dataOutOfOrder",
      "assay.dataDelay", "assay.disconnectNotifyDelay", "assay.mediaBackFromLoss",
      "assay.mediaBackFromHeal", "assay.mediaGap":
      false
    default: true
    }
  }

  /// Whether a track of `source` can have it.
  public func fits(_ source: MediaSource) -> Bool {
    isOfTrack && (kinds.contains(source.kind) || name == "assay.decodeErrors")
  }
}

/// Which tracks of a publisher are meant.
public enum TrackSelection: Sendable, Equatable {
  case all
  /// All but the screen share of a publisher who has a camera: what is meant where nothing is said.
  case usual
  case source(MediaSource)
}

extension MetricSource {
  public func samples(
    participant: String, metric: String, peer: String?, kind: TrackKind?, tracks: TrackSelection
  ) -> MetricSamples? {
    samples(participant: participant, metric: metric, peer: peer, kind: kind)
  }

  public func peers(
    of participant: String, metric: String, kind: TrackKind?, tracks: TrackSelection
  ) -> [String] {
    peers(of: participant, metric: metric, kind: kind)
  }
}
