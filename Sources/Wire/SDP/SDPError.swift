// Why a text is no session description, and the limits we read one within (RFC 8866).

/// The limits of the SDP reader.
public enum SDPLimits {
  /// Bytes of a whole session description.
  public static let size = 256 * 1024
  /// Media descriptions (m= lines) in one, and mids in a group.
  public static let mediaCount = 1000
  /// Formats of an m= line; there are 128 payload types.
  public static let formatCount = 256
  /// Lines of a section, so that a search in a search stays cheap.
  public static let sectionLineCount = 4096
}

/// A fault in a session description and the line it stands on.
public struct SDPError: Error, Equatable, Sendable {
  public enum Kind: Error, CaseIterable, Sendable {
    /// More than `SDPLimits.size` bytes, or `sectionLineCount` lines in a section.
    case tooLarge
    /// More than `SDPLimits.mediaCount` m= lines.
    case tooManyMedia
    /// Not `<letter>=<value>`, or with a stray CR or NUL in it.
    case malformedLine
    /// A letter that RFC 8866 §5 does not know.
    case unknownLine
    /// A line that RFC 8866 §5 does not allow at this place, or allows only once.
    case misplacedLine
    /// The end came before one of the lines v=, o=, s= and t=.
    case missingLine
    /// A version other than 0.
    case badVersion
    /// A line other than a= that its grammar does not allow.
    case badLine
    /// A known attribute with a value its grammar does not allow.
    case badAttribute
    /// An attribute, or a mid, a second time where only one may stand.
    case duplicate
  }

  /// Counted from 1.
  public let line: Int
  public let kind: Kind

  public init(line: Int, kind: Kind) {
    self.line = line
    self.kind = kind
  }
}
