// Signalling streams between nodes.
import Basics

/// What happens next on a stream.
struct PendingStreamEvent {
  var host: Int
  var event: StreamEvent
}

struct StreamTable {
  struct End {
    var host: Int
    var stream: StreamID
    var address: Address
  }
  struct Connection {
    var ends: [End]
    var isOpen = true
  }
  struct Key: Hashable {
    var host: Int
    var stream: StreamID
  }

  var connections: [Connection] = []
  var pending: [PendingStreamEvent?] = []
  var ends: [Key: (connection: Int, side: Int)] = [:]
  var lastInbound: [Int: UInt32] = [:]
}

extension Simulator {
  func handleStream(_ index: Int32) {
    guard let pending = streams.pending[Int(index)] else { return }
    streams.pending[Int(index)] = nil
    deliver(pending.event, to: pending.host)
  }

  private func schedule(_ event: StreamEvent, to host: Int, after delay: Duration) {
    streams.pending.append(PendingStreamEvent(host: host, event: event))
    world.events.push(.stream(Int32(streams.pending.count - 1)), at: now + delay)
  }

  private func delay(from a: Address, to b: Address) -> Duration {
    guard let source = interfaceOfIP[a.ip], let destination = interfaceOfIP[b.ip] else {
      return .zero
    }
    let route = route(from: source, to: destination, Path(local: a, remote: b))
    var sum = Duration.zero
    var hop = 0
    while let link = world.link(at: hop, of: route) {
      sum += links[Int(link)].configuration.delay
      hop += 1
    }
    return sum
  }

  func perform(_ action: StreamAction, from host: Int) {
    switch action {
    case .connect(let id, let to, let request): connect(id, to: to, request, from: host)
    case .accept(let id): forward(id, from: host) { .accepted($0) }
    case .respond(let id, let response):
      forward(id, from: host) { .responded($0, response) }
      streams.ends[StreamTable.Key(host: host, stream: id)] = nil
    case .send(let id, let bytes, let isText):
      forward(id, from: host) { .message($0, bytes, isText: isText) }
    case .close(let id, let code):
      forward(id, from: host) { .closed($0, .closed(code: code)) }
    }
  }

  private func connect(_ id: StreamID, to: Address, _ request: StreamRequest, from host: Int) {
    let local = hosts[host].interfaces.map { interfaces[Int($0)].interface }
      .first { $0.ip.family == to.ip.family }
    guard let local, let destination = interfaceOfIP[to.ip],
      hosts[interfaces[Int(destination)].host].node != nil
    else { return schedule(.closed(id, .lost), to: host, after: .milliseconds(1_000)) }
    let from = Address(local.ip, port: 50_000)
    let peer = interfaces[Int(destination)].host
    let number = (streams.lastInbound[peer] ?? 0) &- 1
    streams.lastInbound[peer] = number
    let ends = [
      StreamTable.End(host: host, stream: id, address: from),
      StreamTable.End(host: peer, stream: StreamID(number), address: to),
    ]
    streams.connections.append(StreamTable.Connection(ends: ends))
    for (side, end) in ends.enumerated() {
      streams.ends[StreamTable.Key(host: end.host, stream: end.stream)] = (
        streams.connections.count - 1, side
      )
    }
    let trip = delay(from: from, to: to)
    let back = delay(from: to, to: from)
    schedule(
      .opened(StreamID(number), request, from: from), to: peer, after: trip * 3 + back * 2)
  }

  private func forward(_ id: StreamID, from host: Int, _ event: (StreamID) -> StreamEvent) {
    guard let end = streams.ends[StreamTable.Key(host: host, stream: id)] else { return }
    let ends = streams.connections[end.connection].ends
    let peer = ends[1 - end.side]
    schedule(
      event(peer.stream), to: peer.host,
      after: delay(from: ends[end.side].address, to: peer.address))
  }

  func deliverSegment(_ id: Int32, to host: Int) { drop(id, .checksum) }
  func resetStreams(of host: Int) {}
  func loseStreams(of host: Int, at ip: IPAddress) {}
}
