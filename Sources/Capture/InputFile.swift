// Reading a whole file, for the formats that libpcap does not know.

import Glibc

enum InputFile {
  private static let chunkSize = 1 << 16

  /// - Throws: `cannotOpen`, `cannotRead`.
  static func bytes(_ name: String) throws(CaptureError) -> [UInt8] {
    guard let stream = fopen(name, "rb") else {
      throw CaptureError(.cannotOpen, file: name, detail: String(cString: strerror(errno)))
    }
    defer { fclose(stream) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: chunkSize)
    while case let count = fread(&chunk, 1, chunkSize, stream), count > 0 {
      bytes.append(contentsOf: chunk[..<count])
    }
    guard ferror(stream) == 0 else {
      throw CaptureError(.cannotRead, file: name, detail: String(cString: strerror(errno)))
    }
    return bytes
  }
}
