// The page that `serve` offers to join with: files of `Page/`, which the executable carries.

import Basics
import Signal

enum TestPage {
  /// The answer to a request for the page or a part of it; nil for anything else. `/` is the page only
  /// for those who read HTML, since to others it says whether the server is well.
  static func answer(_ request: StreamRequest) -> StreamResponse? {
    guard ["GET", "HEAD"].contains(request.method), let target = RequestTarget(request.target)
    else { return nil }
    if target.path == "/" {
      let readsHTML = request.header("accept")?.contains("text/html") == true
      return readsHTML ? response(PackageResources.index_html, type: "text/html") : nil
    }
    guard target.path.hasPrefix("/page/") else { return nil }
    let name = target.path.dropFirst(6)
    if name == "style.css" { return response(PackageResources.style_css, type: "text/css") }
    return scripts.first { $0.name == name }
      .map { response($0.bytes(), type: "text/javascript") }
  }

  private static let scripts: [(name: String, bytes: @Sendable () -> [UInt8])] = [
    ("busypicture.js", { PackageResources.busypicture_js }),
    ("call.js", { PackageResources.call_js }),
    ("capture.js", { PackageResources.capture_js }),
    ("chat.js", { PackageResources.chat_js }),
    ("clock.js", { PackageResources.clock_js }),
    ("main.js", { PackageResources.main_js }),
    ("messages.js", { PackageResources.messages_js }),
    ("network.js", { PackageResources.network_js }),
    ("protobuf.js", { PackageResources.protobuf_js }),
    ("room.js", { PackageResources.room_js }),
    ("testpicture.js", { PackageResources.testpicture_js }),
    ("tiles.js", { PackageResources.tiles_js }),
  ]

  /// Nothing but the page's own files runs or is loaded; signalling may lie at another address.
  private static let policy = [
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "worker-src 'self'",
    "img-src 'self' data:", "media-src 'self' blob:", "connect-src 'self' ws: wss:",
    "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
  ].joined(separator: "; ")

  private static func response(_ bytes: [UInt8], type: String) -> StreamResponse {
    StreamResponse(
      status: 200,
      headers: [
        ("content-type", "\(type); charset=utf-8"), ("content-security-policy", policy),
        ("x-content-type-options", "nosniff"), ("referrer-policy", "no-referrer"),
        ("cache-control", "no-cache"),
      ],
      body: bytes)
  }
}
