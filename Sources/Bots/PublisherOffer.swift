// The bot's offer for what it publishes, one section a track (RFC 8829 §5.2).

import Basics
import Transport
import Wire

enum PublisherOffer {
  static let extensionIDs: [(id: UInt16, kind: RTPExtensionKind)] = [
    (1, .mid), (2, .rid), (3, .repairedRid), (4, .transportSequenceNumber), (5, .audioLevel),
  ]

  static let extensionMap: RTPExtensionMap = {
    var map = RTPExtensionMap()
    for (id, kind) in extensionIDs { map[kind] = UInt8(id) }
    return map
  }()

  /// The section for data channels, ahead of all tracks.
  static let dataMid = "data"

  /// - Parameters:
  ///   - tracks: in the order of their mids; ended ones keep their section, inactive.
  ///   - data: whether data channels are offered; the same in every offer of a session.
  static func make(
    _ tracks: [LocalTrack], data: Bool, credentials: ICECredentials, fingerprint: Fingerprint,
    addresses: [(address: Address, networkCost: UInt16)], version: UInt64
  ) -> String {
    var offer = SessionDescription(
      origin: SDPOrigin(sessionID: stableHash(credentials.ufrag) >> 1, sessionVersion: version))
    offer.msidSemantic = "WMS"
    var sections = tracks.map(media)
    if data { sections.insert(dataSection, at: 0) }
    for (index, var section) in sections.enumerated() {
      section.transport = TransportAttributes(
        iceUfrag: credentials.ufrag, icePwd: credentials.password, fingerprints: [fingerprint],
        setup: .actpass)
      if index == 0 {
        section.candidates = candidates(of: addresses)
        section.endOfCandidates = true
      }
      offer.media.append(section)
    }
    offer.groups = [MediaGroup(semantics: "BUNDLE", mids: offer.media.compactMap(\.mid))]
    return offer.description
  }

  static func candidates(
    of addresses: [(address: Address, networkCost: UInt16)]
  ) -> [Candidate] {
    addresses.enumerated().map { index, local in
      Candidate(
        foundation: String(index + 1),
        priority: ICEAgent.hostPriority(networkCost: local.networkCost, index: index),
        address: local.address, kind: .host)
    }
  }

  private static var dataSection: MediaDescription {
    MediaDescription(
      dataChannels: dataMid, port: TransportLimits.sctpPort,
      maxMessageSize: UInt64(TransportLimits.dataMessageSize))
  }

  /// A section for one codec, without direction, extensions and streams.
  static func section(of codec: CodecProfile, mid: String) -> MediaDescription {
    var section = MediaDescription(kind: codec.kind, protocol: "UDP/TLS/RTP/SAVPF", formats: [])
    section.mid = mid
    section.connection = SDPConnection()
    section.rtcpMux = true
    section.rtcpReducedSize = true
    section.add(codec, payloadType: codec.payloadType, rtxPayloadType: codec.rtxPayloadType)
    return section
  }

  private static func media(_ track: LocalTrack) -> MediaDescription {
    var section = section(of: track.codec, mid: track.mid.description)
    if track.takesBounds {
      section.rtcpFeedback.append(
        RTCPFeedback(payloadType: track.codec.payloadType, text: "ccm tmmbr"))
    }
    section.headerExtensions =
      extensionIDs
      .filter { track.kind == .video ? $0.kind != .audioLevel : isForAudio($0.kind) }
      .map { HeaderExtension(id: $0.id, uri: $0.kind.uri) }
    guard !track.hasEnded else {
      section.direction = .inactive
      return section
    }
    section.direction = .sendonly
    section.msids = [MediaStreamID(stream: "-", track: track.cid)]
    if track.streams.count > 1 {
      section.rids = track.streams.compactMap { stream in
        stream.rid.map { RIDDescription(id: $0.description, direction: .send) }
      }
      section.simulcast = Simulcast(
        send: section.rids.map { [Simulcast.Alternative($0.id)] })
    } else if let stream = track.streams.first {
      let ssrcs = [stream.ssrc] + (stream.rtxSSRC.map { [$0] } ?? [])
      if ssrcs.count == 2 { section.ssrcGroups = [SSRCGroup(semantics: "FID", ssrcs: ssrcs)] }
      section.ssrcs = ssrcs.map { SSRCAttribute(ssrc: $0, name: "cname", value: "assay") }
    }
    return section
  }

  private static func isForAudio(_ kind: RTPExtensionKind) -> Bool {
    kind == .mid || kind == .audioLevel || kind == .transportSequenceNumber
  }
}
