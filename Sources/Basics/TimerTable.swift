// One deadline per named reason: a node's next timeout is the least of them.

/// A fixed table of deadlines, one per case of `Reason`.
public struct TimerTable<Reason: RawRepresentable & CaseIterable>: Sendable
where Reason.RawValue == Int {
  private var deadlines: [Instant]

  public init() {
    deadlines = Array(repeating: .distantFuture, count: Reason.allCases.count)
  }

  /// The deadline of `reason`, nil when it is not armed.
  public subscript(reason: Reason) -> Instant? {
    get {
      let deadline = deadlines[reason.rawValue]
      return deadline == .distantFuture ? nil : deadline
    }
    set { deadlines[reason.rawValue] = newValue ?? .distantFuture }
  }

  public var next: Instant? {
    var least = Instant.distantFuture
    for deadline in deadlines where deadline < least { least = deadline }
    return least == .distantFuture ? nil : least
  }

  /// Whether `reason` is due at `now`; a due timer is disarmed.
  public mutating func fire(_ reason: Reason, at now: Instant) -> Bool {
    guard deadlines[reason.rawValue] <= now else { return false }
    deadlines[reason.rawValue] = .distantFuture
    return true
  }
}
