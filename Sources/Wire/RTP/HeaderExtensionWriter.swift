// Laying out and writing the header extension block of an RTP packet (RFC 8285 §4).

import Basics

/// How the elements of a block are framed.
enum RTPExtensionForm {
  static let oneByteProfile: UInt16 = 0xBEDE
  static let twoByteProfile: UInt16 = 0x1000

  case oneByte, twoByte
}

/// The size of the block that a set of extensions makes.
struct RTPExtensionLayout {
  var elements = 0
  /// Bytes of all values, without element headers.
  var valueBytes = 0
  var form = RTPExtensionForm.oneByte

  fileprivate mutating func add(_ id: UInt8?, bytes: Int) {
    guard let id else { return }
    elements += 1
    valueBytes += bytes
    if id > 14 { form = .twoByte }
  }

  /// Bytes of the block with its four-byte header and its padding; zero without elements.
  var blockSize: Int {
    if elements == 0 { return 0 }
    let headers = form == .oneByte ? elements : 2 * elements
    return 4 + (headers + valueBytes + 3) / 4 * 4
  }
}

extension RTPExtensions {
  /// The layout of what is set here and has an id in `map`.
  func layout(_ map: RTPExtensionMap) -> RTPExtensionLayout {
    var layout = RTPExtensionLayout()
    if absSendTime != nil { layout.add(map[.absSendTime], bytes: 3) }
    if transportSequenceNumber != nil { layout.add(map[.transportSequenceNumber], bytes: 2) }
    if let mid { layout.add(map[.mid], bytes: mid.count) }
    if let rid { layout.add(map[.rid], bytes: rid.count) }
    if let repairedRid { layout.add(map[.repairedRid], bytes: repairedRid.count) }
    if audioLevel != nil { layout.add(map[.audioLevel], bytes: 1) }
    if absCaptureTime != nil {
      layout.add(map[.absCaptureTime], bytes: captureClockOffset == nil ? 8 : 16)
    }
    return layout
  }

  /// Writes the block that `layout` describes to the front of `target`, the elements in Chromium's
  /// order.
  func write(
    _ map: RTPExtensionMap, _ layout: RTPExtensionLayout, to target: UnsafeMutableRawBufferPointer
  ) {
    var cursor = ElementCursor(target, layout)
    if let absSendTime { cursor.put(map[.absSendTime], UInt64(absSendTime), bytes: 3) }
    if let transportSequenceNumber {
      cursor.put(map[.transportSequenceNumber], UInt64(transportSequenceNumber), bytes: 2)
    }
    if let mid { cursor.put(map[.mid], mid) }
    if let rid { cursor.put(map[.rid], rid) }
    if let repairedRid { cursor.put(map[.repairedRid], repairedRid) }
    if let audioLevel {
      let byte = (audioLevel.voice ? 0x80 : 0) | (audioLevel.level & 0x7F)
      cursor.put(map[.audioLevel], UInt64(byte), bytes: 1)
    }
    if let absCaptureTime {
      cursor.put(map[.absCaptureTime], absCaptureTime, followedBy: captureClockOffset)
    }
    cursor.finish()
  }
}

/// Puts element after element into a block.
private struct ElementCursor {
  private let target: UnsafeMutableRawBufferPointer
  private let form: RTPExtensionForm
  private let end: Int
  private var offset = 4

  init(_ target: UnsafeMutableRawBufferPointer, _ layout: RTPExtensionLayout) {
    self.target = target
    form = layout.form
    end = layout.blockSize
    let profile =
      form == .oneByte ? RTPExtensionForm.oneByteProfile : RTPExtensionForm.twoByteProfile
    target.storeBytes(of: profile.bigEndian, as: UInt16.self)
    target.storeBytes(
      of: UInt16(truncatingIfNeeded: (end - 4) / 4).bigEndian, toByteOffset: 2, as: UInt16.self)
  }

  mutating func put(_ id: UInt8?, _ name: ShortName) {
    guard let id else { return }
    open(id, bytes: name.count)
    for index in 0..<name.count { put(name[index]) }
  }

  mutating func put(_ id: UInt8?, _ value: UInt64, bytes: Int) {
    guard let id else { return }
    open(id, bytes: bytes)
    put(value, bytes: bytes)
  }

  mutating func put(_ id: UInt8?, _ value: UInt64, followedBy more: Int64?) {
    guard let id else { return }
    open(id, bytes: more == nil ? 8 : 16)
    put(value, bytes: 8)
    if let more { put(UInt64(bitPattern: more), bytes: 8) }
  }

  mutating func finish() {
    while offset < end { put(0) }
  }

  private mutating func open(_ id: UInt8, bytes: Int) {
    switch form {
    case .oneByte:
      put(id << 4 | UInt8(truncatingIfNeeded: bytes - 1))
    case .twoByte:
      put(id)
      put(UInt8(truncatingIfNeeded: bytes))
    }
  }

  private mutating func put(_ value: UInt64, bytes: Int) {
    for index in (0..<bytes).reversed() {
      put(UInt8(truncatingIfNeeded: value >> UInt64(8 * index)))
    }
  }

  private mutating func put(_ byte: UInt8) {
    target.storeBytes(of: byte, toByteOffset: offset, as: UInt8.self)
    offset += 1
  }
}
