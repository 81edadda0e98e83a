// A description cut into its sections as text, so that an end which knows most of them already reads
// and writes only those that changed.

/// The session part of a description and its media sections, each with its CRLFs.
public struct SDPText: Equatable, Sendable {
  /// From `v=` up to the first `m=` line.
  public var session: String
  /// Each from its `m=` line on.
  public var sections: [String]

  public init(session: String, sections: [String]) {
    self.session = session
    self.sections = sections
  }

  /// Cuts `text` at its `m=` lines; judges nothing.
  public init(_ text: String) {
    let bytes = Array(text.utf8)
    var starts: [Int] = []
    var i = 0
    while i < bytes.count {
      let isLineStart = i == 0 || bytes[i - 1] == UInt8(ascii: "\n")
      if isLineStart, bytes[i] == UInt8(ascii: "m"), i + 1 < bytes.count,
        bytes[i + 1] == UInt8(ascii: "=")
      {
        starts.append(i)
      }
      i += 1
    }
    session = String(decoding: bytes[..<(starts.first ?? bytes.count)], as: UTF8.self)
    sections = starts.indices.map { index in
      let end = index + 1 < starts.count ? starts[index + 1] : bytes.count
      return String(decoding: bytes[starts[index]..<end], as: UTF8.self)
    }
  }

  public var text: String { session + sections.joined() }
}
