// The links that participants on real sockets may have: those of a scenario-language file, and presets.

import Basics
import NetSim
import Scenario

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
    let network = try NetworkFile(bytes, file: file)
    standard = network.links[0].name
    for link in network.links { links.append(try NamedLink(link)) }
    linkOfGroup = network.linkOfGroup
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
    let change = try NetworkChange(bytes, links: links.map(\.name))
    let link: NamedLink =
      switch change.link {
      case .named(let name): self.link(named: name)!
      case .written(let link): try NamedLink(link)
      }
    return Change(identity: change.identity, room: change.room, link: link)
  }
}
