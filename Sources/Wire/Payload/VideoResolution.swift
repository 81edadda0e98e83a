// The size of a picture, as key frames of several codecs tell it.

public struct VideoResolution: Hashable, Sendable {
  /// In pixels.
  public var width: Int
  /// In pixels.
  public var height: Int

  public init(width: Int, height: Int) {
    self.width = width
    self.height = height
  }
}
