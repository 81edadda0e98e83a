// What a strict receiver finds wrong in what an SFU sends it: one entry for each requirement of an RFC,
// from which the rule, its report and its deliberate faults follow.

import Basics

/// A requirement on an SFU's descriptions, packets or reports that a client checks as they come.
public enum ProtocolFault: Int, Sendable, CaseIterable {
  case offerSections, offerVersion, extensionIDs, sectionAddress, answer
  case mid, payloadType, pictureID, temporalIndex, timestamp
  case senderReports, lipSync, receiverReports, uplinkNACK

  /// The rule that it breaks, and what of the reference SFU's faults shows it.
  public var rule: Rule {
    switch self {
    case .offerSections:
      rule(
        .must, "sections of an offer keep their place and kind, and every mid names one of them",
        "RFC 3264 §8, RFC 9429 §5.2.2", [.dropsSection])
    case .offerVersion:
      rule(
        .must, "an offer that changed has the next version of its session's o= line",
        "RFC 3264 §8", [.staleOfferVersion])
    case .extensionIDs:
      rule(
        .must, "every id stands for one header extension, in all sections of a transport",
        "RFC 8285 §5, RFC 9143 §9.1", [.sharedExtensionID])
    case .sectionAddress:
      rule(.must, "every section has a c= line, or the session has", "RFC 8866 §5.7", [.noAddress])
    case .answer:
      rule(
        .must, "an answer has the sections of its offer, and of each only what it offered",
        "RFC 3264 §6, RFC 9429 §5.3", [.answersMore])
    case .mid:
      rule(
        .must, "the mid in a packet names the section that announced its SSRC", "RFC 9143 §9.2",
        [.wrongMid])
    case .payloadType:
      rule(
        .must, "packets have payload types that their section negotiated", "RFC 3264 §6.1",
        [.wrongPayloadType])
    case .pictureID:
      rule(
        .must, "picture ids go up from frame to frame, over layer switches as well",
        "RFC 7741 §4.2, RFC 9628 §4.2", [.pictureIDsOfLayers])
    case .temporalIndex:
      rule(
        .must, "TL0PICIDX goes up with the frames of temporal layer 0, over layer switches as well",
        "RFC 7741 §4.2, RFC 9628 §4.2", [.temporalIndicesOfLayers])
    case .timestamp:
      rule(
        .must, "RTP timestamps go on with the sampling clock, over layer switches as well",
        "RFC 3550 §5.1", [.timestampsOfLayers])
    case .senderReports:
      rule(
        .must, "streams that are sent have sender reports", "RFC 3550 §6.2", [.noSenderReports])
    case .lipSync:
      rule(
        .should, "sender reports relate sound and picture of a publisher within 100 ms",
        "RFC 3550 §6.4.1", [.lateSenderReports])
    case .receiverReports:
      rule(
        .must, "publishers have receiver reports on what they send", "RFC 3550 §6.2",
        [.noReceiverReports])
    case .uplinkNACK:
      rule(
        .should, "the SFU asks publishers for lost video packets", "RFC 4585 §6.2.1",
        [.noUplinkNACK])
    }
  }

  /// As the rule's id has it behind `rule/`.
  public var name: String {
    switch self {
    case .offerSections: "offer-sections"
    case .offerVersion: "offer-version"
    case .extensionIDs: "extension-ids"
    case .sectionAddress: "section-address"
    case .answer: "answer"
    case .mid: "mid"
    case .payloadType: "payload-type"
    case .pictureID: "picture-id"
    case .temporalIndex: "tl0picidx"
    case .timestamp: "timestamp"
    case .senderReports: "sender-reports"
    case .lipSync: "lip-sync"
    case .receiverReports: "receiver-reports"
    case .uplinkNACK: "uplink-nack"
    }
  }

  private func rule(
    _ level: Rule.Level, _ requirement: String, _ source: String, _ mutants: [Mutant]
  ) -> Rule {
    Rule(
      id: "rule/\(name)", requirement: requirement, source: source, level: level,
      metric: ProtocolFault.metric, reach: .anySFU, mutants: mutants.map(\.rawValue))
  }

  /// The metric that counts them.
  public static let metric = "assay.protocolFaults"
}

extension ProtocolFault: Codable {
  public init(from decoder: any Decoder) throws {
    let name = try decoder.singleValueContainer().decode(String.self)
    guard let fault = ProtocolFault.allCases.first(where: { $0.name == name }) else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "no protocol fault: \(name)"))
    }
    self = fault
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(name)
  }
}

/// How often a client checked for a fault, and found it.
public struct ProtocolFaultCount: Sendable, Equatable, Codable {
  public var fault: ProtocolFault
  public var checks: Int
  public var found: Int
  /// The first one: when, and what stood where; nil and empty where there is none.
  public var first: Instant?
  public var detail: String

  public init(
    fault: ProtocolFault, checks: Int, found: Int, first: Instant?, detail: String
  ) {
    self.fault = fault
    self.checks = checks
    self.found = found
    self.first = first
    self.detail = detail
  }
}
