// What the reader makes of a request, for those who try it out.

/// The outcome of reading one request in pieces.
package struct HTTPReading: Equatable {
  /// The status with which it is refused; nil for one that is whole, or not yet.
  package private(set) var refusal: Int?
  /// Method, target, fields and body of one that is whole.
  package private(set) var request: [String] = []
  package private(set) var body: [UInt8] = []

  package init(of pieces: [[UInt8]]) {
    let reader = HTTPReader(.request)
    for piece in pieces where !piece.isEmpty {
      switch piece.withUnsafeBytes({ HTTPReading.read($0, with: reader) }) {
      case .success(.incomplete): continue
      case .success(.complete):
        request = [reader.method, reader.target] + reader.headers.map { "\($0.name): \($0.value)" }
        body = reader.body
      case .failure(let failure): refusal = failure.status
      }
      return
    }
  }

  private static func read(
    _ bytes: UnsafeRawBufferPointer, with reader: HTTPReader
  ) -> Result<HTTPReader.Progress, HTTPFailure> {
    do throws(HTTPFailure) {
      return .success(try reader.read(bytes))
    } catch {
      return .failure(error)
    }
  }
}
