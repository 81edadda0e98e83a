// Closing a second, and handing over what was measured.

import Basics
import Results
import Transport
import Wire

/// A series of samples that a bot hands over: which metric, of whose track.
public struct BotSeries: Sendable {
  /// The name in the metric catalogue.
  public var metric: String
  /// The publisher's identity for what is per pair; else empty.
  public var peer: String
  /// `audio` or `video` for what is per track; else empty.
  public var kind: String
  /// Of the track; nil for what is of no single one.
  public var source: TrackSource?
  public var samples: SampleLog
}

extension Bot {
  /// The SFU's name for what it publishes; nil before it has one.
  public func trackSID(of source: TrackSource) -> String? {
    localTracks.last { $0.configuration.source == source }?.sid
  }

  func observeSecond(at now: Instant) {
    var busiest = 0
    for track in localTracks { busiest = max(busiest, track.takeKeyframeRequests()) }
    let isJoined = state == .connected
    observations.second(
      at: now, isJoined: isJoined, roundTrip: subscriber.ice.roundTrip,
      keyframeRequests: busiest, protocolFaults: faults.total)
    for track in remoteTracks {
      track.observeSecond(at: now)
      if track.isOver(at: now) {
        track.release()
        subscriber.forgetStreams(
          [track.identity.ssrc, track.identity.rtxSSRC], areOurs: false)
      }
      if let first = track.firstMedia {
        observations.firstFrame = earlier(observations.firstFrame, first)
      }
    }
    foldEndedTracks(at: now)
  }

  /// Ends all measurement; call once, at the end of the run.
  public func finish(at now: Instant) {
    for track in remoteTracks where !track.hasEnded { track.finish(at: now) }
    for track in remoteTracks {
      if let first = track.firstMedia {
        observations.firstFrame = earlier(observations.firstFrame, first)
      }
    }
  }

  /// Every series this bot has, in a fixed order; of two tracks of one publisher both appear, but for
  /// those of long ago.
  public var series: [BotSeries] {
    let own: [(String, SampleLog)] = [
      ("assay.joined", observations.joined),
      ("assay.bitrateSent", observations.bitrateSent),
      ("assay.bitrateReceived", observations.bitrateReceived),
      ("roundTripTime", observations.roundTripTime),
      ("assay.keyframeRequestRate", observations.keyframeRequestRate),
      ("assay.unknownSsrcPackets", observations.unknownSSRCs),
      ("assay.unauthorisedPackets", observations.unauthorisedPacketLog),
      ("assay.unauthorisedTracks", observations.unauthorisedTrackLog),
      (ProtocolFault.metric, observations.protocolFaults),
      ("assay.connectionQuality", observations.connectionQuality),
    ]
    var all = own.map { BotSeries(metric: $0.0, peer: "", kind: "", samples: $0.1) }
    for track in pastTracks { all += track.series }
    for track in remoteTracks { all += track.series }
    return all
  }

  /// The tracks received, with their totals, for the report's tables.
  public var inbound: [RemoteTrackSummary] {
    pastTracks.map(\.summary) + remoteTracks.map(\.summary)
  }

  /// The streams received, as offers announced them.
  public var inboundStreams: [BotStream] { pastStreams + remoteTracks.map(\.stream) }

  /// What it was shown of one publisher's tracks of a kind, after `from` and up to `to`, of the last
  /// seconds; in order of time.
  public func shown(
    of publisher: String, _ kind: MediaKind, after from: Instant, upTo to: Instant
  ) -> [ShownFrame] {
    var frames: [ShownFrame] = []
    for track in remoteTracks where track.identity.kind == kind && track.publisher == publisher {
      track.recent.collect(after: from, upTo: to, into: &frames)
    }
    return frames.sorted { $0.at < $1.at }
  }

  /// Whether this publisher's pictures moved, second by second, of each of its tracks.
  public func pictureSeconds(of publisher: String) -> [PictureSeconds] {
    pastTracks.filter { $0.summary.publisher == publisher }.flatMap(\.seconds)
      + remoteTracks.filter { $0.publisher == publisher }.compactMap { $0.video?.meter.seconds }
  }

  /// When the SFU said that it holds back a track for lack of bandwidth, of each track that it ever did.
  public func pauses(
    until end: Instant
  ) -> [(publisher: String, source: TrackSource, intervals: [Interval])] {
    let past = pastTracks.map { ($0.summary.publisher, $0.summary.source, $0.pauses) }
    let all = past + remoteTracks.map { ($0.publisher, $0.source, $0.pauses.all(until: end)) }
    return all.filter { !$0.2.isEmpty }
  }

  /// What its transports took or dropped.
  var arrivalsNow: Int {
    publisher.arrivals.total + Int(publisher.dropped.total) + subscriber.arrivals.total
      + Int(subscriber.dropped.total)
  }

  /// Datagrams that it was handed, and those of them that were neither taken nor dropped for a reason.
  public var datagramsReceived: (all: Int, unaccounted: Int) {
    (datagrams, datagrams - pastArrivals - arrivalsNow)
  }

  /// Slots of the pool that it holds for retransmission.
  public var packetsHeld: Int {
    localTracks.flatMap(\.streams).reduce(0) { $0 + $1.cachedPackets }
  }

  /// Where it sends from.
  public var address: IPAddress? { interfaces.first?.ip }

  /// The tracks sent.
  public var outbound: [LocalTrackSummary] { localTracks.map(\.summary) }
}

/// A stream that an offer announced to a bot.
public struct BotStream: Sendable {
  public var publisher: String
  public var kind: MediaKind
  public var ssrc: UInt32
  public var rtxSSRC: UInt32?
  /// Of video: those that came after they had been asked for, or as RTX.
  public var recoveredPackets: Int
  /// Of video: those given up after they had been asked for at least three times.
  public var unansweredPackets: Int
  /// Of video: the keyframes asked for, and the longest wait for one while packets came.
  public var keyframeRequests: Int
  public var longestKeyframeWait: Duration
}

/// Totals of a received track.
public struct RemoteTrackSummary: Sendable {
  public var publisher: String
  public var source: TrackSource
  public var kind: MediaKind
  public var packetsReceived: Int64
  public var bytesReceived: Int64
  public var packetsLost: Int64
  public var retransmittedPacketsReceived: Int
  public var paddingPacketsReceived: Int
  public var nackCount: Int
  public var pliCount: Int
  public var framesDecoded: Int
  public var framesDropped: Int
  public var keyFramesDecoded: Int
  public var freezeCount: Int
  public var totalFreezesDuration: Double
  public var decodeErrors: Int
  public var layerSwitches: Int
  public var frameHeight: Int
  public var concealedSamples: Int64
  /// Of real pictures, in the order in which the heights were first shown.
  public var rungs: [RungQuality]
}

/// Totals of a sent track.
public struct LocalTrackSummary: Sendable {
  public var source: TrackSource
  public var kind: MediaKind
  public var packetsSent: Int64
  public var bytesSent: Int64
  public var retransmittedPacketsSent: Int
  public var paddingPacketsSent: Int
  public var framesSent: Int
}

extension LocalTrack {
  var summary: LocalTrackSummary {
    LocalTrackSummary(
      source: configuration.source, kind: kind,
      packetsSent: streams.reduce(0) { $0 + $1.statistics.packets },
      bytesSent: streams.reduce(0) { $0 + $1.statistics.payloadBytes },
      retransmittedPacketsSent: streams.reduce(0) { $0 + $1.retransmittedPackets },
      paddingPacketsSent: streams.reduce(0) { $0 + $1.paddingPackets },
      framesSent: framesSent)
  }
}

extension RemoteTrack {
  var stream: BotStream {
    BotStream(
      publisher: publisher, kind: identity.kind, ssrc: identity.ssrc, rtxSSRC: identity.rtxSSRC,
      recoveredPackets: video?.nack.recovered ?? 0,
      unansweredPackets: video?.nack.unanswered ?? 0,
      keyframeRequests: video?.keyframes.requests ?? 0,
      longestKeyframeWait: video?.keyframes.longest ?? .zero)
  }

  var summary: RemoteTrackSummary {
    let now = lastSecond ?? .zero
    let meter = video?.meter
    return RemoteTrackSummary(
      publisher: publisher, source: source, kind: identity.kind,
      packetsReceived: reception.packets, bytesReceived: reception.payloadBytes,
      packetsLost: reception.cumulativeLost,
      retransmittedPacketsReceived: retransmissionsReceived,
      paddingPacketsReceived: paddingPackets, nackCount: nacksSent,
      pliCount: plisSent, framesDecoded: meter?.framesRendered ?? audio?.meter.framesDecoded ?? 0,
      framesDropped: meter?.framesDropped ?? 0,
      keyFramesDecoded: meter?.keyFramesDecoded ?? 0,
      freezeCount: meter?.freezes.count(at: now) ?? 0,
      totalFreezesDuration: meter?.freezes.duration(at: now).seconds ?? 0,
      decodeErrors: meter?.decodeErrors ?? audio?.meter.decodeErrors ?? 0,
      layerSwitches: meter?.layerSwitches ?? 0,
      frameHeight: meter?.height ?? 0, concealedSamples: audio?.meter.concealedSamples ?? 0,
      rungs: video?.rungs ?? [])
  }

  var series: [BotSeries] {
    let kind = identity.kind.text
    var all: [(String, SampleLog)] = perSecond.all
    if let video {
      all += VideoMetric.allCases.map { ($0.name, video.meter[$0]) }
    } else if let audio {
      all += AudioMetric.allCases.map { ($0.name, audio.meter[$0]) }
    }
    return all.map {
      BotSeries(
        metric: $0.0, peer: publisher, kind: kind, source: source, samples: $0.1)
    }
  }

  /// Whether it ended so long ago that nobody asks for its last frames, nor anything comes of it.
  func isOver(at now: Instant) -> Bool {
    hasEnded && !isReleased
      && lastSecond.map { now - $0 > BotLimits.endedTrackMemory } ?? false
  }

  /// Notes the totals at a second's end.
  func observeSecond(at now: Instant) {
    guard !hasEnded else { return }
    lastSecond = now
    let loss = lossInSecond()
    perSecond.packetsReceived.appendTotal(Double(reception.packets), at: now)
    perSecond.packetsLost.appendTotal(Double(max(0, reception.cumulativeLost)), at: now)
    perSecond.bytesReceived.appendTotal(Double(reception.payloadBytes), at: now)
    if identity.kind == .audio, perSecond.packetsAfterMute.isEmpty {
      perSecond.packetsAfterMute.append(0, at: now)
    }
    guard identity.kind == .video || !isMuted else { return }
    perSecond.jitter.append(reception.jitterDuration.milliseconds, at: now)
    if let loss {
      perSecond.lossBefore.append(loss.before, at: now)
      perSecond.lossAfter.append(loss.after, at: now)
    }
    if identity.kind == .video {
      perSecond.retransmitted.appendTotal(Double(retransmissionsReceived), at: now)
      perSecond.nacks.appendTotal(Double(nacksSent), at: now)
      perSecond.plis.appendTotal(Double(plisSent), at: now)
      perSecond.unanswered.appendTotal(Double(video?.nack.unanswered ?? 0), at: now)
    }
  }
}

/// Totals and gauges of one received track, a sample a second.
struct TrackSeconds {
  var packetsReceived = SampleLog()
  var packetsLost = SampleLog()
  var bytesReceived = SampleLog()
  var jitter = SampleLog()
  var lossBefore = SampleLog()
  var lossAfter = SampleLog()
  var retransmitted = SampleLog()
  var nacks = SampleLog()
  var plis = SampleLog()
  var unanswered = SampleLog()
  var packetsAfterMute = SampleLog()

  /// By their names in the catalogue; those without samples are left out.
  var all: [(String, SampleLog)] {
    let named = [
      ("packetsReceived", packetsReceived), ("packetsLost", packetsLost),
      ("bytesReceived", bytesReceived), ("jitter", jitter),
      ("assay.lossBeforeRepair", lossBefore), ("assay.lossAfterRepair", lossAfter),
      ("retransmittedPacketsReceived", retransmitted), ("nackCount", nacks),
      ("pliCount", plis), ("assay.unansweredNacks", unanswered),
      ("assay.packetsAfterMute", packetsAfterMute),
    ]
    return named.filter { !$0.1.isEmpty }
  }
}
