// What bots and the SFU call things, in a record's words.

import Bots
import Results
import Signal
import Wire

extension MetricSamples {
  init(_ log: SampleLog) { self.init(times: log.times, values: log.values) }
}

extension MediaSource {
  /// Nil for a source that scenarios have no word for.
  init?(_ source: TrackSource) {
    guard let same = Self.allCases.first(where: { $0.trackSource == source }) else { return nil }
    self = same
  }

  var trackSource: TrackSource {
    switch self {
    case .camera: .camera
    case .microphone: .microphone
    case .screenShare: .screenShare
    }
  }
}

extension ConnectionState {
  init(_ state: BotState) {
    self =
      switch state {
      case .idle: .idle
      case .connecting: .connecting
      case .connected: .connected
      case .reconnecting: .reconnecting
      case .disconnected(.left): .disconnected(.left)
      case .disconnected(.refused(let refusal)):
        .disconnected(.refused(status: refusal.status, text: refusal.text))
      case .disconnected(.dismissed(let reason)): .disconnected(.dismissed("\(reason)"))
      case .disconnected(.gaveUp(let attempts, let answer)):
        .disconnected(.gaveUp(attempts: attempts, status: answer?.status, text: answer?.text))
      }
  }
}

extension AttemptWait {
  init(_ wait: Reconnection.Wait) {
    self.init(number: wait.number, from: wait.from, until: wait.until)
  }
}

extension CounterWraps {
  init(_ wraps: Wraps) {
    self.init()
    sequenceNumbers = wraps.sequenceNumbers
    timestamps = wraps.timestamps
    rollovers = wraps.rollovers
    pictureIDs = wraps.pictureIDs
    referenceTimes = wraps.referenceTimes
  }
}

extension PictureRecord.State {
  init(_ state: PictureSeconds.State) {
    self =
      switch state {
      case .moving: .moving
      case .still: .still
      case .idle: .idle
      }
  }
}

extension SampleSeries {
  init(_ series: BotSeries) {
    self.init(
      metric: series.metric, peer: series.peer, kind: TrackKind(rawValue: series.kind),
      source: series.source.flatMap(MediaSource.init), samples: MetricSamples(series.samples))
  }
}

extension InboundTrack {
  init(_ track: RemoteTrackSummary) {
    self.init(
      publisher: track.publisher, source: "\(track.source)",
      kind: track.kind == .audio ? .audio : .video)
    values = [
      .init("packetsReceived", Double(track.packetsReceived)),
      .init("bytesReceived", Double(track.bytesReceived)),
      .init("packetsLost", Double(track.packetsLost)),
    ]
    if track.kind == .video {
      values += [
        .init("framesDecoded", Double(track.framesDecoded)),
        .init("framesDropped", Double(track.framesDropped)),
        .init("keyFramesDecoded", Double(track.keyFramesDecoded)),
        .init("frameHeight", Double(track.frameHeight)),
        .init("freezeCount", Double(track.freezeCount)),
        .init("totalFreezesDuration", track.totalFreezesDuration),
        .init("nackCount", Double(track.nackCount)),
        .init("pliCount", Double(track.pliCount)),
        .init("retransmittedPacketsReceived", Double(track.retransmittedPacketsReceived)),
        .init("assay.paddingPacketsReceived", Double(track.paddingPacketsReceived)),
        .init("assay.layerSwitches", Double(track.layerSwitches)),
        .init("assay.decodeErrors", Double(track.decodeErrors)),
      ]
    } else {
      values.append(.init("concealedSamples", Double(track.concealedSamples)))
      if track.framesDecoded > 0 {
        values.append(.init("assay.decodeErrors", Double(track.decodeErrors)))
      }
    }
    pictureQuality = track.rungs.map {
      PictureQualityTotal(height: $0.height, pictures: $0.pictures, psnr: $0.psnr, ssim: $0.ssim)
    }
  }
}

extension OutboundTrack {
  init(_ track: LocalTrackSummary) {
    self.init(
      source: "\(track.source)", kind: track.kind == .audio ? .audio : .video,
      packetsSent: track.packetsSent)
    values = [
      .init("packetsSent", Double(track.packetsSent)),
      .init("bytesSent", Double(track.bytesSent)),
      .init("framesSent", Double(track.framesSent)),
      .init("retransmittedPacketsSent", Double(track.retransmittedPacketsSent)),
      .init("assay.paddingPacketsSent", Double(track.paddingPacketsSent)),
    ]
  }
}
