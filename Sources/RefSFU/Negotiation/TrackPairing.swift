// Which announced track a section of a publisher's offer carries (LiveKit
// pkg/rtc/participant.go, getPendingTrack).

import Wire

enum TrackPairing {
  /// A track as it was announced.
  struct Announced {
    var cid: String
    var isVideo: Bool
    /// The section that carries it since an earlier offer.
    var mid: String?
  }

  /// The cid of the track that each section of `offer` carries; nil for a section that sends
  /// nothing or has no track.
  ///
  /// A section keeps its track. Else the id of the track in `a=msid` is the announced one; Firefox
  /// writes one of its own, so that what is left is paired by kind, in the order of announcement.
  static func pair(_ offer: SessionDescription, _ tracks: [Announced]) -> [String?] {
    var result = [String?](repeating: nil, count: offer.media.count)
    var free = tracks
    func sending() -> [Int] {
      offer.media.indices.filter { index in
        let section = offer.media[index]
        return result[index] == nil && section.isRTP && !section.isRejected
          && offer.direction(of: section).sends
      }
    }
    func give(_ index: Int, _ isMatch: (Announced) -> Bool) {
      let isVideo = offer.media[index].kind == .video
      guard let place = free.firstIndex(where: { $0.isVideo == isVideo && isMatch($0) }) else {
        return
      }
      result[index] = free.remove(at: place).cid
    }
    for index in sending() {
      let names = offer.media[index].trackNames
      give(index) { names.contains($0.cid) }
    }
    for index in sending() {
      guard let mid = offer.media[index].mid else { continue }
      give(index) { $0.mid == mid || $0.mid == nil && $0.cid == mid }
    }
    for index in sending() { give(index) { $0.mid == nil } }
    return result
  }
}

extension MediaDescription {
  /// What the section calls its track: in `a=msid`, or in the `a=ssrc` lines of older clients.
  fileprivate var trackNames: [String] {
    let older = ssrcs.filter { $0.name == "msid" }.compactMap { line in
      line.value?.split(separator: " ").last.map(String.init)
    }
    return msids.compactMap(\.track) + older
  }
}
