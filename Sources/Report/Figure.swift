// Numbers as people read them, the same on every machine and in every locale.

enum Figure {
  /// With exactly `decimals` (0...9) digits after the point and commas between thousands.
  static func fixed(_ value: Double, _ decimals: Int) -> String {
    guard value.isFinite else { return value.isNaN ? "–" : value < 0 ? "−∞" : "∞" }
    var scale = 1.0
    for _ in 0..<decimals { scale *= 10 }
    guard abs(value) * scale < 9e17 else { return "\(value)" }
    let units = Int64((abs(value) * scale).rounded())
    let whole = units / Int64(scale)
    let sign = value < 0 && units > 0 ? "−" : ""
    guard decimals > 0 else { return sign + grouped(whole) }
    let fraction = String(units % Int64(scale))
    let zeros = String(repeating: "0", count: decimals - fraction.count)
    return sign + grouped(whole) + "." + zeros + fraction
  }

  /// An integer with commas between thousands.
  static func grouped(_ value: Int64) -> String {
    let digits = String(value.magnitude)
    var out = value < 0 ? "−" : ""
    for (i, digit) in digits.enumerated() {
      if i > 0, (digits.count - i) % 3 == 0 { out += "," }
      out.append(digit)
    }
    return out
  }

  static func grouped(_ value: Int) -> String { grouped(Int64(value)) }

  /// `digits` significant digits at most, none of them a trailing zero of the fraction.
  static func plain(_ value: Double, digits: Int = 3) -> String {
    guard value.isFinite, value != 0 else { return value == 0 ? "0" : fixed(value, 0) }
    var decimals = digits - 1
    var bound = 10.0
    while decimals > 0, abs(value) >= bound {
      decimals -= 1
      bound *= 10
    }
    var small = 1.0
    while decimals < 9, abs(value) < small {
      decimals += 1
      small /= 10
    }
    let text = fixed(value, decimals)
    guard decimals > 0 else { return text }
    var trimmed = Substring(text)
    while trimmed.last == "0" { trimmed.removeLast() }
    if trimmed.last == "." { trimmed.removeLast() }
    return trimmed == "−" || trimmed.isEmpty ? "0" : String(trimmed)
  }

  /// The factor to divide by and the unit to write for values of about `magnitude`.
  static func scale(_ unit: String, magnitude: Double) -> (divisor: Double, unit: String) {
    switch (unit, abs(magnitude)) {
    case ("bps", 1e9...): (1e9, "Gbps")
    case ("bps", 1e6...): (1e6, "Mbps")
    case ("bps", 1e3...): (1e3, "kbps")
    case ("B", 1e9...): (1e9, "GB")
    case ("B", 1e6...): (1e6, "MB")
    case ("B", 1e3...): (1e3, "kB")
    case ("1", _): (1, "")
    default: (1, unit)
    }
  }

  /// A value with its unit: `72.4 ms`, `1.25 Mbps`, `3`.
  static func text(_ value: Double, unit: String, digits: Int = 3) -> String {
    let scale = scale(unit, magnitude: value)
    let number = plain(value / scale.divisor, digits: digits)
    if scale.unit.hasPrefix("1/") { return number + scale.unit.dropFirst() }
    return scale.unit.isEmpty ? number : "\(number) \(scale.unit)"
  }

  /// Two values with as many digits as it takes to tell them apart.
  static func pair(_ a: Double, _ b: Double, unit: String) -> (String, String) {
    for digits in 3..<9 {
      let texts = (text(a, unit: unit, digits: digits), text(b, unit: unit, digits: digits))
      if a == b || texts.0 != texts.1 { return texts }
    }
    return (text(a, unit: unit, digits: 9), text(b, unit: unit, digits: 9))
  }

  /// `12.5 s`.
  static func seconds(_ value: Double) -> String {
    "\(plain(value, digits: abs(value) >= 100 ? 4 : 3)) s"
  }

  /// `20–35 s`.
  static func span(_ window: ClosedRange<Double>) -> String {
    "\(plain(window.lowerBound, digits: 4))–\(seconds(window.upperBound))"
  }

  /// One noun or many: `1 check`, `3 checks`.
  static func count(_ n: Int, _ noun: String) -> String {
    "\(grouped(n)) \(noun)\(n == 1 ? "" : "s")"
  }

  /// `queueFull` as a person writes it: `queue full`.
  static func words(_ name: String) -> String {
    var out = ""
    for character in name {
      if character.isUppercase, out.last?.isLowercase ?? false { out += " " }
      out += character.isUppercase ? character.lowercased() : String(character)
    }
    return out
  }
}
