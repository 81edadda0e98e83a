// GET /metrics of `serve`, in OpenMetrics 1.0 text: how many there are, and what passed.

import Basics
import NetIO
import RefSFU

enum ServeMetrics {
  static func response(_ sfu: SFU, _ loop: EventLoop) -> StreamResponse {
    StreamResponse(
      status: 200,
      headers: [
        ("content-type", "application/openmetrics-text; version=1.0.0; charset=utf-8"),
        ("cache-control", "no-store"),
      ],
      body: Array(text(sfu, loop).utf8))
  }

  private static func text(_ sfu: SFU, _ loop: EventLoop) -> String {
    let people = sfu.statistics
    let counters = loop.counters
    var out = ""
    func family(_ name: String, _ type: String, _ help: String, _ rows: [(String, Int64)]) {
      out += "# TYPE assay_\(name) \(type)\n# HELP assay_\(name) \(help)\n"
      let suffix = type == "counter" ? "_total" : ""
      for (labels, value) in rows { out += "assay_\(name)\(suffix)\(labels) \(value)\n" }
    }
    func directions(_ received: UInt64, _ sent: UInt64) -> [(String, Int64)] {
      [
        ("{direction=\"received\"}", Int64(clamping: received)),
        ("{direction=\"sent\"}", Int64(clamping: sent)),
      ]
    }
    func one(_ value: some BinaryInteger) -> [(String, Int64)] { [("", Int64(clamping: value))] }
    family("rooms", "gauge", "Rooms with somebody in them.", one(Set(people.map(\.room)).count))
    family("participants", "gauge", "Participants of all rooms.", one(people.count))
    family(
      "streams", "gauge", "RTP streams at present.",
      directions(
        UInt64(people.reduce(0) { $0 + $1.inbound.count }),
        UInt64(people.reduce(0) { $0 + $1.outbound.count })))
    family(
      "datagrams", "counter", "Datagrams of all sockets.",
      directions(counters.received.packets, counters.sent.packets))
    family(
      "datagram_bytes", "counter", "Bytes of those datagrams.",
      directions(counters.received.bytes, counters.sent.bytes))
    family("send_errors", "counter", "Datagrams the kernel refused.", one(counters.sendErrors))
    family(
      "stranger_datagrams", "counter", "Datagrams that reached nobody.",
      one(sfu.dropped.fromStranger))
    family("connections", "gauge", "TCP connections at present.", one(loop.openConnections))
    family(
      "connections_accepted", "counter", "TCP connections taken.",
      one(counters.connectionsAccepted))
    family(
      "connections_dropped", "counter", "TCP connections given up.",
      one(counters.connectionsDropped))
    if let lag = counters.lag.value(atQuantile: 0.99) {
      family("timer_lag_p99_microseconds", "gauge", "How late timers are.", one(lag))
    }
    return out + "# EOF\n"
  }
}
