// The links that participants on real sockets may have: those of a scenario-language file, and presets.

import Basics
import NetSim

/// Links by name. A file of `serve --network` needs nothing but `links`; in a whole scenario the
/// participants' links count as well.
public struct Network: Sendable {
  /// A link ready for use.
  public struct NamedLink: Sendable {
    public let name: String
    public let up: LinkConfiguration
    public let down: LinkConfiguration
    /// As a person would say it.
    public let upText: String
    public let downText: String

    init(_ link: Scenario.Link) throws {
      name = link.name
      up = try link.up.configuration()
      down = try link.down.configuration()
      upText = link.up.text
      downText = link.down.text
    }
  }

  /// Those of the file, in its order, then the presets that it does not rename.
  public private(set) var links: [NamedLink] = []
  /// The link of everyone who has none by name: the file's first.
  private let standard: String
  private var linkOfGroup: [String: String] = [:]

  /// - Throws: `ScenarioError`, or `RunError` for a trace that cannot be used.
  public init(file: String) throws {
    let bytes = try ScenarioFile.bytes(of: file)
    try self.init(bytes, file: file)
  }

  /// - Parameter file: for messages, and the place from which other files are found.
  public init(_ bytes: [UInt8], file: String) throws {
    let files = FileFinder()
    let root = try Inclusion(files: files).merged(
      try YAMLReader.read(bytes, file: file), chain: [file])
    try Grammar.network.check(root)
    var reader = ScenarioReader(
      root: root, files: files, scenario: Scenario(file: file, name: file, duration: .zero))
    try reader.readLinks()
    guard let first = reader.scenario.links.first else {
      throw root.error("no links; write links: { home: { use: lossy-wifi } }")
    }
    standard = first.name
    for link in reader.scenario.links { links.append(try NamedLink(link)) }
    for entry in root["participants"]?.entries ?? [] {
      guard let node = entry.value["link"] else { continue }
      linkOfGroup[entry.key] = try reader.linkName(node)
    }
    for preset in LinkPreset.all where link(named: preset.name) == nil {
      links.append(
        try NamedLink(Scenario.Link(name: preset.name, up: preset.up, down: preset.down)))
    }
  }

  public func link(named name: String) -> NamedLink? { links.first { $0.name == name } }

  /// The link that `identity` starts on: that of the group of its name, or the file's first.
  public func initialLink(of identity: String) -> NamedLink {
    link(named: linkOfGroup[identity] ?? standard)!
  }
}

extension Network {
  /// A wish to change somebody's link, in JSON or YAML:
  /// `{"identity": "ada", "room": "demo", "link": "lossy-wifi"}`, or `"link": {"rate": "1Mbps"}`
  /// with what a scenario's link may have.
  public struct Change: Sendable {
    /// Nil for the bearer of the request's token.
    public var identity: String?
    public var room: String?
    public var link: NamedLink
  }

  /// - Throws: `ScenarioError` with the place in the text.
  public func change(_ bytes: [UInt8]) throws -> Change {
    guard !bytes.isEmpty else {
      throw ScenarioError(
        SourceMark(file: "request", line: 1, column: 1),
        #"nothing there; write {"link": "lossy-wifi"}"#)
    }
    let root = try YAMLReader.read(bytes, file: "request")
    try Grammar.networkChange.check(root)
    let node = root["link"]!
    let identity = try root["identity"]?.text()
    let room = try root["room"]?.text()
    guard node.entries != nil else {
      let name = try node.word(of: links.map(\.name), called: "links")
      return Change(identity: identity, room: room, link: link(named: name)!)
    }
    let named = YAMLNode(
      mark: root.mark,
      content: .mapping([.init(key: "own", mark: node.mark, value: node)]))
    var reader = ScenarioReader(
      root: YAMLNode(
        mark: root.mark, content: .mapping([.init(key: "links", mark: node.mark, value: named)])),
      files: FileFinder(), scenario: Scenario(file: "request", name: "request", duration: .zero))
    try reader.readLinks()
    return Change(identity: identity, room: room, link: try NamedLink(reader.scenario.links[0]))
  }
}

extension Grammar {
  /// A file of `serve --network`: anything a scenario has, of which the links are needed.
  static let network = ObjectShape(
    noun: "a network",
    keys: included.keys.map {
      var key = $0
      key.isRequired = key.name == "links"
      return key
    })

  static let networkChange = ObjectShape(
    noun: "a change of the network",
    keys: [
      key("identity", .text, "whose link; the token's bearer unless written"),
      key("room", .text, "in which room; the token's unless written"),
      key(
        "link", .form(scalar: .text, mapping: .object(requestedLink)),
        "a link's name, or a link as in a scenario", required: true),
    ])

  /// A link as a scenario writes it, but for traces: a request names no files of the server's.
  private static let requestedLink: ObjectShape = {
    func withoutTrace(_ shape: ObjectShape) -> ObjectShape {
      var shape = shape
      shape.keys.removeAll { $0.name == "trace" }
      shape.atMostOne = []
      return shape
    }
    var shape = withoutTrace(link)
    for index in shape.keys.indices where ["up", "down"].contains(shape.keys[index].name) {
      shape.keys[index].shape = .object(withoutTrace(linkDirection))
    }
    return shape
  }()
}
