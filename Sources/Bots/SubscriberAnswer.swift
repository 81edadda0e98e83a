// The bot's answers to the SFU's offers. Sections that did not change since the last offer are
// neither read nor written again. What is negotiated (extensions, bandwidth feedback) is negotiated for
// each section.

import Basics
import Transport
import Wire

struct SubscriberAnswer {
  /// What changed in the streams that the SFU announces.
  struct Changes {
    var ended: [RemoteTrack.Identity] = []
    var began: [RemoteTrack.Identity] = []
    /// The header extensions that were accepted for streams whose section changed.
    var extensions: [(ssrc: UInt32, map: RTPExtensionMap)] = []
    /// A section for data channels is new, and accepted.
    var offersData = false
  }

  /// The header extensions of a stream whose section is not known: those of every section, since one
  /// BUNDLE group gives each id one meaning (RFC 9143 §9.1).
  private(set) var extensions = RTPExtensionMap()
  private let feedback: BandwidthFeedback
  private var offered: [String] = []
  private var answered: [String] = []
  private var mids: [String] = []
  private var streams: [RemoteTrack.Identity?] = []
  private var version: UInt64 = 0
  private var audit = OfferAudit()

  init(_ feedback: BandwidthFeedback) { self.feedback = feedback }

  /// Takes an offer in; returns the other end's transport and the streams that changed.
  mutating func apply(
    _ text: String, at now: Instant, _ faults: inout ProtocolAudit
  ) -> (RemoteTransportDescription, Changes)? {
    let offer = SDPText(text)
    audit.begin(offer, at: now, &faults)
    guard let remote = SubscriberAnswer.transport(in: offer) else { return nil }
    var changes = Changes()
    for (index, section) in offer.sections.enumerated() {
      if index < offered.count, offered[index] == section { continue }
      guard let parsed = try? SessionDescription(parsing: offer.session + section),
        let media = parsed.media.first
      else { return nil }
      audit.check(parsed, media, at: index, at: now, &faults)
      while offered.count <= index {
        offered.append("")
        answered.append("")
        mids.append("")
        streams.append(nil)
      }
      let stream = SubscriberAnswer.stream(in: media)
      if stream != streams[index] {
        if let old = streams[index] { changes.ended.append(old) }
        if let new = stream { changes.began.append(new) }
      }
      offered[index] = section
      streams[index] = stream
      mids[index] = media.isRejected ? "" : media.mid ?? ""
      if media.isDataChannels, !media.isRejected { changes.offersData = true }
      var accepted = media
      accepted.accept(feedback)
      if media.isRTP {
        let map = accepted.extensionMap
        for kind in RTPExtensionKind.allCases { extensions[kind] = map[kind] ?? extensions[kind] }
        if let stream { changes.extensions.append((stream.ssrc, map)) }
      }
      answered[index] = SubscriberAnswer.answer(to: accepted, receives: stream != nil)
    }
    return (remote, changes)
  }

  /// The other end of the transport that all sections share: what the first accepted one says of it.
  private static func transport(in offer: SDPText) -> RemoteTransportDescription? {
    for section in offer.sections {
      guard let head = try? SessionDescription(parsing: offer.session + section) else {
        return nil
      }
      if head.media.first?.isRejected == false { return RemoteTransportDescription(head) }
    }
    return nil
  }

  /// The answer to the offer taken in last.
  /// - Parameters:
  ///   - setup: the end's part in the DTLS handshake, in each section (RFC 8842 §5.3): Pion reads it
  ///     nowhere else.
  ///   - candidates: in the first accepted section, as all sections share a transport.
  mutating func text(
    credentials: ICECredentials, fingerprint: Fingerprint, setup: DTLSSetup,
    candidates: [Candidate]
  ) -> String {
    version += 1
    var session = SessionDescription(
      origin: SDPOrigin(
        sessionID: stableHash(credentials.ufrag) >> 1, sessionVersion: version))
    session.transport = TransportAttributes(
      iceUfrag: credentials.ufrag, icePwd: credentials.password, fingerprints: [fingerprint])
    session.groups = [MediaGroup(semantics: "BUNDLE", mids: mids.filter { !$0.isEmpty })]
    var text = session.description
    var hasCandidates = false
    for (section, mid) in zip(answered, mids) {
      text += section
      guard !mid.isEmpty else { continue }
      text += "a=setup:\(setup.rawValue)\r\n"
      guard !hasCandidates else { continue }
      hasCandidates = true
      for candidate in candidates { text += "a=\(candidate)\r\n" }
      if !candidates.isEmpty { text += "a=end-of-candidates\r\n" }
    }
    return text
  }

  private static func stream(in media: MediaDescription) -> RemoteTrack.Identity? {
    guard media.direction == .sendonly || media.direction == .sendrecv, let mid = media.mid,
      let msid = media.msid, let trackSID = msid.track, let ssrc = media.primarySSRCs.first,
      let payloadType = media.payloadTypes.first, let map = media.rtpMap(of: payloadType),
      var codec = CodecProfile.named(map.encoding)
    else { return nil }
    codec.payloadType = payloadType
    codec.rtxPayloadType = media.rtxPayloadType(for: payloadType)
    let publisherSID = msid.stream.split(separator: "|").first.map(String.init) ?? ""
    return RemoteTrack.Identity(
      publisherSID: publisherSID, trackSID: trackSID, mid: mid, ssrc: ssrc,
      rtxSSRC: media.rtxSSRC(for: ssrc), kind: media.kind, codec: codec)
  }

  private static func answer(to offered: MediaDescription, receives: Bool) -> String {
    guard !offered.isRejected else {
      var section = MediaDescription(
        kind: offered.kind, protocol: offered.protocol, formats: offered.formats)
      section.port = 0
      section.mid = offered.mid
      section.connection = SDPConnection()
      return text(of: section)
    }
    if offered.isDataChannels {
      return text(
        of: MediaDescription(
          dataChannels: offered.mid, port: TransportLimits.sctpPort,
          maxMessageSize: UInt64(TransportLimits.dataMessageSize)))
    }
    var section = MediaDescription(
      kind: offered.kind, protocol: offered.protocol, formats: offered.formats)
    section.mid = offered.mid
    section.connection = SDPConnection()
    section.rtcpMux = true
    section.rtcpReducedSize = offered.rtcpReducedSize
    section.rtpMaps = offered.rtpMaps
    section.formatParameters = offered.formatParameters
    section.rtcpFeedback = offered.rtcpFeedback
    section.headerExtensions = offered.headerExtensions
    section.direction = receives ? .recvonly : .inactive
    return text(of: section)
  }

  private static func text(of section: MediaDescription) -> String {
    var holder = SessionDescription(origin: SDPOrigin(sessionID: 0, sessionVersion: 0))
    holder.media = [section]
    return SDPText(holder.description).sections[0]
  }
}

extension MediaDescription {
  private func offers(_ kind: RTPExtensionKind) -> Bool {
    headerExtensions.contains { $0.uri == kind.uri }
  }

  /// Leaves one of the two ways of feedback on bandwidth: transport-wide numbers where the section
  /// offers them and they are wanted, else REMB from abs-send-time, which is what LiveKit's sections offer
  /// by default.
  fileprivate mutating func accept(_ feedback: BandwidthFeedback) {
    let isTransportWide =
      feedback == .transportWide && (offers(.transportSequenceNumber) || !offers(.absSendTime))
    let unwanted: (kind: RTPExtensionKind, text: String) =
      isTransportWide ? (.absSendTime, "goog-remb") : (.transportSequenceNumber, "transport-cc")
    headerExtensions.removeAll { $0.uri == unwanted.kind.uri }
    rtcpFeedback.removeAll { $0.text == unwanted.text }
  }
}

extension RemoteTransportDescription {
  /// The part in the DTLS handshake of the end that reads this (RFC 8842 §5.3): it opens the handshake
  /// unless the other end wants to.
  var localDTLSRole: DTLSRole { setup == .active ? .server : .client }
}
