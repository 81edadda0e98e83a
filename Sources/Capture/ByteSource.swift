// The bytes of a file as a stream, with gzip (RFC 1952) taken off, in constant memory.

import CZlib
import Glibc

/// Reads ahead into one buffer, which grows only as far as one record needs.
final class ByteSource {
  private static let chunkSize = 1 << 17

  let name: String
  private let file: gzFile
  private var buffer: UnsafeMutableRawBufferPointer
  private var start = 0
  private var end = 0
  private var isExhausted = false
  /// Why the file could not be read to its end: an I/O error, or gzip data that end early.
  private(set) var failure: String?
  /// Bytes consumed so far, after decompression.
  private(set) var offset: Int64 = 0

  /// - Throws: `cannotOpen`.
  init(_ name: String) throws(CaptureError) {
    guard let file = gzopen(name, "rb") else {
      throw CaptureError(.cannotOpen, file: name, detail: String(cString: strerror(errno)))
    }
    gzbuffer(file, UInt32(ByteSource.chunkSize))
    self.name = name
    self.file = file
    buffer = .allocate(byteCount: ByteSource.chunkSize, alignment: 16)
  }

  deinit {
    gzclose(file)
    buffer.deallocate()
  }

  /// What has been read ahead; valid until the next call that changes the stream.
  var available: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[start..<end])
  }

  /// Reads ahead until `count` bytes are available; false where the stream ends before.
  func fill(_ count: Int) -> Bool {
    if end - start >= count { return true }
    makeRoom(for: count)
    while end - start < count, !isExhausted { readMore() }
    return end - start >= count
  }

  /// Whether the stream has ended.
  var isAtEnd: Bool { !fill(1) }

  /// Skips `count` bytes that are available.
  func consume(_ count: Int) {
    precondition(count >= 0 && count <= end - start)
    start += count
    offset += Int64(count)
  }

  /// Skips `count` bytes, available or not; false where the stream ends before.
  func skip(_ count: Int) -> Bool {
    var left = count
    while left > 0 {
      guard fill(1) else { return false }
      let step = min(left, end - start)
      consume(step)
      left -= step
    }
    return true
  }

  /// Copies at most `count` bytes to `target` and consumes them; 0 at the end.
  func read(into target: UnsafeMutableRawPointer, _ count: Int) -> Int {
    guard fill(1) else { return 0 }
    let size = min(count, end - start)
    target.copyMemory(from: buffer.baseAddress! + start, byteCount: size)
    consume(size)
    return size
  }

  /// The next line without its end, at most `limit` bytes of it; nil at the end of the stream.
  func line(limit: Int) -> [UInt8]? {
    var scanned = 0
    while true {
      let bytes = available
      if let end = bytes[scanned...].firstIndex(of: UInt8(ascii: "\n")) {
        let line = Array(bytes[..<min(end, limit)])
        consume(end + 1)
        return line.last == UInt8(ascii: "\r") ? Array(line.dropLast()) : line
      }
      scanned = bytes.count
      if scanned > limit || !fill(scanned + 1) {
        guard scanned > 0 else { return nil }
        let line = Array(available[..<min(scanned, limit)])
        consume(scanned)
        return line
      }
    }
  }

  private func makeRoom(for count: Int) {
    if buffer.count - start >= max(count, ByteSource.chunkSize / 4) { return }
    let held = end - start
    if buffer.count < count {
      let larger = UnsafeMutableRawBufferPointer.allocate(
        byteCount: max(count, 2 * buffer.count), alignment: 16)
      larger.baseAddress!.copyMemory(from: buffer.baseAddress! + start, byteCount: held)
      buffer.deallocate()
      buffer = larger
    } else {
      memmove(buffer.baseAddress!, buffer.baseAddress! + start, held)
    }
    start = 0
    end = held
  }

  private func readMore() {
    let count = gzread(file, buffer.baseAddress! + end, UInt32(buffer.count - end))
    if count > 0 { end += Int(count) }
    guard count < buffer.count - end || count <= 0 else { return }
    var status: Int32 = 0
    let message = gzerror(file, &status)
    if status == Z_ERRNO {
      failure = String(cString: strerror(errno))
    } else if status != Z_OK, let message {
      failure = "gzip: \(String(cString: message))"
    }
    isExhausted = count <= 0 || failure != nil
  }
}
