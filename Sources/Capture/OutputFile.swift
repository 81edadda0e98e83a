// A file being written through the C library's buffer, every short write an error.

import Glibc

final class OutputFile {
  private static let bufferSize = 1 << 16

  let name: String
  /// Nil once closed.
  private var stream: UnsafeMutablePointer<FILE>?

  /// Creates the file or empties it. It holds conversations and keys, so that its owner alone reads it.
  init(_ name: String) throws(CaptureError) {
    self.name = name
    let descriptor = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    // One that was there before keeps its mode otherwise; a pipe has none to change.
    var status = stat()
    if descriptor >= 0, fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG {
      fchmod(descriptor, 0o600)
    }
    stream = descriptor < 0 ? nil : fdopen(descriptor, "wb")
    guard let stream else {
      throw CaptureError(.cannotOpen, file: name, detail: String(cString: strerror(errno)))
    }
    setvbuf(stream, nil, _IOFBF, OutputFile.bufferSize)
  }

  deinit {
    if let stream { fclose(stream) }
  }

  func write(_ bytes: [UInt8]) throws(CaptureError) {
    guard let stream else {
      throw CaptureError(.cannotWrite, file: name, detail: "the file is closed")
    }
    guard fwrite(bytes, 1, bytes.count, stream) == bytes.count else { throw failure }
  }

  /// Writes what is buffered and closes; closing again does nothing.
  func close() throws(CaptureError) {
    guard let stream else { return }
    self.stream = nil
    // Both are done whatever the first says.
    let isFlushed = fflush(stream) == 0
    let flushFailure = failure
    guard fclose(stream) == 0 else { throw isFlushed ? failure : flushFailure }
    guard isFlushed else { throw flushFailure }
  }

  private var failure: CaptureError {
    CaptureError(.cannotWrite, file: name, detail: String(cString: strerror(errno)))
  }
}
