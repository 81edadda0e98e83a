// Which of a publisher's streams is which layer: rids say it in many ways, and in any order
// (RFC 8853 §5.2 has the order as one of preference).

import Wire

/// The streams of a simulcast in the order of their layers.
struct LayerOrder: Equatable {
  /// Places in `a=simulcast`, lowest layer first.
  var places: [Int]
  /// Whether the names or the announcement say so; else what is measured may say otherwise.
  var isKnown: Bool

  /// - Parameters:
  ///   - rids: as they were offered, with their restrictions.
  ///   - announced: the layers of `TrackAnnouncement`.
  init(_ rids: [RIDDescription], announced: [AnnouncedLayer]) {
    let names = rids.map(\.id)
    let offered = Array(names.indices)
    if let ranks = LayerOrder.ranks(names, announced) ?? LayerOrder.ranks(names, LayerOrder.liveKit)
    {
      places = offered.sorted { ranks[$0] < ranks[$1] }
      isKnown = true
      return
    }
    isKnown = names.count < 2
    let guess =
      LayerOrder.limits(rids)
      ?? LayerOrder.usual.lazy.compactMap { LayerOrder.ranks(names, $0) }.first
    guard let guess else {
      places = offered
      return
    }
    places = offered.sorted { (guess[$0], $0) < (guess[$1], $1) }
  }

  /// LiveKit's rids, lowest first.
  private static let liveKit = ["q", "h", "f"]
  /// What other clients call their layers.
  private static let usual = [
    ["l", "m", "h"], ["lo", "mid", "hi"], ["low", "mid", "high"], ["low", "medium", "high"],
    ["small", "medium", "large"], ["s", "m", "l"],
  ]

  private static func ranks(_ names: [String], _ lowestFirst: [String]) -> [Int]? {
    let ranks = names.compactMap(lowestFirst.firstIndex(of:))
    return ranks.count == names.count && !names.isEmpty ? ranks : nil
  }

  private static func ranks(_ names: [String], _ announced: [AnnouncedLayer]) -> [Int]? {
    let sorted = announced.filter { !$0.rid.isEmpty }.sorted {
      ($0.quality, UInt64($0.width) * UInt64($0.height))
        < ($1.quality, UInt64($1.width) * UInt64($1.height))
    }
    return ranks(names, sorted.map(\.rid))
  }

  /// By the first kind of restriction that all rids have.
  private static func limits(_ rids: [RIDDescription]) -> [Int]? {
    for key in ["max-height", "max-width", "max-fs", "max-pps", "max-br"] {
      let values = rids.compactMap { $0[key].flatMap { Int($0) } }
      if values.count == rids.count, Set(values).count == values.count { return values }
    }
    return nil
  }

  /// LiveKit's quality, 0...2, of each layer: by its rid where that is LiveKit's.
  static func qualities(_ rids: [ShortName?]) -> [Int] {
    let named = rids.map { rid in rid.flatMap { liveKit.firstIndex(of: $0.description) } }
    return rids.indices.map { named.contains(nil) ? min($0, 2) : named[$0]! }
  }

  /// The order that measures ask for; nil where they do not contradict the present one.
  /// - Parameters:
  ///   - values: of each layer, zero for unknown.
  ///   - margin: by what factor a lower layer has to exceed an upper one.
  static func corrected(_ values: [Int64], margin: Double) -> [Int]? {
    let known = values.indices.filter { values[$0] > 0 }
    var isContradicted = false
    for (place, lower) in known.enumerated() {
      for upper in known.dropFirst(place + 1)
      where Double(values[lower]) > Double(values[upper]) * margin {
        isContradicted = true
      }
    }
    guard isContradicted else { return nil }
    let sorted = known.sorted { (values[$0], $0) < (values[$1], $1) }
    var order = Array(values.indices)
    for (place, layer) in zip(known, sorted) { order[place] = layer }
    return order
  }
}
