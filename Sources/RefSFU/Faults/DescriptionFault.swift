// Deliberate faults in the SFU's offers and answers, put in where they are written out.

import Results
import Wire

enum DescriptionFault {
  case section, version, extensionID, address, format

  init?(_ mutant: Mutant?) {
    switch mutant {
    case .dropsSection: self = .section
    case .staleOfferVersion: self = .version
    case .sharedExtensionID: self = .extensionID
    case .noAddress: self = .address
    case .answersMore: self = .format
    default: return nil
    }
  }

  /// - Parameter number: of the offer in its session, from 1.
  func change(offer text: String, number: UInt64) -> String {
    switch self {
    case .section where number > 1:
      var offer = SDPText(text)
      offer.sections.removeFirst()
      return offer.text
    case .version:
      return DescriptionFault.lines(of: text) { line in
        guard line.hasPrefix("o=") else { return line }
        var fields = line.split(separator: " ").map(String.init)
        if fields.count > 2 { fields[2] = "1" }
        return fields.joined(separator: " ")
      }
    case .extensionID:
      return DescriptionFault.lines(of: text) { line in
        line.hasPrefix("a=extmap:4 ") ? "a=extmap:3 " + line.dropFirst("a=extmap:4 ".count) : line
      }
    default: return text
    }
  }

  func change(answer: inout SessionDescription) {
    for index in answer.media.indices where !answer.media[index].isRejected {
      switch self {
      case .address: answer.media[index].connection = nil
      case .format where answer.media[index].isRTP: answer.media[index].formats.append("35")
      default: break
      }
    }
  }

  private static func lines(of text: String, _ change: (String) -> String) -> String {
    text.split(separator: "\r\n", omittingEmptySubsequences: false)
      .map { change(String($0)) }.joined(separator: "\r\n")
  }
}
