// What a client of VideoRoom is subscribed to: one handle and one transport for all publishers.

import Basics
import Wire

struct JanusSubscription {
  /// Subscriptions and cancellations that the bot has asked for, by track.
  var choices: [String: Bool] = [:]
  /// Whether no offer is under way.
  var isAnswered = true
  private var hasJoined = false
  /// What Janus sends, by its section in its offers.
  private var sections: [(mid: String, sid: String)] = []
  /// What it was asked for.
  private var asked: [String] = []

  struct Change {
    var wanted: [JanusStream] = []
    var unwanted: [JanusStream] = []
    var isEmpty: Bool { wanted.isEmpty && unwanted.isEmpty }
  }

  /// What is to be asked for so that it is what it should be.
  mutating func change(to streams: [JanusStream], byItself: Bool) -> Change {
    asked.removeAll { sid in !streams.contains { $0.sid == sid } }
    var change = Change()
    for stream in streams {
      let isWanted = choices[stream.sid] ?? byItself
      let isAsked = asked.contains(stream.sid)
      if isWanted, !isAsked { change.wanted.append(stream) }
      if !isWanted, isAsked { change.unwanted.append(stream) }
    }
    return change
  }

  /// The first request joins the room; further ones change what it joined for.
  mutating func request(_ change: Change, room: Int64, privateID: Int64) -> JSONObject {
    asked.removeAll { sid in change.unwanted.contains { $0.sid == sid } }
    asked += change.wanted.map(\.sid)
    let list = { (streams: [JanusStream]) -> JSON in
      .array(streams.map { ["feed": .integer($0.feed), "mid": .string($0.mid)] })
    }
    guard hasJoined else {
      hasJoined = true
      return [
        "request": "join", "ptype": "subscriber", "room": .integer(room),
        "private_id": .integer(privateID), "streams": list(change.wanted),
      ]
    }
    var body: JSONObject = ["request": "update"]
    if !change.wanted.isEmpty { body["subscribe"] = list(change.wanted) }
    if !change.unwanted.isEmpty { body["unsubscribe"] = list(change.unwanted) }
    return body
  }

  /// Takes the list of sections out of an event.
  mutating func learn(_ plugin: JSON) {
    guard let streams = plugin["streams"]?.array else { return }
    sections = streams.compactMap { stream in
      guard let mid = stream["mid"]?.string, let feed = stream["feed_id"]?.integer,
        let feedMid = stream["feed_mid"]?.string, stream["active"]?.bool != false
      else { return nil }
      return (mid, JanusStream.sid(feed: feed, mid: feedMid))
    }
  }

  /// The offer with the names that the bot knows streams by, as LiveKit writes them.
  func named(_ sdp: String) -> String {
    var text = SDPText(sdp)
    for index in text.sections.indices {
      var lines = text.sections[index].split(separator: "\r\n").map(String.init)
      let mid = lines.first { $0.hasPrefix("a=mid:") }.map { String($0.dropFirst(6)) }
      lines.removeAll { $0.hasPrefix("a=msid:") || $0.contains(" msid:") }
      if let sid = sections.first(where: { $0.mid == mid })?.sid {
        lines.append("a=msid:\(JanusStream.publisher(of: sid))|\(sid) \(sid)")
      }
      text.sections[index] = lines.map { $0 + "\r\n" }.joined()
    }
    return text.text
  }

  /// The request for what the bot wants of a track: nothing, or the smallest layer that fills its
  /// tile.
  func configuration(
    of sid: String, _ others: [JanusStream], _ settings: TrackSettings
  ) -> JSONObject? {
    guard let section = sections.first(where: { $0.sid == sid }),
      let stream = others.first(where: { $0.sid == sid })
    else { return nil }
    var body: JSONObject = [
      "request": "configure", "mid": .string(section.mid), "send": .bool(!settings.isHidden),
    ]
    let heights = stream.heights
    if !settings.isHidden, settings.height > 0, heights.count > 1 {
      let layer = heights.firstIndex { $0 >= settings.height } ?? heights.count - 1
      body["substream"] = .integer(Int64(layer))
    }
    return body
  }
}

extension JanusStream {
  /// What others have to know of a track, as text: its source and the heights of its layers.
  static func describe(_ track: TrackAnnouncement) -> String {
    ([track.source.name] + track.layers.map { String($0.height) }).joined(separator: " ")
  }

  /// The sid of the participant with this id.
  static func participant(_ id: Int64) -> String { "PA_\(id)" }

  var sid: String { JanusStream.sid(feed: feed, mid: mid) }

  static func sid(feed: Int64, mid: String) -> String { "TR_\(feed)_\(mid)" }

  /// The sid of the participant whose track this is.
  static func publisher(of sid: String) -> String {
    participant(sid.split(separator: "_").dropFirst().first.flatMap { Int64($0) } ?? 0)
  }

  /// Smallest first; empty where the publisher says nothing.
  var heights: [Int] { text.split(separator: " ").dropFirst().compactMap { Int($0) } }

  var track: SessionParticipant.Track {
    let word = text.split(separator: " ").first.map(String.init) ?? ""
    let source = TrackSource.all.first { $0.name == word }
    return .init(sid: sid, source: source ?? (isVideo ? .camera : .microphone))
  }
}
