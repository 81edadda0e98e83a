// A growable first-in first-out queue that also holds noncopyable elements.

/// A queue over one contiguous block; `append` and `popFirst` are O(1) amortised.
public struct RingBuffer<Element: ~Copyable>: ~Copyable {
  private var storage: UnsafeMutablePointer<Element>
  private var capacity: Int
  private var head = 0
  public private(set) var count = 0

  public init(minimumCapacity: Int = 8) {
    capacity = 8
    while capacity < minimumCapacity { capacity *= 2 }
    storage = .allocate(capacity: capacity)
  }

  deinit {
    for i in 0..<count { (storage + ((head + i) & (capacity - 1))).deinitialize(count: 1) }
    storage.deallocate()
  }

  public var isEmpty: Bool { count == 0 }

  public mutating func append(_ element: consuming Element) {
    if count == capacity { grow() }
    (storage + ((head + count) & (capacity - 1))).initialize(to: element)
    count += 1
  }

  public mutating func popFirst() -> Element? {
    guard count > 0 else { return nil }
    let element = (storage + head).move()
    head = (head + 1) & (capacity - 1)
    count -= 1
    return element
  }

  public mutating func popLast() -> Element? {
    guard count > 0 else { return nil }
    count -= 1
    return (storage + ((head + count) & (capacity - 1))).move()
  }

  public mutating func removeAll() {
    while let element = popFirst() { _ = consume element }
  }

  /// Calls `body` with the element at `index`, counted from the oldest.
  public mutating func withElement<R>(at index: Int, _ body: (inout Element) -> R) -> R {
    precondition(index >= 0 && index < count)
    return body(&(storage + ((head + index) & (capacity - 1))).pointee)
  }

  private mutating func grow() {
    let larger = UnsafeMutablePointer<Element>.allocate(capacity: capacity * 2)
    for i in 0..<count {
      (larger + i).initialize(to: (storage + ((head + i) & (capacity - 1))).move())
    }
    storage.deallocate()
    storage = larger
    capacity *= 2
    head = 0
  }
}

extension RingBuffer where Element: Copyable {
  public subscript(index: Int) -> Element {
    get {
      precondition(index >= 0 && index < count)
      return storage[(head + index) & (capacity - 1)]
    }
    set {
      precondition(index >= 0 && index < count)
      storage[(head + index) & (capacity - 1)] = newValue
    }
  }

  public var first: Element? { count == 0 ? nil : self[0] }
  public var last: Element? { count == 0 ? nil : self[count - 1] }
}
