// A 4-ary heap of events ordered by time and, at the same time, by insertion.
// Budget: 70 ns for a push and a pop at 1,000 pending events.

/// Events in order of their time; two at the same time leave in the order they came.
public struct TimerQueue<Event> {
  private struct Entry {
    var time: Instant
    var order: UInt64
    var event: Event

    func precedes(_ other: Entry) -> Bool {
      time == other.time ? order < other.order : time < other.time
    }
  }

  private var heap: [Entry] = []
  private var inserted: UInt64 = 0

  public init() {}

  public var count: Int { heap.count }
  public var isEmpty: Bool { heap.isEmpty }
  public var nextTime: Instant? { heap.first?.time }

  public mutating func push(_ event: Event, at time: Instant) {
    heap.append(Entry(time: time, order: inserted, event: event))
    inserted += 1
    heap.withUnsafeMutableBufferPointer { heap in
      var child = heap.count - 1
      let entry = heap[child]
      while child > 0 {
        let parent = (child - 1) >> 2
        guard entry.precedes(heap[parent]) else { break }
        heap[child] = heap[parent]
        child = parent
      }
      heap[child] = entry
    }
  }

  public mutating func pop() -> (time: Instant, event: Event)? {
    guard let first = heap.first else { return nil }
    let last = heap.removeLast()
    if !heap.isEmpty { sink(last) }
    return (first.time, first.event)
  }

  private mutating func sink(_ entry: Entry) {
    heap.withUnsafeMutableBufferPointer { heap in
      var parent = 0
      while true {
        let firstChild = parent * 4 + 1
        guard firstChild < heap.count else { break }
        var least = firstChild
        for child in (firstChild + 1)..<max(firstChild + 1, min(firstChild + 4, heap.count))
        where heap[child].precedes(heap[least]) {
          least = child
        }
        guard heap[least].precedes(entry) else { break }
        heap[parent] = heap[least]
        parent = least
      }
      heap[parent] = entry
    }
  }
}
