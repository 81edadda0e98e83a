// Scenario files: found, included, expanded into the variants of their matrix.

import Foundation

/// One variant of a scenario file.
public struct ScenarioVariant: Sendable, Equatable {
  /// The path and value of each matrix key, in the order written; empty without a matrix.
  public var assignments: [Assignment]
  public var scenario: Scenario

  public struct Assignment: Sendable, Equatable {
    public var path: String
    public var value: String
  }

  public init(assignments: [Assignment], scenario: Scenario) {
    self.assignments = assignments
    self.scenario = scenario
  }
}

public enum ScenarioFile {
  /// The file's bytes.
  /// - Throws: `ScenarioError` for a file that is not there, or too long.
  public static func bytes(of path: String) throws -> [UInt8] {
    try FileFinder.read(path, at: SourceMark(file: path, line: 1, column: 1))
  }

  /// Every variant of the scenario at `path`: one, or the product of its matrix.
  ///
  /// - Throws: `ScenarioError`, the first fault in the file or in what it includes.
  public static func load(_ path: String) throws -> [ScenarioVariant] {
    try parse(try FileFinder.read(path, at: SourceMark(file: path, line: 1, column: 1)), file: path)
  }

  /// As `load`, for the bytes of a file whose path serves for messages and as the place from which
  /// other files are found.
  public static func parse(_ bytes: [UInt8], file: String) throws -> [ScenarioVariant] {
    let files = FileFinder()
    let root = try YAMLReader.read(bytes, file: file)
    guard root.entries != nil else {
      throw root.error("expected a scenario, found \(root.form); it begins with 'assay: 1'")
    }
    // A file that is no scenario at all should hear that first.
    if root["assay"] == nil, root["include"] == nil { try Grammar.scenario.check(root) }
    let whole = try Inclusion(files: files).merged(root, chain: [file])
    return try Matrix.variants(of: whole).map { variant in
      ScenarioVariant(
        assignments: variant.assignments,
        scenario: try ScenarioReader.read(variant.root, file: file, files: files))
    }
  }
}

/// Files that a scenario names, relative to the file that names them or to the repository's root.
struct FileFinder {
  /// The path of `name` as it can be opened, or nil where there is no such file.
  func find(_ name: String, near mark: SourceMark) -> String? {
    if name.hasPrefix("/") { return FileFinder.isFile(name) ? name : nil }
    let folder = FileFinder.folder(of: mark.file)
    let beside = FileFinder.join(folder, name)
    if FileFinder.isFile(beside) { return beside }
    guard let root = FileFinder.repositoryRoot(above: folder) else { return nil }
    let fromRoot = FileFinder.join(root, name)
    return FileFinder.isFile(fromRoot) ? fromRoot : nil
  }

  /// Whether `path` may be included by the scenario in the file `scenario`: a scenario that somebody sent
  /// must not read other files, nor have the error of a first line tell what they hold.
  func checkInclude(
    _ path: String, named name: String, of scenario: String, at mark: SourceMark
  ) throws {
    guard [".yaml", ".yml"].contains(where: path.lowercased().hasSuffix) else {
      throw ScenarioError(mark, "'\(name)' is no YAML file; include takes .yaml and .yml")
    }
    let folder = FileFinder.folder(of: scenario)
    let root = FileFinder.repositoryRoot(above: folder) ?? folder
    guard FileFinder.real(path).hasPrefix(FileFinder.real(root) + "/") else {
      throw ScenarioError(
        mark, "'\(name)' lies outside the scenario's folder; move it there, or beside Package.swift"
      )
    }
  }

  /// Without links and dots.
  private static func real(_ path: String) -> String {
    let url = URL(fileURLWithPath: path).standardizedFileURL.resolvingSymlinksInPath()
    return url.path == "/" ? "" : url.path
  }

  static func read(_ path: String, at mark: SourceMark) throws -> [UInt8] {
    guard
      let attributes = try? FileManager.default.attributesOfItem(
        atPath: URL(fileURLWithPath: path).resolvingSymlinksInPath().path)
    else { throw ScenarioError(mark, "there is no file '\(path)'") }
    guard attributes[.type] as? FileAttributeType == .typeRegular else {
      throw ScenarioError(mark, "'\(path)' is not a plain file; name the scenario file itself")
    }
    let size = (attributes[.size] as? NSNumber)?.intValue ?? 0
    guard size <= YAMLReader.Limit.bytes else {
      throw ScenarioError(mark, YAMLReader.tooLarge(size))
    }
    guard let contents = FileManager.default.contents(atPath: path) else {
      throw ScenarioError(mark, "'\(path)' cannot be read; look at its permissions")
    }
    return [UInt8](contents)
  }

  static func stem(of path: String) -> String {
    let name = path.split(separator: "/").last ?? "scenario"
    return String(name.prefix { $0 != "." })
  }

  private static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  private static func join(_ folder: String, _ name: String) -> String {
    folder == "." ? name : "\(folder)/\(name)"
  }

  private static func repositoryRoot(above folder: String) -> String? {
    var url = URL(fileURLWithPath: folder).standardizedFileURL
    for _ in 0..<64 {
      if isFile(url.appendingPathComponent("Package.swift").path) { return url.path }
      if url.path == "/" { return nil }
      url.deleteLastPathComponent()
    }
    return nil
  }

  private static func isFile(_ path: String) -> Bool {
    var isDirectory: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
      && !isDirectory.boolValue
  }
}

/// `include`: mappings are merged name by name, lists follow each other, and for plain values the
/// including file has the last word.
struct Inclusion {
  private static let limit = 100
  let files: FileFinder

  /// `node` with what it includes; `chain` is the way to it from the first file.
  func merged(_ node: YAMLNode, chain: [String]) throws -> YAMLNode {
    var whole = YAMLNode(mark: node.mark, content: .mapping([]))
    for item in node["include"]?.items ?? [] {
      let name = try item.text()
      guard let path = files.find(name, near: item.mark) else {
        throw item.error("there is no file '\(name)', neither beside this file nor at the root")
      }
      let place = URL(fileURLWithPath: path).standardizedFileURL
      guard !chain.contains(where: { URL(fileURLWithPath: $0).standardizedFileURL == place }) else {
        let way = (chain + [path]).joined(separator: " -> ")
        throw item.error("'\(name)' includes itself: \(way); take one include out")
      }
      guard chain.count < Inclusion.limit else { throw item.error("included too deeply") }
      try files.checkInclude(path, named: name, of: chain[0], at: item.mark)
      let included = try YAMLReader.read(try FileFinder.read(path, at: item.mark), file: path)
      try Grammar.included.check(included)
      try merge(try merged(included, chain: chain + [path]), into: &whole, isLast: false)
    }
    try merge(node, into: &whole, isLast: true)
    return whole
  }

  private func merge(_ node: YAMLNode, into whole: inout YAMLNode, isLast: Bool) throws {
    guard var entries = whole.entries, let added = node.entries else { return }
    for entry in added where isLast || !["assay", "include"].contains(entry.key) {
      guard let index = entries.firstIndex(where: { $0.key == entry.key }) else {
        entries.append(entry)
        continue
      }
      switch (entries[index].value.content, entry.value.content) {
      case (.sequence(let first), .sequence(let second)):
        entries[index].value.content = .sequence(first + second)
      case (.mapping(let first), .mapping(let second)):
        for item in second {
          if let other = first.first(where: { $0.key == item.key }) {
            throw ScenarioError(
              item.mark, "'\(item.key)' is already written at \(other.mark); rename one")
          }
        }
        entries[index].value.content = .mapping(first + second)
      default: entries[index] = entry
      }
    }
    whole.content = .mapping(entries)
  }
}
