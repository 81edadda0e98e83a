// YAML 1.2 core documents through libyaml's events; size, depth and alias expansion have limits.

import CYAML

/// Builds a tree of `YAMLNode` from the bytes of one file.
struct YAMLReader: ~Copyable {
  enum Limit {
    static let bytes = 1_000_000
    static let depth = 64
    /// Nodes after the expansion of aliases.
    static let nodes = 200_000
  }

  private let file: String
  private var parser = yaml_parser_t()
  private var anchors: [String: YAMLNode] = [:]
  private var openAnchors: [String] = []
  private var nodes = 0

  /// The only document in `bytes`.
  ///
  /// - Throws: `ScenarioError` for anything but one well-formed UTF-8 document within the limits.
  static func read(_ bytes: [UInt8], file: String) throws -> YAMLNode {
    let start = SourceMark(file: file, line: 1, column: 1)
    guard bytes.count <= Limit.bytes else {
      throw ScenarioError(start, tooLarge(bytes.count))
    }
    let text = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
    try checkEncoding(text, file: file)
    return try text.withUnsafeBufferPointer { buffer in
      var reader = YAMLReader(file: file)
      guard yaml_parser_initialize(&reader.parser) != 0 else {
        throw ScenarioError(start, "no memory for the YAML parser")
      }
      defer { yaml_parser_delete(&reader.parser) }
      yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING)
      yaml_parser_set_input_string(&reader.parser, buffer.baseAddress, buffer.count)
      return try reader.document(source: buffer)
    }
  }

  static func tooLarge(_ bytes: Int) -> String {
    "the file has \(bytes) bytes; a scenario has at most \(Limit.bytes): split it with include, "
      + "or keep large data in a trace file"
  }

  private init(file: String) { self.file = file }

  private func mark(_ mark: yaml_mark_t) -> SourceMark {
    SourceMark(file: file, line: Int(mark.line) + 1, column: Int(mark.column) + 1)
  }

  // MARK: - Events

  private mutating func next(_ source: UnsafeBufferPointer<UInt8>) throws -> Event {
    var event = yaml_event_t()
    guard yaml_parser_parse(&parser, &event) != 0 else { throw syntaxError(source) }
    defer { yaml_event_delete(&event) }
    let place = mark(event.start_mark)
    switch event.type {
    case YAML_STREAM_END_EVENT: return Event(mark: place, kind: .streamEnd)
    case YAML_DOCUMENT_START_EVENT: return Event(mark: place, kind: .documentStart)
    case YAML_ALIAS_EVENT:
      return Event(mark: place, kind: .alias(YAMLReader.string(event.data.alias.anchor) ?? ""))
    case YAML_SCALAR_EVENT:
      let scalar = event.data.scalar
      try refuseTag(scalar.tag, at: place)
      let text = String(
        decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
      try YAMLReader.refuseControls(in: text, at: place)
      return Event(
        mark: place, kind: .scalar(text, plain: scalar.style == YAML_PLAIN_SCALAR_STYLE),
        anchor: YAMLReader.string(scalar.anchor))
    case YAML_SEQUENCE_START_EVENT:
      try refuseTag(event.data.sequence_start.tag, at: place)
      return Event(
        mark: place, kind: .sequenceStart,
        anchor: YAMLReader.string(event.data.sequence_start.anchor))
    case YAML_MAPPING_START_EVENT:
      try refuseTag(event.data.mapping_start.tag, at: place)
      return Event(
        mark: place, kind: .mappingStart,
        anchor: YAMLReader.string(event.data.mapping_start.anchor))
    case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT:
      return Event(mark: place, kind: .collectionEnd)
    default: return Event(mark: place, kind: .other)
    }
  }

  private struct Event {
    enum Kind {
      case documentStart, streamEnd, sequenceStart, mappingStart, collectionEnd, other
      case alias(String)
      case scalar(String, plain: Bool)
    }
    var mark: SourceMark
    var kind: Kind
    var anchor: String?
  }

  private static func string(_ bytes: UnsafePointer<yaml_char_t>?) -> String? {
    bytes.map { String(cString: $0) }
  }

  /// Characters that move a terminal's cursor or change the order of what is read.
  private static func refuseControls(in text: String, at place: SourceMark) throws {
    for scalar in text.unicodeScalars where scalar != "\n" && scalar != "\t" {
      switch scalar.properties.generalCategory {
      case .control, .lineSeparator, .paragraphSeparator: break
      case .format where (0x202A...0x202E).contains(scalar.value): break
      case .format where (0x2066...0x2069).contains(scalar.value): break
      default: continue
      }
      let digits = String(scalar.value, radix: 16, uppercase: true)
      let code = String(repeating: "0", count: max(0, 4 - digits.count)) + digits
      throw ScenarioError(place, "the control character U+\(code) stands here; take it out")
    }
  }

  private static func refuseLines(in value: YAMLNode) throws {
    guard case .scalar(let text, _) = value.content, text.unicodeScalars.contains("\n") else {
      return
    }
    throw ScenarioError(value.mark, "a value has one line; only 'about' may have several")
  }

  private func refuseTag(_ tag: UnsafePointer<yaml_char_t>?, at place: SourceMark) throws {
    guard let tag = YAMLReader.string(tag), tag != "!" else { return }
    try YAMLReader.refuseControls(in: tag, at: place)
    throw ScenarioError(place, "the tag '\(tag)' means nothing here; leave it out")
  }

  // MARK: - Tree

  private mutating func document(source: UnsafeBufferPointer<UInt8>) throws -> YAMLNode {
    var root: YAMLNode?
    while true {
      let event = try next(source)
      switch event.kind {
      case .streamEnd:
        guard let root else {
          throw ScenarioError(
            event.mark, "the file is empty; a scenario begins with 'assay: 1'")
        }
        return root
      case .documentStart:
        guard root == nil else {
          throw ScenarioError(
            event.mark, "a second document begins here; a scenario file holds one")
        }
        let first = try next(source)
        root = try node(from: first, depth: 1, source: source)
      default: continue
      }
    }
  }

  private mutating func node(
    from event: Event, depth: Int, source: UnsafeBufferPointer<UInt8>
  ) throws -> YAMLNode {
    guard depth <= Limit.depth else {
      throw ScenarioError(event.mark, "nested more than \(Limit.depth) levels deep")
    }
    if case .alias(let name) = event.kind { return try alias(name, at: event.mark) }
    if let anchor = event.anchor { openAnchors.append(anchor) }
    try count(1, at: event.mark)
    var node = YAMLNode(mark: event.mark, content: .mapping([]))
    switch event.kind {
    case .scalar(let text, let plain): node.content = .scalar(text, plain: plain)
    case .sequenceStart: try readSequence(into: &node, depth: depth, source: source)
    default: try readMapping(into: &node, depth: depth, source: source)
    }
    if let anchor = event.anchor {
      openAnchors.removeLast()
      anchors[anchor] = node
    }
    return node
  }

  private mutating func readSequence(
    into node: inout YAMLNode, depth: Int, source: UnsafeBufferPointer<UInt8>
  ) throws {
    var items: [YAMLNode] = []
    while true {
      let event = try next(source)
      if case .collectionEnd = event.kind { break }
      let item = try self.node(from: event, depth: depth + 1, source: source)
      try YAMLReader.refuseLines(in: item)
      node.nodes += item.nodes
      items.append(item)
    }
    node.content = .sequence(items)
  }

  private mutating func readMapping(
    into node: inout YAMLNode, depth: Int, source: UnsafeBufferPointer<UInt8>
  ) throws {
    var entries: [YAMLNode.Entry] = []
    var lines: [String: Int] = [:]
    while true {
      let event = try next(source)
      if case .collectionEnd = event.kind { break }
      guard case .scalar(let key, _) = event.kind else {
        throw ScenarioError(event.mark, "a key is a plain word here, not a list, mapping or alias")
      }
      guard !key.unicodeScalars.contains(where: { $0 == "\n" || $0 == "\t" }) else {
        throw ScenarioError(event.mark, "a key has one line and no tab; take the rest out")
      }
      if let line = lines[key] {
        throw ScenarioError(
          event.mark, "the key '\(key)' stands already in line \(line); keep one of the two")
      }
      lines[key] = event.mark.line
      let first = try next(source)
      let value = try self.node(from: first, depth: depth + 1, source: source)
      // Names reach terminals and the logs of CI servers, which read commands at the start of a line.
      if key != "about" { try YAMLReader.refuseLines(in: value) }
      node.nodes += value.nodes
      entries.append(YAMLNode.Entry(key: key, mark: event.mark, value: value))
    }
    node.content = .mapping(entries)
  }

  private mutating func alias(_ name: String, at place: SourceMark) throws -> YAMLNode {
    guard !openAnchors.contains(name) else {
      throw ScenarioError(
        place, "the alias '*\(name)' stands inside what it names, which has no end; leave it out")
    }
    guard let node = anchors[name] else {
      throw ScenarioError(
        place,
        "the alias '*\(name)' has no anchor above it"
          + Suggestion.clause(for: name, among: anchors.keys.sorted(), called: "anchors"))
    }
    try count(node.nodes, at: place)
    return node
  }

  private mutating func count(_ added: Int, at place: SourceMark) throws {
    nodes += added
    guard nodes <= Limit.nodes else {
      throw ScenarioError(
        place, "with its aliases written out the file has more than \(Limit.nodes) values")
    }
  }

  // MARK: - Faults

  private func syntaxError(_ source: UnsafeBufferPointer<UInt8>) -> ScenarioError {
    let problem = parser.problem.map { String(cString: $0) } ?? "not YAML"
    if parser.error == YAML_READER_ERROR {
      let place = YAMLReader.place(of: Int(parser.problem_offset), in: source, file: file)
      return ScenarioError(place, "\(problem); remove the character")
    }
    let place = mark(parser.problem_mark)
    if Int(parser.problem_mark.index) < source.count {
      let offset = YAMLReader.byteOffset(ofScalar: Int(parser.problem_mark.index), in: source)
      if offset < source.count, source[offset] == UInt8(ascii: "\t") {
        return ScenarioError(place, "a tab stands here; YAML is indented with spaces")
      }
    }
    guard let context = parser.context.map({ String(cString: $0) }) else {
      return ScenarioError(place, "not YAML: \(problem)")
    }
    let line = Int(parser.context_mark.line) + 1
    return ScenarioError(place, "not YAML: \(problem) (\(context) in line \(line))")
  }

  private static func byteOffset(ofScalar index: Int, in source: UnsafeBufferPointer<UInt8>) -> Int
  {
    var scalars = -1
    for offset in source.indices where source[offset] & 0xC0 != 0x80 {
      scalars += 1
      if scalars == index { return offset }
    }
    return source.count
  }

  private static func place(
    of offset: Int, in source: some Collection<UInt8>, file: String
  ) -> SourceMark {
    var place = SourceMark(file: file, line: 1, column: 1)
    for byte in source.prefix(offset) {
      if byte == UInt8(ascii: "\n") {
        place.line += 1
        place.column = 1
      } else if byte & 0xC0 != 0x80 {
        place.column += 1
      }
    }
    return place
  }

  private static func checkEncoding(_ bytes: [UInt8], file: String) throws {
    guard String(validating: bytes, as: UTF8.self) == nil else { return }
    var decoder = UTF8()
    var iterator = bytes.makeIterator()
    var offset = 0
    while case .scalarValue(let scalar) = decoder.decode(&iterator) {
      offset += UTF8.width(scalar)
    }
    throw ScenarioError(
      place(of: offset, in: bytes, file: file),
      "not UTF-8 (byte \(offset) of the file); save the file as UTF-8")
  }
}
