// An answer section by section: every m= section of the offer in its place, accepted on the one
// transport or refused (RFC 3264 §6, RFC 9143 §7.3).

import Basics
import Transport
import Wire

/// Collects what becomes of the sections of an offer, then decides which share the transport.
struct AnswerAssembly {
  private enum Entry {
    case accepted(MediaDescription)
    case refused(NegotiationFault)
  }

  let offer: SessionDescription
  private var entries: [Entry] = []
  /// Indices of the accepted sections in the order of their BUNDLE group: the first is the
  /// answerer-tagged one (RFC 9143 §7.3.1). Without a group there is at most one.
  private(set) var bundle: [Int] = []

  init(_ offer: SessionDescription) { self.offer = offer }

  /// The next section of the offer is taken as `section`.
  mutating func accept(_ section: MediaDescription) { entries.append(.accepted(section)) }

  mutating func refuse(_ fault: NegotiationFault) { entries.append(.refused(fault)) }

  /// What keeps `section` from being taken whatever it carries.
  static func fault(of section: MediaDescription, in offer: SessionDescription) -> NegotiationFault?
  {
    if section.isRejected { return .rejected }
    if section.isDataChannels { return nil }
    guard section.isRTP, section.protocol.hasSuffix("SAVPF") || section.protocol.hasSuffix("SAVP")
    else { return .transportProtocol(section.protocol) }
    // Of bundle-only sections the tagged one speaks (RFC 9143 §9.3.1.1).
    let tagged = offer.bundle(of: section).first.flatMap(offer.mediaIndex(mid:))
    let isMuxed = tagged.map { section.isBundleOnly && offer.media[$0].rtcpMux } ?? false
    return section.rtcpMux || isMuxed ? nil : .noRTCPMux
  }

  /// Leaves on the transport what one BUNDLE group of the offer holds, the first with an accepted
  /// section; what was accepted beside it is refused.
  mutating func bundleUp() {
    let accepted = entries.indices.filter { fault(of: $0) == nil }
    guard let first = accepted.first else { return }
    var groups = offer.groups.filter { $0.semantics == "BUNDLE" }.map { group in
      group.mids.compactMap(offer.mediaIndex(mid:)).filter(accepted.contains)
    }
    groups.removeAll(where: \.isEmpty)
    bundle = groups.first { $0.contains(first) } ?? groups.first ?? [first]
    for index in accepted where !bundle.contains(index) { entries[index] = .refused(.notBundled) }
  }

  /// Why section `index` is refused; nil where it is taken.
  func fault(of index: Int) -> NegotiationFault? {
    if case .refused(let fault) = entries[index] { fault } else { nil }
  }

  /// The answer without transport lines.
  /// - Parameters:
  ///   - sessionID: of the answerer's `o=` line.
  ///   - version: above that of the answer before (RFC 3264 §8).
  func description(sessionID: UInt64, version: UInt64) -> SessionDescription {
    var answer = SessionDescription(
      origin: SDPOrigin(sessionID: sessionID, sessionVersion: version))
    answer.isICELite = true
    answer.msidSemantic = "WMS *"
    for (index, entry) in entries.enumerated() {
      switch entry {
      case .accepted(let section): answer.media.append(section)
      case .refused: answer.media.append(MediaDescription(refusing: offer.media[index]))
      }
    }
    if !offer.bundleMids.isEmpty, !bundle.isEmpty {
      answer.groups = [
        MediaGroup(semantics: "BUNDLE", mids: bundle.compactMap { offer.media[$0].mid })
      ]
    }
    return answer
  }
}

extension SessionDescription {
  /// Puts the transport's lines into every section that is taken, its candidates into the first of
  /// the group.
  mutating func apply(_ transport: LocalTransport) {
    let tagged = bundleMids.first.flatMap(mediaIndex(mid:)) ?? media.firstIndex { !$0.isRejected }
    for index in media.indices where !media[index].isRejected {
      media[index].transport = transport.attributes
      guard index == tagged else { continue }
      media[index].candidates = transport.candidates
      media[index].endOfCandidates = true
    }
  }
}

extension MediaDescription {
  /// A refusal (RFC 3264 §6): port 0, one format, and the `c=` line that RFC 8866 §5.7 asks of
  /// every section where the session has none.
  init(refusing offered: MediaDescription) {
    self.init(
      kind: offered.kind, port: 0, protocol: offered.protocol,
      formats: Array(offered.formats.prefix(1)))
    mid = offered.mid
    connection = SDPConnection()
    direction = .inactive
  }

  /// The header extensions of an answer to `offered` (RFC 8285 §7): ids stay, directions are
  /// reversed, ids beyond the valid range become free ones of it.
  ///
  /// What is answered is what was offered and is known (RFC 8829 §5.3.1), whether or not a track is
  /// bound to the section yet: libwebrtc offers no more in a section what an answer left out of it.
  mutating func acceptExtensions(_ offered: [HeaderExtension], receives: Bool) {
    var kinds: [RTPExtensionKind] = []
    var ids = offered.map(\.id)
    headerExtensions = []
    for element in offered {
      guard let kind = RTPExtensionKind(uri: element.uri), kind.isUsed(in: self.kind),
        !kinds.contains(kind)
      else { continue }
      var accepted = element
      if let direction = element.direction {
        guard receives ? direction.sends : direction.receives else { continue }
        accepted.direction = direction.reversed
      }
      if element.id > HeaderExtension.validIDs.upperBound {
        guard let free = HeaderExtension.oneByteIDs.first(where: { !ids.contains($0) }) else {
          continue
        }
        accepted.id = free
        ids.append(free)
      } else if headerExtensions.contains(where: { $0.id == element.id }) {
        continue
      }
      kinds.append(kind)
      headerExtensions.append(accepted)
    }
  }
}

extension RTPExtensionKind {
  /// Whether the SFU reads or writes it in sections of `media`.
  fileprivate func isUsed(in media: MediaKind) -> Bool {
    switch self {
    case .mid, .absCaptureTime, .absSendTime, .transportSequenceNumber: true
    case .audioLevel: media == .audio
    case .rid, .repairedRid: media == .video
    }
  }
}

extension HeaderExtension {
  /// RFC 8285 §4.2, §4.3.
  static let oneByteIDs: ClosedRange<UInt16> = 1...14
  static let validIDs: ClosedRange<UInt16> = 1...255
}
