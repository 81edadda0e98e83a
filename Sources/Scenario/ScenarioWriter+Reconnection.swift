// Reconnection policies, data messages and swarms back into the language.

import Basics

extension ReconnectPolicy {
  /// Nil for delays from a table, which only named policies have.
  var written: YAMLValue? {
    guard case .exponential(let initial, let factor, let ceiling) = delays else { return nil }
    var map = YAMLMap()
    map["initial"] = initial.written
    map["factor"] = .plain("\(factor)")
    map["ceiling"] = ceiling.written
    map["attempts"] = .plain("\(attempts)")
    map["jitter"] = .plain("\(jitter)")
    return map.value
  }
}

extension Scenario.DataSource {
  func written(in scenario: Scenario) -> YAMLValue {
    let usual = Scenario.DataSource(every: every, until: .zero + scenario.duration)
    var map = YAMLMap()
    map["every"] = every.written
    if size != usual.size { map["size"] = .plain("\(size)B") }
    if !isReliable { map["reliable"] = .plain("false") }
    if from != usual.from || until != usual.until {
      map["during"] = (from - .zero...until - .zero).written
    }
    return map.value
  }
}

extension Scenario.Swarm {
  func written(in scenario: Scenario) -> YAMLValue {
    var map = YAMLMap()
    map["faults"] = .plain("\(faults)")
    map["during"] = begin.written
    map["lasting"] = length.written
    if of != scenario.members.map(\.identity) { map["of"] = .texts(of) }
    map["kinds"] = .list(kinds.map { .plain($0.rawValue) })
    return map.value
  }
}

extension ClosedRange<Duration> {
  fileprivate var written: YAMLValue { .plain("\(text(lowerBound))..\(text(upperBound))") }

  private func text(_ duration: Duration) -> String { "\(duration.nanoseconds)ns" }
}
