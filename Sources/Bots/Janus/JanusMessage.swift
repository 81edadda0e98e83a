// The messages of Janus and of its VideoRoom plugin, one JSON object each (janus.conf.meetecho.com/docs).

import Basics

/// What a client asks.
enum JanusRequest {
  /// About the session: `create`, `destroy`, `keepalive`.
  case session(String)
  case attach
  /// To the plugin, over one of the handles, with a description or without.
  case plugin(handle: Int64, JSONObject, description: JanusDescription?)

  func text(transaction: UInt32, session: Int64?) -> String {
    var object: JSONObject = ["transaction": .string(String(transaction))]
    if let session { object["session_id"] = .integer(session) }
    switch self {
    case .session(let verb): object["janus"] = .string(verb)
    case .attach:
      object["janus"] = "attach"
      object["plugin"] = "janus.plugin.videoroom"
    case .plugin(let handle, let body, let description):
      object["janus"] = "message"
      object["handle_id"] = .integer(handle)
      object["body"] = .object(body)
      if let description { object["jsep"] = description.json }
    }
    return JSON.object(object).text()
  }
}

/// An offer or answer.
struct JanusDescription: Equatable {
  var isOffer: Bool
  var sdp: String

  /// Layers are written smallest first, and all candidates are in the description.
  var json: JSON {
    [
      "type": .string(isOffer ? "offer" : "answer"), "sdp": .string(sdp), "rid_order": "lmh",
      "trickle": false,
    ]
  }
}

/// What Janus says.
struct JanusMessage {
  /// `success`, `ack`, `event`, `error`, `timeout` …
  let verb: String
  let transaction: UInt32?
  /// The handle it is about.
  let sender: Int64?
  /// The id of what was made.
  let id: Int64?
  let plugin: JSON?
  let description: JanusDescription?
  /// Janus's own error, or the plugin's.
  let error: String?

  /// Nil for what is no message of Janus.
  init?(_ bytes: [UInt8]) {
    guard let json = try? JSON(parsing: bytes), let verb = json["janus"]?.string else { return nil }
    self.verb = verb
    transaction = json["transaction"]?.string.flatMap { UInt32($0) }
    sender = json["sender"]?.integer
    id = json["data"]?["id"]?.integer
    plugin = json["plugindata"]?["data"]
    description = json["jsep"].flatMap { jsep in
      guard let type = jsep["type"]?.string, let sdp = jsep["sdp"]?.string else { return nil }
      return JanusDescription(isOffer: type == "offer", sdp: sdp)
    }
    error = json["error"]?["reason"]?.string ?? plugin?["error"]?.string
  }
}

/// Somebody else's stream, as VideoRoom announces it.
struct JanusStream: Equatable {
  var feed: Int64
  var mid: String
  var isVideo: Bool
  /// What the publisher says of it: see `JanusStream.describe`.
  var text: String

  /// Nil for data, and for one that is there no more.
  init?(_ json: JSON, feed: Int64) {
    guard let mid = json["mid"]?.string, let type = json["type"]?.string,
      type == "audio" || type == "video", json["disabled"]?.bool != true
    else { return nil }
    self.feed = feed
    self.mid = mid
    isVideo = type == "video"
    text = json["description"]?.string ?? ""
  }
}
