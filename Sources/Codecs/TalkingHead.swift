// A person who talks, as the cameras of calls see one: a still room, a head that sways, a mouth, hands
// now and then. RFC 8593 §6.1 asks for such a sequence.

/// The same number gives the same picture, whoever asks; nothing repeats within minutes.
public struct TalkingHead: Sendable {
  public let width: Int
  public let height: Int
  private let room: [UInt8]
  private let skin: [UInt8]

  /// - Parameters: pixels, at least 80 x 48.
  public init(width: Int, height: Int) {
    precondition(width >= 80 && height >= 48)
    self.width = width
    self.height = height
    let coarse = Noise(cells: 16, width: width, cell: max(2, height / 9))
    let fine = Noise(cells: 128, width: width, cell: max(2, height / 72))
    let grain = Noise(cells: width / 3, width: width, cell: max(2, height / 240))
    var room = [UInt8](repeating: 0, count: width * height)
    var skin = room
    for y in 0..<height {
      for x in 0..<width {
        let texture = coarse.value(x, y) * 100 / 256 + fine.value(x, y) * 25 / 256
        let detail = grain.value(x, y) * 25 / 256
        room[y * width + x] = UInt8(clamping: 30 + texture + detail)
        skin[y * width + x] = UInt8(clamping: 130 + fine.value(x, y) * 50 / 256 + detail)
      }
    }
    self.room = room
    self.skin = skin
  }

  /// The picture of this number, of 30 a second.
  public func picture(_ number: UInt32) -> Picture {
    var picture = Picture(width: width, height: height)
    picture.luma = room
    let unit = Double(height)
    let sway = 0.16 * motion(1, number, every: 45) + 0.02 * motion(2, number, every: 11)
    let nod = 0.08 * motion(3, number, every: 30) + 0.02 * motion(4, number, every: 9)
    let center = (x: Int((0.41 + sway) * Double(width)), y: Int((0.37 + nod) * unit))
    draw(&picture, at: (width / 2, height), radii: (0.5 * unit, 0.3 * unit), shade: 0.45)
    draw(&picture, at: center, radii: (0.2 * unit, 0.28 * unit), shade: 1)
    let isTalking = motion(5, number, every: 75) > 0.35
    let mouth = isTalking ? 0.01 + 0.04 * motion(6, number, every: 4) : 0.008
    let lips = (center.x, center.y + Int(0.14 * unit))
    draw(&picture, at: lips, radii: (0.07 * unit, mouth * unit), shade: 0.4)
    let isBlinking = motion(7, number, every: 5) > 0.93
    for side in [-1.0, 1] {
      let eye = (center.x + Int(side * 0.08 * unit), center.y - Int(0.06 * unit))
      draw(&picture, at: eye, radii: (0.03 * unit, (isBlinking ? 0.004 : 0.015) * unit), shade: 0.3)
      gesture(&picture, side: side, number)
    }
    return picture
  }

  /// A hand that comes up for a second or two.
  private func gesture(_ picture: inout Picture, side: Double, _ number: UInt32) {
    let track: UInt64 = side < 0 ? 10 : 20
    let lift = motion(track, number, every: 40)
    guard lift > 0.7 else { return }
    let x = 0.5 + side * (0.24 + 0.08 * motion(track + 1, number, every: 8))
    let y = 1.15 - 1.6 * (lift - 0.7) - 0.1 * motion(track + 2, number, every: 6)
    let radius = 0.09 * Double(height)
    draw(
      &picture, at: (Int(x * Double(width)), Int(y * Double(height))), radii: (radius, radius),
      shade: 0.95)
  }

  /// A value that wanders between 0 and 1, with a new aim every so many frames.
  private func motion(_ track: UInt64, _ number: UInt32, every frames: UInt32) -> Double {
    let step = number / frames
    let part = Double(number % frames) / Double(frames)
    let eased = part * part * (3 - 2 * part)
    let from = Double(TalkingHead.hash(track << 32 | UInt64(step)) & 0xFFFF) / 65_535
    let to = Double(TalkingHead.hash(track << 32 | UInt64(step + 1)) & 0xFFFF) / 65_535
    return from + (to - from) * eased
  }

  private static func hash(_ value: UInt64) -> UInt64 {
    let product = (value &+ 0x9E37_79B9_7F4A_7C15) &* 0xD6E8_FEB8_6659_FD93
    let mixed = (product ^ (product >> 32)) &* 0xD6E8_FEB8_6659_FD93
    return mixed ^ (mixed >> 29)
  }

  /// An ellipse whose texture goes with it.
  private func draw(
    _ picture: inout Picture, at center: (x: Int, y: Int), radii: (x: Double, y: Double),
    shade: Double
  ) {
    let factor = Int(shade * 256)
    let rows = Int(radii.y)
    for dy in -rows...rows where (0..<height).contains(center.y + dy) {
      let share = 1 - Double(dy * dy) / max(1, radii.y * radii.y)
      let reach = Int(radii.x * share.squareRoot())
      let texture = ((dy + height) % height) * width
      let line = (center.y + dy) * width
      for dx in -reach...reach where (0..<width).contains(center.x + dx) {
        let value = Int(skin[texture + (dx + width) % width]) * factor >> 8
        picture.luma[line + center.x + dx] = UInt8(clamping: value)
        guard dy & 1 == 0, dx & 1 == 0 else { continue }
        let color = (center.y + dy) / 2 * picture.colorWidth + (center.x + dx) / 2
        picture.cb[color] = 112
        picture.cr[color] = 150
      }
    }
  }
}
