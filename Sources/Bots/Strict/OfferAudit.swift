// The checks on the SFU's offers, as JSEP implementations make them (RFC 3264 §8, RFC 9429 §5.2): of each
// offer what changed since the one before it.

import Basics
import Results
import Wire

struct OfferAudit {
  private struct Section {
    var kind: MediaKind
    var mid: String?
    var isRejected: Bool
  }

  private var sections: [Section] = []
  /// By mid, the places of sections that are in use.
  private var places: [String: Int] = [:]
  /// What each id of a header extension stands for, in the BUNDLE group.
  private var extensions: [UInt16: String] = [:]
  private var origin: SDPOrigin?
  private var last: SDPText?

  /// Looks at what the offer is as a whole.
  mutating func begin(_ offer: SDPText, at now: Instant, _ faults: inout ProtocolAudit) {
    defer { last = offer }
    faults.check(
      .offerSections, offer.sections.count >= sections.count, at: now,
      "an offer of \(offer.sections.count) sections after one of \(sections.count)")
    guard let session = try? SessionDescription(parsing: offer.session) else { return }
    defer { origin = session.origin }
    guard let before = origin, let last else { return }
    let old = before.sessionVersion
    let new = session.origin.sessionVersion
    // One in between may have been lost with the connection that carried it.
    let isNext = new > old || offer == last
    faults.check(
      .offerVersion, isNext && session.origin.sessionID == before.sessionID, at: now,
      "o= of session \(session.origin.sessionID) from version \(old) to \(new)")
  }

  /// Looks at a section that is new, or differs from what it was.
  /// - Parameter index: its place in the offer.
  mutating func check(
    _ session: SessionDescription, _ section: MediaDescription, at index: Int, at now: Instant,
    _ faults: inout ProtocolAudit
  ) {
    let next = Section(kind: section.kind, mid: section.mid, isRejected: section.isRejected)
    if index < sections.count {
      let before = sections[index]
      // Only a rejected section may become another one (RFC 9429 §5.2.2).
      faults.check(
        .offerSections,
        before.isRejected
          || before.kind == next.kind && (before.mid == next.mid || next.isRejected),
        at: now, "section \(index) was \(before.kind.text) \(before.mid ?? "-")")
      if let mid = before.mid, places[mid] == index { places[mid] = nil }
      sections[index] = next
    } else {
      sections.append(next)
    }
    if let mid = next.mid, !next.isRejected {
      let other = places.updateValue(index, forKey: mid)
      faults.check(
        .offerSections, other == nil || other == index, at: now,
        "mid \(mid) names sections \(other ?? 0) and \(index)")
    }
    faults.check(
      .sectionAddress, section.connection != nil || session.connection != nil, at: now,
      "section \(index) has no c= line")
    for mapped in section.headerExtensions where !section.isRejected {
      let known = extensions.updateValue(mapped.uri, forKey: mapped.id)
      faults.check(
        .extensionIDs, known == nil || known == mapped.uri, at: now,
        "id \(mapped.id) for \(known ?? "") and \(mapped.uri)")
    }
  }
}

/// The sections of an offer of the bot's own, to which an answer has to fit.
struct OfferedSections {
  private let offer: SessionDescription?

  init(_ text: String) { offer = try? SessionDescription(parsing: text) }

  func check(_ answer: SessionDescription, at now: Instant, _ faults: inout ProtocolAudit) {
    guard let offer else { return }
    faults.check(
      .answer, answer.media.count == offer.media.count, at: now,
      "\(answer.media.count) sections for \(offer.media.count)")
    for (index, (offered, answered)) in zip(offer.media, answer.media).enumerated() {
      let wrong = OfferedSections.fault(of: answered, in: answer, to: offered, in: offer)
      faults.check(.answer, wrong == nil, at: now, "section \(index): \(wrong ?? "")")
      faults.check(
        .sectionAddress, answered.connection != nil || answer.connection != nil, at: now,
        "section \(index) of an answer has no c= line")
    }
  }

  /// What does not fit of a section; nil where all does.
  private static func fault(
    of answered: MediaDescription, in answer: SessionDescription, to offered: MediaDescription,
    in offer: SessionDescription
  ) -> String? {
    if answered.kind != offered.kind { return "\(answered.kind.text) for \(offered.kind.text)" }
    if answered.isRejected { return nil }
    if answered.mid != offered.mid { return "mid \(answered.mid ?? "-")" }
    if let format = answered.formats.first(where: { !offered.formats.contains($0) }) {
      return "format \(format) was not offered"
    }
    let offeredIDs = Dictionary(
      offered.headerExtensions.map { ($0.uri, $0.id) }, uniquingKeysWith: { first, _ in first })
    if let other = answered.headerExtensions.first(where: { offeredIDs[$0.uri] != $0.id }) {
      return "extension \(other.uri) under id \(other.id)"
    }
    if answered.rtcpMux, !offered.rtcpMux { return "rtcp-mux was not offered" }
    let (ours, theirs) = (offer.direction(of: offered), answer.direction(of: answered))
    if theirs.sends, !ours.receives { return "sends what is not received" }
    if theirs.receives, !ours.sends { return "receives what is not sent" }
    let setup = answered.transport.setup ?? answer.transport.setup
    if setup == .actpass { return "setup:actpass" }
    return nil
  }
}
