// Asks publishers for keyframes, once for all who need one (RFC 4585 §6.3.1, RFC 5104 §4.3.1;
// LiveKit's PLI throttle).

import Basics

/// Requests towards the layers of one published track.
public struct KeyframeRequests: Sendable {
  public struct Limits: Equatable, Sendable {
    /// Least time between two requests for a layer; the last one holds for all layers above.
    public var throttle: [Duration]
    /// A request without a keyframe is repeated after this time, or the throttle if longer.
    public var retry: Duration
    /// Repeats of one request.
    public var maximumRetries: Int
    /// How long a request waits before it goes out.
    var hold = Duration.zero

    /// LiveKit's throttle for low, medium and high.
    public static let liveKit = Limits(
      throttle: [.milliseconds(500), .seconds(1), .seconds(1)], retry: .seconds(1),
      maximumRetries: 10)
  }

  private struct Layer {
    var isPending = false
    var sentAt: Instant?
    var due: Instant?
    var tries = 0
    var sent = 0
    var commandNumber: UInt8 = 0
  }

  /// One request to send.
  public struct Request: Equatable, Sendable {
    public var layer: Int
    /// For a FIR: new for each new request, the same in repeats (RFC 5104 §4.3.1.2). A PLI has
    /// none.
    public var commandNumber: UInt8
    public var isRepeat: Bool
  }

  public let limits: Limits
  /// Requests sent, repeats included.
  public var sent: Int { layers.reduce(0) { $0 + $1.sent } }
  private var layers: [Layer]

  public init(layers count: Int, limits: Limits = .liveKit) {
    precondition(!limits.throttle.isEmpty)
    self.limits = limits
    layers = Array(repeating: Layer(), count: count)
  }

  /// When `due` has something to send; nil for never.
  public var nextTimeout: Instant? {
    layers.reduce(nil) { earlier($0, $1.due) }
  }

  /// Requests sent for `layer`, repeats included.
  public func sent(layer: Int) -> Int { layers[layer].sent }

  /// Somebody needs a keyframe of `layer`; those who ask while a request is pending share it.
  public mutating func request(layer: Int, at now: Instant) {
    guard layers.indices.contains(layer), !layers[layer].isPending else { return }
    layers[layer].isPending = true
    layers[layer].tries = 0
    let earliest = now + limits.hold
    layers[layer].due = layers[layer].sentAt.map { max(earliest, $0 + throttle(layer)) } ?? earliest
  }

  /// A keyframe of `layer` begins to arrive: whoever asked is served.
  public mutating func received(layer: Int) {
    guard layers.indices.contains(layer) else { return }
    layers[layer].isPending = false
    layers[layer].due = nil
  }

  /// Nobody needs a keyframe of `layer` any more.
  public mutating func cancel(layer: Int) { received(layer: layer) }

  /// The requests to send now, lowest layer first.
  public mutating func due(at now: Instant) -> [Request] {
    var requests: [Request] = []
    for index in layers.indices {
      guard let due = layers[index].due, due <= now else { continue }
      guard layers[index].tries <= limits.maximumRetries else {
        received(layer: index)
        continue
      }
      if layers[index].tries == 0 { layers[index].commandNumber &+= 1 }
      requests.append(
        Request(
          layer: index, commandNumber: layers[index].commandNumber,
          isRepeat: layers[index].tries > 0))
      layers[index].tries += 1
      layers[index].sent += 1
      layers[index].sentAt = now
      layers[index].due = now + max(limits.retry, throttle(index))
    }
    return requests
  }

  private func throttle(_ layer: Int) -> Duration {
    limits.throttle[min(layer, limits.throttle.count - 1)]
  }
}
