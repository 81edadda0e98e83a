// `/network` of a served SFU: what stands between a participant and the SFU, and how to change it.

import Basics
import NetSim
import RefSFU
import Scenario
import Signal

extension SFUBehindLinks {
  /// Answers `GET /network` with the state of a participant's link and `POST /network` by changing it
  /// (`Network.Change`); nil for any other path. Participants may ask for their own link, a room's
  /// administrators for everybody's in it, and where `isOpen` anybody for any.
  public func answerNetwork(
    _ request: StreamRequest, isOpen: Bool, at now: Instant
  ) -> StreamResponse? {
    guard let target = RequestTarget(request.target), target.path == "/network" else { return nil }
    let token = sfu.token(of: request, target, at: now)
    do {
      switch request.method {
      case "GET":
        let seat = try allowed(target["identity"], target["room"], token, isOpen: isOpen)
        return StreamResponse(status: 200, json: report(of: seat, at: now))
      case "POST":
        guard token != nil || isOpen else { throw NetworkRefusal.noToken }
        let change = try network.change(request.body)
        let seat = try allowed(change.identity, change.room, token, isOpen: isOpen)
        put(change.link, at: seat, at: now)
        return StreamResponse(status: 200, json: report(of: seat, at: now))
      default:
        return StreamResponse(status: 405, headers: [("allow", "GET, POST")])
      }
    } catch let refusal as NetworkRefusal {
      return StreamResponse(status: refusal.status, text: refusal.text)
    } catch {
      return StreamResponse(status: 400, text: "\(error)")
    }
  }

  /// The seat that is meant, if the token's bearer may touch it.
  private func allowed(
    _ identity: String?, _ room: String?, _ token: AccessToken?, isOpen: Bool
  ) throws(NetworkRefusal) -> Int {
    guard token != nil || isOpen else { throw .noToken }
    let own = token.flatMap { try? $0.roomToJoin() }
    guard let identity = identity ?? (own == nil ? nil : token?.identity) else {
      throw .noIdentity
    }
    let grantedRoom = token?.video.room ?? ""
    let named = room ?? (grantedRoom.isEmpty ? nil : grantedRoom)
    let isOwn = own != nil && own == named && identity == token?.identity
    guard isOpen || isOwn || named.map({ token?.video.isAdmin(of: $0) == true }) == true else {
      throw .notAllowed
    }
    let matches = seats.indices.filter {
      seats[$0].identity == identity && (named == nil || seats[$0].room == named)
    }
    guard matches.count == 1 else { throw matches.isEmpty ? .nobody : .severalRooms }
    return matches[0]
  }

  private func report(of index: Int, at now: Instant) -> JSON {
    let seat = seats[index]
    let simulator = clock.simulator
    return [
      "identity": .string(seat.identity),
      "room": .string(seat.room),
      "link": .string(seat.link?.name ?? "none"),
      "milliseconds": .integer((now - .zero).wholeMilliseconds),
      "up": SFUBehindLinks.json(simulator.statistics(of: seat.up), seat.link?.upText),
      "down": SFUBehindLinks.json(simulator.statistics(of: seat.down), seat.link?.downText),
      "lag": [
        "p50Us": .integer(lag.value(atQuantile: 0.5) ?? 0),
        "p99Us": .integer(lag.value(atQuantile: 0.99) ?? 0),
        "maximumUs": .integer(lag.maximum),
      ],
      "links": .array(
        network.links.map {
          ["name": .string($0.name), "up": .string($0.upText), "down": .string($0.downText)]
        }),
    ]
  }

  private static func json(_ statistics: LinkStatistics, _ text: String?) -> JSON {
    let queue = statistics.queueDelay.value(atQuantile: 0.95) ?? 0
    return [
      "text": .string(text ?? "nothing in the way"),
      "packets": .integer(Int64(statistics.entered)),
      "bytes": .integer(Int64(statistics.enteredBytes)),
      "delivered": .integer(Int64(statistics.delivered)),
      "dropped": .integer(Int64(statistics.dropped.total)),
      "queueDelayP95Ms": .number(Double(queue) / 1e6),
    ]
  }
}

private enum NetworkRefusal: Error {
  case noToken, notAllowed, noIdentity, nobody, severalRooms

  var status: Int {
    switch self {
    case .noToken: 401
    case .notAllowed: 403
    case .noIdentity, .severalRooms: 400
    case .nobody: 404
    }
  }

  var text: String {
    switch self {
    case .noToken: "no valid token; send Authorization: Bearer TOKEN"
    case .notAllowed: "only one's own link, or those of a room with roomAdmin"
    case .noIdentity: "whose link? name an identity"
    case .nobody: "nobody of this identity has joined"
    case .severalRooms: "this identity is in several rooms; name the room"
    }
  }
}

extension StreamResponse {
  init(status: Int, json: JSON) {
    self.init(
      status: status,
      headers: [("content-type", "application/json"), ("cache-control", "no-store")],
      body: Array(json.text().utf8))
  }

  fileprivate init(status: Int, text: String) {
    self.init(
      status: status, headers: [("content-type", "text/plain; charset=utf-8")],
      body: Array("\(text)\n".utf8))
  }
}
