// Reads a session description (RFC 8866 §9): strict about lines, tolerant of attributes.

extension SessionDescription {
  /// Reads lines that end in CRLF or LF. An attribute the model does not know is kept, a candidate
  /// of unknown transport or type as well.
  /// - Throws: the first fault and its line.
  public init(parsing text: String) throws(SDPError) {
    guard text.utf8.count <= SDPLimits.size else { throw SDPError(line: 1, kind: .tooLarge) }
    var parser = SDPParser()
    for line in SDPParser.lines(of: text) {
      parser.lineNumber += 1
      do throws(SDPError.Kind) {
        try parser.read(line)
      } catch {
        throw SDPError(line: parser.lineNumber, kind: error)
      }
    }
    guard parser.isComplete else {
      throw SDPError(line: parser.lineNumber + 1, kind: .missingLine)
    }
    self = parser.session
  }
}

private struct SDPParser {
  var session = SessionDescription(origin: SDPOrigin(sessionID: 0, sessionVersion: 0), name: "")
  var lineNumber = 0
  private var sectionLineCount = 0
  private var previous: UInt8 = 0
  private var seen = (version: false, origin: false, name: false)
  private var mids: Set<String> = []

  var isComplete: Bool {
    seen.version && seen.origin && seen.name && !session.timings.isEmpty
  }

  init() { session.timings = [] }

  /// Without empty ones at the end, which copying by hand adds.
  static func lines(of text: String) -> [Substring.UTF8View] {
    var lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    lines = lines.map { $0.last == UInt8(ascii: "\r") ? $0.dropLast() : $0 }
    while lines.last?.isEmpty == true { lines.removeLast() }
    return lines
  }

  /// The order of RFC 8866 §5. t=, r= and z= may come in turns.
  private static let sessionOrder = Array("vosiuepcbtrzka".utf8)
  private static let mediaOrder = Array("micbka".utf8)
  private static let repeatable = Array("epbtra".utf8)

  mutating func read(_ line: Substring.UTF8View) throws(SDPError.Kind) {
    guard line.count >= 2, let letter = line.first, line.dropFirst().first == UInt8(ascii: "="),
      line.allSatisfy({ $0 != 0 && $0 != UInt8(ascii: "\r") })
    else { throw .malformedLine }
    try place(letter)
    sectionLineCount = letter == UInt8(ascii: "m") ? 1 : sectionLineCount + 1
    guard sectionLineCount <= SDPLimits.sectionLineCount else { throw .tooLarge }
    let fields = SDPFields(Substring(line.dropFirst(2)).utf8)
    if letter == UInt8(ascii: "m") {
      guard session.media.count < SDPLimits.mediaCount else { throw .tooManyMedia }
      session.media.append(try known(MediaDescription(sdp: fields), else: .badLine))
    } else if session.media.isEmpty {
      try readSessionLine(letter, fields)
    } else {
      try session.media[session.media.count - 1].readLine(letter, fields)
      if line.starts(with: "a=mid:".utf8), let mid = session.media.last?.mid {
        guard mids.insert(mid).inserted else { throw .duplicate }
      }
    }
  }

  /// Checks that `letter` may follow the line before.
  private mutating func place(_ letter: UInt8) throws(SDPError.Kind) {
    guard SDPParser.sessionOrder.contains(letter) || letter == UInt8(ascii: "m") else {
      throw .unknownLine
    }
    if letter == UInt8(ascii: "m") {
      guard isComplete else { throw .missingLine }
      previous = letter
      return
    }
    let order = session.media.isEmpty ? SDPParser.sessionOrder : SDPParser.mediaOrder
    guard let rank = order.firstIndex(of: letter) else { throw .misplacedLine }
    let before = order.firstIndex(of: previous) ?? -1
    let isTimeAgain =
      letter == UInt8(ascii: "t")
      && (previous == UInt8(ascii: "r") || previous == UInt8(ascii: "z"))
    guard
      rank > before || isTimeAgain || rank == before && SDPParser.repeatable.contains(letter)
    else { throw .misplacedLine }
    previous = letter
  }

  private mutating func readSessionLine(
    _ letter: UInt8, _ fields: SDPFields
  ) throws(SDPError.Kind) {
    let text = String(Substring(fields.rest))
    switch letter {
    case UInt8(ascii: "v"):
      guard text == "0" else { throw .badVersion }
      seen.version = true
    case UInt8(ascii: "o"):
      guard seen.version else { throw .missingLine }
      session.origin = try known(SDPOrigin(sdp: fields), else: .badLine)
      seen.origin = true
    case UInt8(ascii: "s"):
      session.name = text
      seen.name = true
    case UInt8(ascii: "i"): session.information = text
    case UInt8(ascii: "u"): session.uri = text
    case UInt8(ascii: "e"): session.emails.append(text)
    case UInt8(ascii: "p"): session.phones.append(text)
    case UInt8(ascii: "c"):
      session.connection = try known(SDPConnection(sdp: fields), else: .badLine)
    case UInt8(ascii: "b"):
      session.bandwidths.append(try known(SDPBandwidth(sdp: fields), else: .badLine))
    case UInt8(ascii: "t"):
      session.timings.append(try known(SDPTiming(sdp: fields), else: .badLine))
    case UInt8(ascii: "r"), UInt8(ascii: "z"):
      guard !session.timings.isEmpty else { throw .misplacedLine }
      let last = session.timings.count - 1
      if letter == UInt8(ascii: "r") {
        session.timings[last].repeats.append(text)
      } else {
        session.timings[last].zone = text
      }
    case UInt8(ascii: "a"): try readSessionAttribute(fields)
    default: break  // k= is to be discarded (RFC 8866 §5.12).
    }
  }

  private mutating func readSessionAttribute(_ fields: SDPFields) throws(SDPError.Kind) {
    let attribute = try known(SDPAttribute(sdp: fields), else: .badLine)
    let value = SDPFields(attribute.value ?? "")
    if try session.transport.read(attribute) { return }
    switch attribute.name {
    case "group": session.groups.append(try known(MediaGroup(sdp: value)))
    case "ice-lite": session.isICELite = true
    case "extmap-allow-mixed": session.allowsMixedExtensions = true
    case "msid-semantic": try fill(&session.msidSemantic, value.text)
    case "sendrecv", "sendonly", "recvonly", "inactive":
      try fill(&session.direction, MediaDirection(rawValue: attribute.name))
    case "extmap": session.headerExtensions.append(try known(HeaderExtension(sdp: value)))
    default: session.otherAttributes.append(attribute)
    }
  }
}

// MARK: - Attributes

extension TransportAttributes {
  /// Whether it was an attribute of the transport.
  fileprivate mutating func read(_ attribute: SDPAttribute) throws(SDPError.Kind) -> Bool {
    let value = SDPFields(attribute.value ?? "")
    switch attribute.name {
    case "ice-ufrag": try fill(&iceUfrag, value.iceText(atLeast: 4))
    case "ice-pwd": try fill(&icePwd, value.iceText(atLeast: 22))
    case "ice-options":
      var options = value
      iceOptions += options.all()
    case "fingerprint": fingerprints.append(try known(Fingerprint(sdp: value)))
    case "setup": try fill(&setup, value.text.flatMap(DTLSSetup.init))
    default: return false
    }
    return true
  }
}

extension MediaDescription {
  /// A line below the m= line.
  fileprivate mutating func readLine(
    _ letter: UInt8, _ fields: SDPFields
  ) throws(SDPError.Kind) {
    switch letter {
    case UInt8(ascii: "i"): information = String(Substring(fields.rest))
    case UInt8(ascii: "c"): connection = try known(SDPConnection(sdp: fields), else: .badLine)
    case UInt8(ascii: "b"):
      bandwidths.append(try known(SDPBandwidth(sdp: fields), else: .badLine))
    case UInt8(ascii: "a"): try read(try known(SDPAttribute(sdp: fields), else: .badLine))
    default: break  // k=, as above.
    }
  }

  private mutating func read(_ attribute: SDPAttribute) throws(SDPError.Kind) {
    if try transport.read(attribute) { return }
    if try readStream(attribute) { return }
    let value = SDPFields(attribute.value ?? "")
    switch attribute.name {
    case "mid": try fill(&mid, value.text.flatMap { isVisible($0) ? $0 : nil })
    case "sendrecv", "sendonly", "recvonly", "inactive":
      try fill(&direction, MediaDirection(rawValue: attribute.name))
    case "bundle-only": isBundleOnly = true
    case "extmap-allow-mixed": allowsMixedExtensions = true
    case "rtcp-mux": rtcpMux = true
    case "rtcp-rsize": rtcpReducedSize = true
    case "candidate":
      if let candidate = Candidate(sdp: value) {
        candidates.append(candidate)
      } else {
        otherAttributes.append(attribute)
      }
    case "end-of-candidates": endOfCandidates = true
    case "sctp-port": try fill(&sctpPort, value.text.flatMap(decimal))
    case "max-message-size": try fill(&maxMessageSize, value.text.flatMap(decimal))
    default: otherAttributes.append(attribute)
    }
  }

  /// Whether it was an attribute of a codec or of an RTP stream.
  private mutating func readStream(_ attribute: SDPAttribute) throws(SDPError.Kind) -> Bool {
    let value = SDPFields(attribute.value ?? "")
    switch attribute.name {
    case "rtpmap": rtpMaps.append(try known(RTPMap(sdp: value)))
    case "fmtp" where isRTP: formatParameters.append(try known(FormatParameters(sdp: value)))
    case "rtcp-fb": rtcpFeedback.append(try known(RTCPFeedback(sdp: value)))
    case "extmap": headerExtensions.append(try known(HeaderExtension(sdp: value)))
    case "msid": msids.append(try known(MediaStreamID(sdp: value)))
    case "ssrc": ssrcs.append(try known(SSRCAttribute(sdp: value)))
    case "ssrc-group": ssrcGroups.append(try known(SSRCGroup(sdp: value)))
    case "rid": rids.append(try known(RIDDescription(sdp: value)))
    case "simulcast": try fill(&simulcast, Simulcast(sdp: value))
    default: return false
    }
    return true
  }
}

private func known<T>(
  _ value: T?, else kind: SDPError.Kind = .badAttribute
) throws(SDPError.Kind) -> T {
  guard let value else { throw kind }
  return value
}

private func fill<T>(_ field: inout T?, _ value: T?) throws(SDPError.Kind) {
  guard field == nil else { throw .duplicate }
  field = try known(value)
}

extension SDPFields {
  /// Everything, without spaces in front; nil if that is nothing.
  fileprivate var text: String? {
    var fields = self
    return fields.remainder()
  }

  fileprivate func iceText(atLeast count: Int) -> String? {
    text.flatMap { $0.utf8.count >= count && $0.utf8.count <= 256 && isVisible($0) ? $0 : nil }
  }
}

// MARK: - Lines other than attributes

extension SDPOrigin: SDPValue {
  init?(sdp fields: SDPFields) {
    var fields = fields
    guard let username = fields.next(), let id: UInt64 = fields.number(),
      let version: UInt64 = fields.number(), let network = fields.next(),
      let addressType = fields.next(), let address = fields.next(), fields.isEmpty
    else { return nil }
    self.init(
      username: username, sessionID: id, sessionVersion: version, network: network,
      addressType: addressType, address: address)
  }

  var sdp: String {
    "\(username) \(sessionID) \(sessionVersion) \(network) \(addressType) \(address)"
  }
}

extension SDPConnection: SDPValue {
  init?(sdp fields: SDPFields) {
    var fields = fields
    guard let network = fields.next(), let addressType = fields.next(),
      let address = fields.next(), fields.isEmpty
    else { return nil }
    self.init(network: network, addressType: addressType, address: address)
  }

  var sdp: String { "\(network) \(addressType) \(address)" }
}

extension SDPBandwidth: SDPValue {
  init?(sdp fields: SDPFields) {
    var fields = fields
    guard let type = fields.next(upTo: ":"), let value: UInt64 = fields.number(), fields.isEmpty
    else { return nil }
    self.init(type: type, value: value)
  }

  var sdp: String { "\(type):\(value)" }
}

extension SDPTiming: SDPValue {
  init?(sdp fields: SDPFields) {
    var fields = fields
    guard let start: UInt64 = fields.number(), let stop: UInt64 = fields.number(), fields.isEmpty
    else { return nil }
    self.init(start: start, stop: stop)
  }

  var sdp: String { "\(start) \(stop)" }
}

extension MediaDescription: SDPValue {
  /// Only the m= line.
  init?(sdp fields: SDPFields) {
    var fields = fields
    guard let kind = fields.next(), var ports = fields.next().map({ SDPFields($0) }),
      let port: UInt16 = ports.number(upTo: "/"), let `protocol` = fields.next()
    else { return nil }
    self.init(
      kind: MediaKind(kind), port: port, protocol: `protocol`, formats: fields.all())
    if let count = ports.remainder() {
      guard let count: UInt16 = decimal(count) else { return nil }
      portCount = count
    }
    guard !formats.isEmpty, formats.count <= SDPLimits.formatCount else { return nil }
  }

  var sdp: String {
    let ports = "\(port)" + (portCount.map { "/\($0)" } ?? "")
    return "\(kind.text) \(ports) \(`protocol`) \(formats.joined(separator: " "))"
  }
}
