// Which track and layer a publisher's SSRC is: by what the offer announced, or by the mid and rid that
// the first packets carry (RFC 8843 §9.2, RFC 8852).

import Basics
import Wire

/// Where a packet of one SSRC goes.
struct PublisherRoute {
  let track: PublishedTrack
  let layer: Int
  /// Retransmissions of that layer.
  let isRetransmission: Bool
}

struct PublisherRoutes {
  private var bySSRC: [UInt32: PublisherRoute] = [:]
  private(set) var unknownPackets: UInt64 = 0

  subscript(ssrc: UInt32) -> PublisherRoute? { bySSRC[ssrc] }

  var count: Int { bySSRC.count }

  /// The layers of `track` have other places now.
  /// - Parameter order: for each layer from the lowest on, its place so far.
  mutating func reorder(_ track: PublishedTrack, _ order: [Int]) {
    bySSRC = bySSRC.mapValues { route in
      guard route.track === track, let layer = order.firstIndex(of: route.layer) else {
        return route
      }
      return PublisherRoute(track: track, layer: layer, isRetransmission: route.isRetransmission)
    }
  }

  /// - Returns: the SSRCs that led to them.
  mutating func forget(tracks: [PublishedTrack]) -> [UInt32] {
    let gone = bySSRC.filter { route in tracks.contains { $0 === route.value.track } }
    for ssrc in gone.keys { bySSRC[ssrc] = nil }
    return gone.keys.sorted()
  }

  /// Finds out where a new SSRC belongs.
  mutating func resolve(
    _ packet: RawSpan, _ header: RTPHeader, among tracks: [PublishedTrack]
  ) -> PublisherRoute? {
    guard bySSRC.count < SFULimits.ssrcsPerParticipant,
      let route = announced(header, among: tracks) ?? identified(packet, header, among: tracks)
        ?? byPayloadType(packet, header, among: tracks)
    else {
      unknownPackets += 1
      return nil
    }
    bySSRC[header.ssrc] = route
    if !route.isRetransmission {
      let clockRate = route.track.codec?.clockRate ?? 90_000
      route.track.layers[route.layer].bind(header.ssrc, clockRate: clockRate)
    }
    return route
  }

  private func announced(_ header: RTPHeader, among tracks: [PublishedTrack]) -> PublisherRoute? {
    for track in tracks {
      guard let (layer, isRetransmission) = track.announced(header.ssrc) else { continue }
      return PublisherRoute(track: track, layer: layer, isRetransmission: isRetransmission)
    }
    return nil
  }

  /// RFC 9143 §9.2: without a mid, a payload type that only one section has.
  private func byPayloadType(
    _ packet: RawSpan, _ header: RTPHeader, among tracks: [PublishedTrack]
  ) -> PublisherRoute? {
    var found: PublisherRoute?
    for track in tracks {
      guard let section = track.section, section.meaning(of: header.payloadType) != nil else {
        continue
      }
      guard found == nil, track.layers.count == 1, section.rids.isEmpty,
        RTPExtensions(packet, header, section.extensions).mid == nil
      else { return nil }
      let isRetransmission = section.isRetransmission(header.payloadType)
      found = PublisherRoute(track: track, layer: 0, isRetransmission: isRetransmission)
    }
    return found
  }

  private func identified(
    _ packet: RawSpan, _ header: RTPHeader, among tracks: [PublishedTrack]
  ) -> PublisherRoute? {
    for track in tracks {
      guard let section = track.section, section.meaning(of: header.payloadType) != nil else {
        continue
      }
      let extensions = RTPExtensions(packet, header, section.extensions)
      guard let mid = extensions.mid, mid.description == section.mid else { continue }
      if section.rids.isEmpty {
        guard track.layers.count == 1 else { return nil }
        let isRetransmission = section.isRetransmission(header.payloadType)
        return PublisherRoute(track: track, layer: 0, isRetransmission: isRetransmission)
      }
      if let rid = extensions.rid, let layer = track.layers.firstIndex(where: { $0.rid == rid }) {
        return PublisherRoute(track: track, layer: layer, isRetransmission: false)
      }
      if let rid = extensions.repairedRid,
        let layer = track.layers.firstIndex(where: { $0.rid == rid })
      {
        return PublisherRoute(track: track, layer: layer, isRetransmission: true)
      }
    }
    return nil
  }
}

extension PublishedSection {
  func isRetransmission(_ payloadType: UInt8) -> Bool {
    if case .retransmission = meaning(of: payloadType) { true } else { false }
  }
}
