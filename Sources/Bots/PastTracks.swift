// What is left of received tracks that ended long ago: of each publisher's source one record, so that a
// bot in whose room people come and go for a day holds no more than one that sees them once.

import Basics
import Results
import Wire

/// The tracks of one source that have ended, as if they had been one.
struct PastTrack {
  var series: [BotSeries]
  var summary: RemoteTrackSummary
  var seconds: [PictureSeconds]
  /// In order of time.
  var pauses: [Interval]

  fileprivate init(_ track: RemoteTrack) {
    series = track.series
    summary = track.summary
    seconds = track.video.map { [$0.meter.seconds] } ?? []
    pauses = track.pauses.all(until: .zero)
  }

  fileprivate func isOf(_ track: RemoteTrack) -> Bool {
    summary.publisher == track.publisher && summary.source == track.source
      && summary.kind == track.identity.kind
  }

  fileprivate mutating func add(_ track: RemoteTrack) {
    for new in track.series {
      if let index = series.firstIndex(where: { $0.metric == new.metric }) {
        series[index].samples.append(
          new.samples, isTotal: BotSeries.totals.contains(new.metric))
      } else {
        series.append(new)
      }
    }
    summary.add(track.summary)
    if let more = track.video?.meter.seconds { seconds[0].append(more) }
    pauses += track.pauses.all(until: .zero)
  }
}

extension BotSeries {
  /// The metrics of tracks that are running totals: they go on where another track takes over.
  public static let totals: Set<String> = [
    "freezeCount", "totalFreezesDuration", "framesDecoded", "framesDropped", "keyFramesDecoded",
    "packetsReceived", "packetsLost", "retransmittedPacketsReceived", "bytesReceived",
    "nackCount", "pliCount", "concealedSamples", "assay.rungSwitches", "assay.layerSwitches",
    "assay.decodeErrors", "assay.unansweredNacks", "assay.packetsAfterMute",
  ]
}

extension Bot {
  /// Brings the oldest ended tracks together, once there are many that nobody looks at any more.
  func foldEndedTracks(at now: Instant) {
    let ended = remoteTracks.indices.filter { remoteTracks[$0].isReleased }
    guard ended.count > BotLimits.endedTracks else { return }
    let old = ended.prefix(ended.count - BotLimits.endedTracks / 2)
    for index in old {
      let track = remoteTracks[index]
      pastStreams.append(track.stream)
      earlierWraps.add(track)
      if let place = pastTracks.firstIndex(where: { $0.isOf(track) }) {
        pastTracks[place].add(track)
      } else {
        pastTracks.append(PastTrack(track))
      }
    }
    let gone = Set(old)
    remoteTracks = remoteTracks.indices.filter { !gone.contains($0) }.map { remoteTracks[$0] }
    placeRemoteTracks()
  }

  /// Finds tracks and their timers by their places anew.
  private func placeRemoteTracks() {
    remoteBySSRC = [:]
    remoteByRTX = [:]
    remoteTimers = TimerQueue()
    for (index, track) in remoteTracks.enumerated() {
      if track.scheduled < .distantFuture { remoteTimers.push(index, at: track.scheduled) }
      guard !track.hasEnded else { continue }
      remoteBySSRC[track.identity.ssrc] = index
      if let rtx = track.identity.rtxSSRC { remoteByRTX[rtx] = index }
    }
  }
}

extension RemoteTrackSummary {
  fileprivate mutating func add(_ other: RemoteTrackSummary) {
    packetsReceived += other.packetsReceived
    bytesReceived += other.bytesReceived
    packetsLost += other.packetsLost
    retransmittedPacketsReceived += other.retransmittedPacketsReceived
    paddingPacketsReceived += other.paddingPacketsReceived
    nackCount += other.nackCount
    pliCount += other.pliCount
    framesDecoded += other.framesDecoded
    framesDropped += other.framesDropped
    keyFramesDecoded += other.keyFramesDecoded
    freezeCount += other.freezeCount
    totalFreezesDuration += other.totalFreezesDuration
    decodeErrors += other.decodeErrors
    layerSwitches += other.layerSwitches
    frameHeight = other.frameHeight
    concealedSamples += other.concealedSamples
    for rung in other.rungs {
      if let index = rungs.firstIndex(where: { $0.height == rung.height }) {
        rungs[index].pictures += rung.pictures
        rungs[index].psnr += rung.psnr
        rungs[index].ssim += rung.ssim
      } else {
        rungs.append(rung)
      }
    }
  }
}
