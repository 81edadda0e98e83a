// The limits within which signalling is read; LiveKit's where it has one.

public enum SignalLimits {
  /// Bytes of one message.
  public static let messageSize = 2 * 1024 * 1024
  /// Messages within messages.
  public static let messageDepth = 32
  /// Elements of all repeated fields of one message together: two bytes make an empty element that
  /// takes hundreds in memory.
  public static let messageElements = 65_536
  /// Bytes of a session description: 300 sections of a large room, three times over.
  public static let descriptionSize = 1 << 20
  /// Bytes of what opens /rtc/v1, once it is uncompressed: a first offer among it.
  public static let joinRequestSize = 1 << 20
  /// Bytes of the JSON of a candidate.
  public static let candidateSize = 4 << 10
  /// Bytes of a track's or participant's id, and of a client's own name for a track.
  public static let identifierSize = 256
  /// Ids in one message: the tracks of a hundred people, several times over.
  public static let identifiers = 4_096
  /// Bytes of a track's name, and of its stream's.
  public static let trackNameSize = 256
  /// Layers, codecs and features that a track may announce.
  public static let trackLayers = 8
  public static let trackCodecs = 8
  public static let trackFeatures = 16
  /// Tracks and channels of its own that a client may say it believes in after a resume.
  public static let syncedTracks = 128
  /// Attributes in one change; their bytes have a limit of their own.
  public static let attributes = 1_024
  /// Bytes of an access token.
  public static let tokenSize = 16 * 1024
}
