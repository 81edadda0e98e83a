// Why bytes from the network are not what they should be. Hot, so closed and without payload.

public enum WireError: Error, Sendable, CaseIterable {
  /// The bytes end before the field does.
  case truncated
  /// A version, type or magic number is another protocol's.
  case wrongProtocol
  /// A length field contradicts the bytes.
  case badLength
  /// A field holds a value its RFC forbids.
  case badValue
  /// There is no room to write.
  case noRoom
}
