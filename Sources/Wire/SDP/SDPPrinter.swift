// Prints a session description in the order of RFC 8866 §5, lines ending in CRLF.

extension SessionDescription: CustomStringConvertible {
  /// The whole description. CR, LF and NUL in a value are left out, so that a name that came from
  /// elsewhere cannot begin a line of its own.
  public var description: String {
    var printer = SDPPrinter()
    printer.line("v", "0")
    printer.line("o", origin.sdp)
    printer.line("s", name)
    printer.line("i", information)
    printer.line("u", uri)
    for email in emails { printer.line("e", email) }
    for phone in phones { printer.line("p", phone) }
    printer.line("c", connection?.sdp)
    for bandwidth in bandwidths { printer.line("b", bandwidth.sdp) }
    for timing in timings {
      printer.line("t", timing.sdp)
      for text in timing.repeats { printer.line("r", text) }
      printer.line("z", timing.zone)
    }
    printer.attributes("group", groups)
    printer.flag("ice-lite", isICELite)
    printer.flag("extmap-allow-mixed", allowsMixedExtensions)
    printer.attribute("msid-semantic", msidSemantic)
    printer.transport(transport)
    if let direction { printer.flag(direction.rawValue, true) }
    printer.attributes("extmap", headerExtensions)
    for attribute in otherAttributes { printer.line("a", attribute.sdp) }
    for section in media { printer.media(section) }
    return printer.text
  }
}

private struct SDPPrinter {
  private(set) var text = ""

  mutating func line(_ letter: Character, _ value: String?) {
    guard let value else { return }
    text.append(letter)
    text.append("=")
    text.unicodeScalars.append(
      contentsOf: value.unicodeScalars.filter { $0 != "\r" && $0 != "\n" && $0 != "\0" })
    text.append("\r\n")
  }

  mutating func attribute(_ name: String, _ value: String?) {
    if let value { line("a", "\(name):\(value)") }
  }

  mutating func attributes(_ name: String, _ values: [some SDPValue]) {
    for value in values { attribute(name, value.sdp) }
  }

  mutating func flag(_ name: String, _ isSet: Bool) {
    if isSet { line("a", name) }
  }

  mutating func transport(_ transport: TransportAttributes) {
    attribute("ice-ufrag", transport.iceUfrag)
    attribute("ice-pwd", transport.icePwd)
    if !transport.iceOptions.isEmpty {
      attribute("ice-options", transport.iceOptions.joined(separator: " "))
    }
    attributes("fingerprint", transport.fingerprints)
    attribute("setup", transport.setup?.rawValue)
  }

  mutating func media(_ media: MediaDescription) {
    line("m", media.sdp)
    line("i", media.information)
    line("c", media.connection?.sdp)
    for bandwidth in media.bandwidths { line("b", bandwidth.sdp) }
    attribute("mid", media.mid)
    flag("bundle-only", media.isBundleOnly)
    transport(media.transport)
    for candidate in media.candidates { line("a", candidate.description) }
    flag("end-of-candidates", media.endOfCandidates)
    if let direction = media.direction { flag(direction.rawValue, true) }
    flag("rtcp-mux", media.rtcpMux)
    flag("rtcp-rsize", media.rtcpReducedSize)
    flag("extmap-allow-mixed", media.allowsMixedExtensions)
    attributes("extmap", media.headerExtensions)
    attributes("msid", media.msids)
    attributes("rtpmap", media.rtpMaps)
    attributes("rtcp-fb", media.rtcpFeedback)
    attributes("fmtp", media.formatParameters)
    attributes("ssrc-group", media.ssrcGroups)
    attributes("ssrc", media.ssrcs)
    attributes("rid", media.rids)
    attribute("simulcast", media.simulcast?.sdp)
    attribute("sctp-port", media.sctpPort.map(String.init))
    attribute("max-message-size", media.maxMessageSize.map(String.init))
    for other in media.otherAttributes { line("a", other.sdp) }
  }
}
