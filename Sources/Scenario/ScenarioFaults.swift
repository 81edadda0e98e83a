// Every mistake of a scenario file: what is wrong is noted and cut out, and the rest is read again.

extension ScenarioFile {
  /// At most so many are told of one file.
  private static let faultLimit = 100

  /// The mistakes of a file, in the order of their lines; none for a valid one. What follows from another
  /// mistake only (a name whose entry is itself wrong) is left out.
  public static func faults(in bytes: [UInt8], file: String) -> [ScenarioError] {
    let files = FileFinder()
    do {
      _ = try parse(bytes, file: file)
      return []
    } catch let first as ScenarioError {
      guard let root = try? YAMLReader.read(bytes, file: file), root.entries != nil,
        root["assay"] != nil || root["include"] != nil,
        let whole = try? Inclusion(files: files).merged(root, chain: [file])
      else { return [first] }
      var search = FaultSearch(tree: whole)
      while search.faults.count < faultLimit {
        do {
          for variant in try Matrix.variants(of: search.tree) {
            _ = try ScenarioReader.read(variant.root, file: file, files: files)
          }
          break
        } catch let error as ScenarioError {
          guard search.note(error) else { break }
        } catch {
          break
        }
      }
      return search.faults.isEmpty ? [first] : search.faults.sorted { $0.place < $1.place }
    } catch {
      return [ScenarioError(SourceMark(file: file, line: 1, column: 1), "\(error)")]
    }
  }
}

extension ScenarioError {
  fileprivate var place: (Int, Int) { (line, column) }
}

/// A tree from which mistakes are cut until nothing is wrong with the rest.
private struct FaultSearch {
  var tree: YAMLNode
  private(set) var faults: [ScenarioError] = []
  /// Where something was cut out.
  private var wounded: Set<SourceMark> = []
  /// Names whose entries were cut.
  private var lost: Set<String> = []

  init(tree: YAMLNode) { self.tree = tree }

  /// Notes an error, unless it follows from an earlier one, and cuts it out.
  /// - Returns: whether anything was cut, so that reading again makes sense.
  mutating func note(_ error: ScenarioError) -> Bool {
    let mark = SourceMark(file: error.file, line: error.line, column: error.column)
    let follows =
      wounded.contains(mark) || lost.contains { error.message.contains("'\($0)'") }
    if !follows { faults.append(error) }
    var rest = tree
    let isCut = cut(mark, in: &rest, isRoot: true)
    tree = rest
    return isCut
  }

  /// Cuts the value, entry or item at `mark` out of what is below `node`.
  private mutating func cut(_ mark: SourceMark, in node: inout YAMLNode, isRoot: Bool) -> Bool {
    switch node.content {
    case .scalar: return false
    case .sequence(var items):
      for index in items.indices {
        if cut(mark, in: &items[index], isRoot: false) {
          node.content = .sequence(items)
          return true
        }
        guard items[index].mark == mark else { continue }
        wounded.insert(node.mark)
        items.remove(at: index)
        node.content = .sequence(items)
        return true
      }
      return false
    case .mapping(var entries):
      for index in entries.indices {
        // The innermost thing at the mark: a mapping begins where its first key does.
        if cut(mark, in: &entries[index].value, isRoot: false) {
          node.content = .mapping(entries)
          return true
        }
        guard entries[index].mark == mark || entries[index].value.mark == mark else { continue }
        wounded.insert(node.mark)
        if entries[index].value.entries != nil { lost.insert(entries[index].key) }
        if isRoot, let stand = FaultSearch.standIns[entries[index].key] {
          // Cut once already: there is nothing left to try.
          guard entries[index].value.scalar != stand else { return false }
          entries[index].value.content = .scalar(stand, plain: true)
        } else {
          entries.remove(at: index)
        }
        node.content = .mapping(entries)
        return true
      }
      return false
    }
  }

  /// What stands for a wrong value of a key that a scenario must have.
  private static let standIns = ["assay": "1", "duration": "24h"]
}
