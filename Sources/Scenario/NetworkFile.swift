// Links for participants on real sockets: the file of `serve --network`, and a request to change a link.

import Basics

/// The links of a file in the scenario language that needs nothing but `links`.
public struct NetworkFile: Sendable {
  /// At least one, in the order written.
  public private(set) var links: [Scenario.Link]
  /// By the name of a participant or group.
  public private(set) var linkOfGroup: [String: String] = [:]

  /// - Parameter file: for messages, and the place from which other files are found.
  /// - Throws: `ScenarioError`.
  public init(_ bytes: [UInt8], file: String) throws {
    let files = FileFinder()
    let root = try Inclusion(files: files).merged(
      try YAMLReader.read(bytes, file: file), chain: [file])
    try Grammar.network.check(root)
    var reader = ScenarioReader(
      root: root, files: files, scenario: Scenario(file: file, name: file, duration: .zero))
    try reader.readLinks()
    links = reader.scenario.links
    guard !links.isEmpty else {
      throw root.error("no links; write links: { home: { use: lossy-wifi } }")
    }
    for entry in root["participants"]?.entries ?? [] {
      guard let node = entry.value["link"] else { continue }
      linkOfGroup[entry.key] = try reader.linkName(node)
    }
  }
}

/// A request to change somebody's link, in JSON or YAML.
public struct NetworkChange: Sendable {
  public enum Link: Sendable {
    case named(String)
    case written(Scenario.Link)
  }

  /// Nil for the bearer of the request's token.
  public var identity: String?
  public var room: String?
  public var link: Link

  /// - Parameter links: the names that may be asked for.
  /// - Throws: `ScenarioError` with the place in the text.
  public init(_ bytes: [UInt8], links: [String]) throws {
    guard !bytes.isEmpty else {
      throw ScenarioError(
        SourceMark(file: "request", line: 1, column: 1),
        #"nothing there; write {"link": "lossy-wifi"}"#)
    }
    let root = try YAMLReader.read(bytes, file: "request")
    try Grammar.networkChange.check(root)
    let node = root["link"]!
    identity = try root["identity"]?.text()
    room = try root["room"]?.text()
    guard node.entries != nil else {
      link = .named(try node.word(of: links, called: "links"))
      return
    }
    let named = YAMLNode(
      mark: root.mark, content: .mapping([.init(key: "own", mark: node.mark, value: node)]))
    var reader = ScenarioReader(
      root: YAMLNode(
        mark: root.mark, content: .mapping([.init(key: "links", mark: node.mark, value: named)])),
      files: FileFinder(), scenario: Scenario(file: "request", name: "request", duration: .zero))
    try reader.readLinks()
    link = .written(reader.scenario.links[0])
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
