// Makes one continuous RTP stream for a subscriber out of a publisher's layers (RFC 7667 §3.7,
// RFC 3550 §5.1, RFC 7741 §4.2; LiveKit rtpmunger.go and codecmunger/vp8.go).

import Basics

/// The running numbers of a payload descriptor of VP8 (RFC 7741 §4.2) or VP9 (RFC 9628 §4.2); nil where
/// the packet has none.
public struct VP8Numbers: Equatable, Sendable {
  /// 7 or 15 bits.
  public var pictureID: UInt16?
  /// Whether the picture id has 15 bits.
  public var isLong: Bool
  public var tl0PictureIndex: UInt8?
  /// 5 bits.
  public var keyIndex: UInt8?
  /// Whether pictures that are left out leave a gap: those of VP9 refer to each other by distance, and by
  /// their place in a group of pictures.
  public var keepsGaps: Bool

  public init(
    pictureID: UInt16?, isLong: Bool = true, tl0PictureIndex: UInt8? = nil, keyIndex: UInt8? = nil,
    keepsGaps: Bool = false
  ) {
    self.keepsGaps = keepsGaps
    self.pictureID = pictureID
    self.isLong = isLong
    self.tl0PictureIndex = tl0PictureIndex
    self.keyIndex = keyIndex
  }
}

/// One subscriber's view of one track. Feed it every packet of every layer; it forwards those of
/// the layer that `begin` named last. The caller writes the results, its own SSRC and payload type.
public struct StreamRewriter: Sendable {
  public struct Input: Equatable, Sendable {
    public var layer: Int
    public var sequenceNumber: UInt16
    public var timestamp: UInt32
    public var marker: Bool
    /// False for temporal layers that the subscriber shall not get.
    public var isWanted: Bool
    /// Padding only: takes a number and carries nothing.
    public var isPadding: Bool
    /// Nil for other codecs and for padding.
    public var vp8: VP8Numbers?

    public init(
      layer: Int, sequenceNumber: UInt16, timestamp: UInt32, marker: Bool = false,
      isWanted: Bool = true, isPadding: Bool = false, vp8: VP8Numbers? = nil
    ) {
      self.layer = layer
      self.sequenceNumber = sequenceNumber
      self.timestamp = timestamp
      self.marker = marker
      self.isWanted = isWanted
      self.isPadding = isPadding
      self.vp8 = vp8
    }
  }

  public struct Output: Equatable, Sendable {
    public var sequenceNumber: UInt16
    public var timestamp: UInt32
    /// As many fields and bits as in the input.
    public var vp8: VP8Numbers?
  }

  public enum Refusal: Equatable, Sendable {
    /// Not the layer that is being forwarded, or none is.
    case otherLayer
    /// Dropped on purpose; later numbers close the gap.
    case unwanted
    /// Older than the history or than the latest switch.
    case stale
  }

  public enum Outcome: Equatable, Sendable {
    case forward(Output)
    /// The packet is unwanted, but its number was kept free before that could be known: send
    /// padding under it, or the receiver asks for it in vain.
    case pad(Output)
    case refuse(Refusal)
  }

  /// A step of more numbers than this is a stream starting over (RFC 3550 §A.1, MAX_DROPOUT).
  public static let maximumGap: Int64 = 3_000
  /// Seconds by which sender reports may contradict the elapsed time before they are disbelieved.
  public static let maximumDisagreement = 10.0

  public let clockRate: UInt32
  /// The layer being forwarded; nil at first and after `stop`.
  public private(set) var layer: Int?
  /// That was forwarded last.
  private(set) var lastLayer: Int?
  private var sequence: Renumbering?
  private var nextSequence: Int64
  private var pictures: Renumbering?
  private var nextPicture: Int64
  private var timestampShift: UInt32 = 0
  private var lastTimestamp: UInt32
  private var lastTimestampAt: Instant?
  /// The layer before the switch: numbers that it kept free are owed until its stragglers come.
  private var owed: (layer: Int, sequence: Renumbering, timestampShift: UInt32)?
  private var tl0Shift: UInt8 = 0
  private var lastTL0: UInt8 = .max
  private var keyShift: UInt8 = 0
  private var lastKey: UInt8 = 31
  private var suspect: UInt16?
  private var isAtFrameEnd = true

  /// - Parameters:
  ///   - clockRate: RTP timestamp units per second, above zero.
  ///   - firstSequenceNumber: best random (RFC 3550 §5.1), as is `firstTimestamp`.
  public init(
    clockRate: UInt32, firstSequenceNumber: UInt16, firstTimestamp: UInt32,
    firstPictureID: UInt16 = 0
  ) {
    precondition(clockRate > 0)
    self.clockRate = clockRate
    nextSequence = Int64(firstSequenceNumber)
    nextPicture = Int64(firstPictureID)
    lastTimestamp = firstTimestamp
  }

  /// Forwards `input`'s layer from `input` on, which continues the outgoing numbers without a gap
  /// and is best the first packet of a keyframe. Call `rewrite` with it next.
  /// - Parameter aligned: `input`'s timestamp on the previous layer's clock, from sender reports.
  public mutating func begin(_ input: Input, aligned: UInt32? = nil, at now: Instant) {
    if let sequence {
      nextSequence = sequence.next
      if let lastLayer, lastLayer != input.layer { owed = (lastLayer, sequence, timestampShift) }
    }
    if let pictures { nextPicture = pictures.next }
    alignTimestamp(input, aligned: input.layer == lastLayer ? input.timestamp : aligned, at: now)
    sequence = Renumbering(from: Int64(input.sequenceNumber), to: nextSequence)
    pictures = input.vp8?.pictureID.map { Renumbering(from: Int64($0), to: nextPicture) }
    if let tl0 = input.vp8?.tl0PictureIndex { tl0Shift = tl0 &- lastTL0 &- 1 }
    if let key = input.vp8?.keyIndex { keyShift = key &- lastKey &- 1 }
    layer = input.layer
    lastLayer = input.layer
    suspect = nil
  }

  /// The timestamp that goes out for `timestamp` of the layer forwarded last.
  func outgoing(_ timestamp: UInt32) -> UInt32 { timestamp &- timestampShift }

  /// Stops, and takes whatever begins next for another source: layers have other places now, or
  /// the SSRC takes another track. The outgoing numbers go on.
  mutating func changeSource() {
    stop()
    lastLayer = nil
    owed = nil
  }

  /// Refuses everything until the next `begin`.
  public mutating func stop() {
    layer = nil
    isAtFrameEnd = true
  }

  public mutating func rewrite(_ input: Input, at now: Instant) -> Outcome {
    guard input.layer == layer, let newest = sequence?.newest else {
      return .refuse(.otherLayer)
    }
    let step = Int64(
      Int16(bitPattern: input.sequenceNumber &- UInt16(truncatingIfNeeded: newest)))
    if step > StreamRewriter.maximumGap || isRestart(input, step: step) {
      begin(input, at: now)
      skipPicture()
      return advance(to: Int64(input.sequenceNumber), input, at: now)
    }
    if step > 0 { return advance(to: newest + step, input, at: now) }
    // What may be the first of a stream starting over must not go out under an old packet's number.
    guard step >= -StreamRewriter.maximumGap else { return .refuse(.stale) }
    return place(late: input, number: newest + step)
  }

  /// After a jump the newest picture's references are not to be had, so that it must not look like the
  /// one behind the last.
  private mutating func skipPicture() {
    pictures = pictures.map { Renumbering(from: $0.newest + 1, to: $0.next + 1) }
    tl0Shift = tl0Shift &- 1
  }

  /// A packet of our own (padding for a probe) behind the newest one; nil in the middle of a frame.
  public mutating func insertPadding() -> Output? {
    guard layer != nil, isAtFrameEnd, let number = sequence?.insert() else { return nil }
    return Output(
      sequenceNumber: UInt16(truncatingIfNeeded: number), timestamp: lastTimestamp, vp8: nil)
  }

  /// The number that was kept free for `input`, of the layer before the switch: the packet is of no use
  /// any more, but without padding under its number the receiver asks for it in vain.
  public func straggler(_ input: Input) -> Output? {
    guard let owed, input.layer == owed.layer, input.layer != layer else { return nil }
    let newest = owed.sequence.newest
    let step = Int64(
      Int16(bitPattern: input.sequenceNumber &- UInt16(truncatingIfNeeded: newest)))
    guard step < 0, step >= -StreamRewriter.maximumGap,
      case .mapped(let number) = owed.sequence.place(of: newest + step)
    else { return nil }
    return Output(
      sequenceNumber: UInt16(truncatingIfNeeded: number),
      timestamp: input.timestamp &- owed.timestampShift, vp8: nil)
  }

  private mutating func isRestart(_ input: Input, step: Int64) -> Bool {
    guard step < -StreamRewriter.maximumGap else {
      suspect = nil
      return false
    }
    // RFC 3550 §A.1: believed when two numbers from there follow each other.
    defer { suspect = input.sequenceNumber &+ 1 }
    return suspect == input.sequenceNumber
  }

  private mutating func advance(
    to number: Int64, _ input: Input, at now: Instant
  ) -> Outcome {
    let picture: Renumbering.Place? = input.isPadding ? nil : advancePicture(input)
    if input.isPadding || (picture == nil ? !input.isWanted : picture == .dropped) {
      sequence?.drop(number)
      return .refuse(.unwanted)
    }
    guard let mapped = sequence?.keep(number) else { return .refuse(.otherLayer) }
    let output = output(input, number: mapped, picture: picture)
    if lastTimestampAt == nil || isNewer(output.timestamp, than: lastTimestamp) {
      lastTimestamp = output.timestamp
      lastTimestampAt = now
    }
    if let tl0 = output.vp8?.tl0PictureIndex { lastTL0 = tl0 }
    if let key = output.vp8?.keyIndex { lastKey = key }
    isAtFrameEnd = input.marker
    return .forward(output)
  }

  /// Where the picture of a newest packet goes; nil when pictures are not numbered. A picture is
  /// kept or dropped whole, as its first packet decided.
  private mutating func advancePicture(_ input: Input) -> Renumbering.Place? {
    guard let numbers = input.vp8, let id = numbers.pictureID else { return nil }
    guard let newest = pictures?.newest else {
      pictures = Renumbering(from: Int64(id), to: nextPicture)
      return advancePicture(input)
    }
    let number = StreamRewriter.unwrap(id, isLong: numbers.isLong, near: newest)
    if numbers.keepsGaps, !input.isWanted {
      if number > newest { _ = pictures?.keep(number) }
      return .dropped
    }
    if number == newest, let place = pictures?.place(of: number), place != .unknown {
      return place
    }
    if number <= newest {
      // A later packet with an earlier picture: the encoder began to count anew.
      pictures = pictures.map { Renumbering(from: number, to: $0.next) }
    }
    if !input.isWanted {
      pictures?.drop(number)
      return .dropped
    }
    guard let mapped = pictures?.keep(number) else { return nil }
    return .mapped(mapped)
  }

  private mutating func place(late input: Input, number: Int64) -> Outcome {
    switch sequence?.place(of: number) ?? .unknown {
    case .unknown: return .refuse(.stale)
    case .dropped: return .refuse(.unwanted)
    case .mapped(let mapped):
      let picture: Renumbering.Place? = input.isPadding ? nil : latePicture(input)
      // An unwanted picture whose number is kept free too may as well fill it.
      if case .mapped = picture {
        return .forward(output(input, number: mapped, picture: picture))
      }
      let isUseful = picture == nil && input.isWanted && !input.isPadding
      let output = output(input, number: mapped, picture: nil)
      return isUseful ? .forward(output) : .pad(output)
    }
  }

  /// Where the picture of a late packet goes; it may be new where padding overtook it.
  private mutating func latePicture(_ input: Input) -> Renumbering.Place? {
    guard let numbers = input.vp8, let id = numbers.pictureID, let newest = pictures?.newest else {
      return nil
    }
    let number = StreamRewriter.unwrap(id, isLong: numbers.isLong, near: newest)
    return number > newest ? advancePicture(input) : pictures?.place(of: number)
  }

  private func output(
    _ input: Input, number: Int64, picture: Renumbering.Place?
  ) -> Output {
    var vp8 = input.vp8
    if case .mapped(let id) = picture {
      vp8?.pictureID = UInt16(truncatingIfNeeded: id) & (input.vp8!.isLong ? 0x7FFF : 0x7F)
    }
    if let tl0 = vp8?.tl0PictureIndex { vp8?.tl0PictureIndex = tl0 &- tl0Shift }
    if let key = vp8?.keyIndex { vp8?.keyIndex = (key &- keyShift) & 31 }
    return Output(
      sequenceNumber: UInt16(truncatingIfNeeded: number),
      timestamp: input.timestamp &- timestampShift, vp8: vp8)
  }

  private mutating func alignTimestamp(_ input: Input, aligned: UInt32?, at now: Instant) {
    guard let lastTimestampAt else {
      timestampShift = input.timestamp &- lastTimestamp
      return
    }
    let elapsed = (now - lastTimestampAt).seconds * Double(clockRate)
    var target = lastTimestamp &+ UInt32(truncatingIfNeeded: Int64(elapsed.rounded()))
    if let aligned {
      let candidate = aligned &- timestampShift
      let disagreement = Int32(bitPattern: candidate &- target).magnitude
      if Double(disagreement) <= StreamRewriter.maximumDisagreement * Double(clockRate) {
        target = candidate
      }
    }
    if !isNewer(target, than: lastTimestamp) { target = lastTimestamp &+ 1 }
    timestampShift = input.timestamp &- target
  }

  private static func unwrap(_ id: UInt16, isLong: Bool, near newest: Int64) -> Int64 {
    let modulus: Int64 = isLong ? 1 << 15 : 1 << 7
    let step = (Int64(id) - newest) & (modulus - 1)
    return newest + (step >= modulus / 2 ? step - modulus : step)
  }
}
