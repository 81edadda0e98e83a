// The limits within which signalling is read; LiveKit's where it has one.

public enum SignalLimits {
  /// Bytes of one message.
  public static let messageSize = 2 * 1024 * 1024
  /// Messages within messages.
  public static let messageDepth = 32
  /// Elements of all repeated fields of one message together: two bytes make an empty element that
  /// takes hundreds in memory.
  public static let messageElements = 65_536
  /// Bytes of an access token.
  public static let tokenSize = 16 * 1024
}
