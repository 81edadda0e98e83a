// Which layers of a simulcast are sent, and at which rates (libwebrtc
// modules/video_coding/utility/simulcast_rate_allocator.cc, revision 3710345).

import Basics

struct SimulcastAllocation {
  /// What an encoder takes at least, at best and at most.
  struct Layer {
    var minimum: Bitrate
    var target: Bitrate
    var maximum: Bitrate
  }

  static let cameraHysteresis = 1.2
  static let screenHysteresis = 1.35

  /// A layer that is off comes back only with so many minima, so that it does not flap.
  let hysteresis: Double
  private var isEnabled: [Bool]

  init(layers: Int, hysteresis: Double = SimulcastAllocation.cameraHysteresis) {
    self.hysteresis = hysteresis
    isEnabled = Array(repeating: false, count: layers)
  }

  /// Lower layers first, each up to its target; the top one gets what is left, up to its maximum.
  /// - Parameter layers: nil for one that nobody wants.
  /// - Returns: nil for a layer that is off. The lowest wanted one never is.
  mutating func allocate(_ total: Bitrate, among layers: [Layer?]) -> [Bitrate?] {
    var rates: [Bitrate?] = Array(repeating: nil, count: layers.count)
    var left = total
    var top: Int?
    for (index, layer) in layers.enumerated() {
      guard let layer else {
        isEnabled[index] = false
        continue
      }
      let needed =
        isEnabled[index] ? layer.minimum : min(layer.minimum * hysteresis, layer.target)
      guard top == nil || left >= needed else {
        // Nor does any above it.
        for higher in index..<layers.count { isEnabled[higher] = false }
        break
      }
      isEnabled[index] = true
      let rate = max(min(left, layer.target), layer.minimum)
      rates[index] = rate
      left = max(.zero, left - rate)
      top = index
    }
    if let top, let layer = layers[top], let rate = rates[top] {
      rates[top] = min(rate + left, max(layer.maximum, rate))
    }
    return rates
  }

  /// What padding fills up to, so that the top layer can come back
  /// (video/video_send_stream_impl.cc, CalculateMaxPadBitrateBps).
  func padding(for layers: [Layer?]) -> Bitrate {
    let wanted = layers.compactMap(\.self)
    guard wanted.count > 1, let top = wanted.last else { return .zero }
    return wanted.dropLast().reduce(min(top.minimum * hysteresis, top.target)) { $0 + $1.target }
  }
}

/// Shares what all streams may take: everybody's minimum first, then equal parts of the rest, up to
/// their maxima (libwebrtc call/bitrate_allocator.cc).
func shares(of total: Bitrate, minima: [Bitrate], maxima: [Bitrate]) -> [Bitrate] {
  var shares = minima
  var left = total.bitsPerSecond - minima.reduce(0) { $0 + $1.bitsPerSecond }
  var open = shares.indices.filter { shares[$0] < maxima[$0] }
  while left > 0, !open.isEmpty {
    let part = max(1, left / Int64(open.count))
    for index in open where left > 0 {
      let more = min(part, left, (maxima[index] - shares[index]).bitsPerSecond)
      shares[index] = shares[index] + Bitrate(bitsPerSecond: more)
      left -= more
    }
    open.removeAll { shares[$0] >= maxima[$0] }
  }
  return shares
}
