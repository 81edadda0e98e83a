// Takes the tracks of a room without being a participant: recording, capture and tests hang on here.

import Basics
import Wire

/// Hears the media of a room. Called within the SFU's own calls, in the order in which packets came;
/// it must not call the SFU back from `received`.
public protocol MediaSink: AnyObject {
  /// Whether packets of the track are wanted at all.
  func wants(_ track: SinkTrack.Description) -> Bool
  /// Media of the track has come; of video nothing is passed on before a keyframe.
  func began(_ track: SinkTrack, at now: Instant)
  /// An RTP packet of the layer that is taken, as its publisher sent it: SRTP is opened, a
  /// retransmission stands under its original number. Never twice, and not always in order.
  func received(_ packet: RawSpan, of track: SinkTrack, at now: Instant)
  /// From here on packets are of another layer, with an SSRC, numbers and timestamps of its own; nil
  /// while none is sent.
  func switched(_ track: SinkTrack, to layer: Int?, at now: Instant)
  /// Nothing comes from a muted track.
  func muted(_ track: SinkTrack, _ isMuted: Bool, at now: Instant)
  /// Its publisher took the track back, left, or sends another codec, which begins anew.
  func ended(_ track: SinkTrack, at now: Instant)
}

extension MediaSink {
  public func wants(_ track: SinkTrack.Description) -> Bool { true }
  public func began(_ track: SinkTrack, at now: Instant) {}
  public func switched(_ track: SinkTrack, to layer: Int?, at now: Instant) {}
  public func muted(_ track: SinkTrack, _ isMuted: Bool, at now: Instant) {}
  public func ended(_ track: SinkTrack, at now: Instant) {}
}

/// A track that a sink takes.
public final class SinkTrack {
  public struct Description: Sendable {
    public let room: String
    /// `TR_…`.
    public let sid: String
    public let publisherSid: String
    public let publisherIdentity: String
    /// As grants write it, such as `screen_share`.
    public let source: String
    public let kind: MediaKind
    /// `VP8`, `opus` …, as in `a=rtpmap`.
    public let encoding: String
    /// Of the packets.
    public let payloadType: UInt8
    /// Hz.
    public let clockRate: UInt32
    /// Of the packets.
    public let extensions: RTPExtensionMap
    /// Simulcast layers.
    public let layers: Int
  }

  public let description: Description
  /// The layer whose packets are passed on; nil before the first keyframe, and while none is sent.
  public private(set) var layer: Int?
  /// The highest layer that is wanted; nil for all there are.
  public private(set) var maximum: Int?
  let sink: any MediaSink
  /// Nil once it has ended.
  private weak var track: PublishedTrack?
  private var selector = LayerSelector()
  private var taken: Int?

  /// - Returns: nil for a track that has yet to be negotiated, or that the sink does not want.
  init?(_ track: PublishedTrack, for sink: any MediaSink, at now: Instant) {
    guard let description = track.sinkDescription, sink.wants(description) else { return nil }
    self.description = description
    self.sink = sink
    self.track = track
    if !track.isVideo { layer = 0 }
  }

  // MARK: - For the sink

  /// Takes no layer above this one; nil for the highest there is.
  public func select(maximum: Int?, at now: Instant) {
    self.maximum = maximum
    if let track { aim(track, at: now) }
  }

  /// Asks the publisher for a keyframe of the layer that is taken, as often as publishers are asked.
  public func requestKeyframe(at now: Instant) {
    guard let track, track.isVideo, let layer = selector.current ?? selector.target else { return }
    track.keyframes.request(layer: layer, at: now)
  }

  // MARK: - For the track

  /// Goes for the highest layer that is wanted and sent, and has the wanted one kept.
  func aim(_ track: PublishedTrack, at now: Instant) {
    guard track.isVideo, !track.layers.isEmpty else { return }
    let wanted = min(max(0, maximum ?? .max), track.layers.count - 1)
    take(wanted, of: track, at: now)
    let target = track.tracker.layers.prefix(wanted + 1).lastIndex(where: \.isLive)
    _ = selector.aim(at: target, temporal: LayerState.temporalLayers - 1, now: now)
    if selector.current != layer { change(to: selector.current, at: now) }
    if let needed = selector.keyframeNeeded { track.keyframes.request(layer: needed, at: now) }
  }

  /// The layers of the track have other places.
  func restartLayers(_ track: PublishedTrack, at now: Instant) {
    take(nil, of: track, at: now)
    selector = LayerSelector()
    if layer != nil { change(to: nil, at: now) }
  }

  func forward(
    _ packet: RawSpan, _ incoming: IncomingPacket, isVideo: Bool, isLate: Bool, at now: Instant
  ) {
    guard isVideo else {
      sink.received(packet, of: self, at: now)
      return
    }
    switch selector.decide(
      layer: incoming.input.layer, temporal: incoming.temporal,
      startsFrame: incoming.startsFrame, isKeyframe: incoming.isKeyframe,
      isLayerSync: incoming.isLayerSync, number: incoming.header.sequenceNumber, isLate: isLate,
      at: now)
    {
    case .begin:
      change(to: selector.current, at: now)
      sink.received(packet, of: self, at: now)
    case .forward: sink.received(packet, of: self, at: now)
    case .unwanted, .otherLayer: break
    }
  }

  /// Gives up its claim on the publisher's layers.
  func end(at now: Instant) {
    if let track { take(nil, of: track, at: now) }
    track = nil
    layer = nil
  }

  private func change(to new: Int?, at now: Instant) {
    layer = new
    sink.switched(self, to: new, at: now)
  }

  private func take(_ new: Int?, of track: PublishedTrack, at now: Instant) {
    guard new != taken else { return }
    if track.dynacast.change(from: taken, to: new, at: now) { track.noteDynacast(at: now) }
    taken = new
  }
}

extension SFU {
  /// Has `sink` take the tracks of this room, those that are there and those to come, until it is
  /// detached. The room need not exist.
  public func attach(_ sink: any MediaSink, toRoom name: String, at now: Instant) {
    sinks.append((name, sink))
    guard let room = rooms.first(where: { $0.name == name }) else { return }
    for participant in room.participants {
      for track in participant.tracks where track.isLive { track.attach(sink, at: now) }
    }
  }

  /// The sink hears nothing any more.
  public func detach(_ sink: any MediaSink, at now: Instant) {
    sinks.removeAll { $0.sink === sink }
    for track in rooms.flatMap(\.participants).flatMap(\.tracks) { track.detach(sink, at: now) }
  }
}

extension Room {
  /// Sinks of the room take a track that carries media now.
  func feedSinks(_ track: PublishedTrack, at now: Instant) {
    for (name, sink) in sfu.sinks where name == self.name { track.attach(sink, at: now) }
  }
}

extension PublishedTrack {
  fileprivate func attach(_ sink: any MediaSink, at now: Instant) {
    guard let new = SinkTrack(self, for: sink, at: now) else { return }
    sinks.append(new)
    sink.began(new, at: now)
    if isMuted { sink.muted(new, true, at: now) }
    new.aim(self, at: now)
  }

  fileprivate func detach(_ sink: any MediaSink, at now: Instant) {
    for taken in sinks where taken.sink === sink { taken.end(at: now) }
    sinks.removeAll { $0.sink === sink }
  }

  func aimSinks(at now: Instant) {
    for sink in sinks { sink.aim(self, at: now) }
  }

  func endSinks(at now: Instant) {
    for taken in sinks {
      taken.end(at: now)
      taken.sink.ended(taken, at: now)
    }
    sinks = []
  }

  fileprivate var sinkDescription: SinkTrack.Description? {
    guard let section, let codec else { return nil }
    let payload = section.payloads.first { payload in
      guard case .media(let media) = payload.meaning else { return false }
      return media.encoding == codec.encoding
    }
    return SinkTrack.Description(
      room: publisher.room.name, sid: sid, publisherSid: publisher.sid,
      publisherIdentity: publisher.identity, source: info.source.name, kind: codec.kind,
      encoding: codec.encoding, payloadType: payload?.type ?? codec.payloadType,
      clockRate: codec.clockRate, extensions: section.extensions, layers: max(1, layers.count))
  }
}
