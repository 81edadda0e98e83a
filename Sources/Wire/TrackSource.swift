// Where a track comes from (LiveKit's TrackSource), which every signalling tells in its own words.

/// What a track shows or lets hear. Raw values are those of LiveKit's protocol.
public enum TrackSource: Int32, CaseIterable, Sendable {
  case unknown, camera, microphone, screenShare, screenShareAudio

  /// Every source that is known.
  public static let all: [TrackSource] = [.camera, .microphone, .screenShare, .screenShareAudio]

  /// As grants and announcements write it.
  public var name: String {
    switch self {
    case .unknown: "unknown"
    case .camera: "camera"
    case .microphone: "microphone"
    case .screenShare: "screen_share"
    case .screenShareAudio: "screen_share_audio"
    }
  }
}
