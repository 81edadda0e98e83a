// RTP stream ids with their restrictions (RFC 8851 §10) and simulcast (RFC 8853 §5.1).

public enum RIDDirection: String, Sendable { case send, recv }

/// `a=rid:q send pt=96;max-width=320`.
public struct RIDDescription: Equatable, Sendable, SDPValue {
  public var id: String
  public var direction: RIDDirection
  /// `pt` and the restrictions, in their order.
  public var restrictions: [SDPParameter]

  public init(id: String, direction: RIDDirection, restrictions: [SDPParameter] = []) {
    self.id = id
    self.direction = direction
    self.restrictions = restrictions
  }

  init?(sdp fields: SDPFields) {
    var fields = fields
    guard let id = fields.next(), isRID(id),
      let direction = fields.next().flatMap(RIDDirection.init)
    else { return nil }
    self.id = id
    self.direction = direction
    restrictions = []
    for part in fields.all(by: ";") {
      guard let parameter = SDPParameter(part) else { return nil }
      restrictions.append(parameter)
    }
  }

  var sdp: String {
    let list = restrictions.map(\.sdp).joined(separator: ";")
    return "\(id) \(direction.rawValue)" + (list.isEmpty ? "" : " \(list)")
  }

  public subscript(restriction: String) -> String? {
    restrictions.first { $0.key == restriction }?.value
  }

  /// The payload types it is limited to; empty is all of the section.
  public var payloadTypes: [UInt8] {
    guard let list = self["pt"] else { return [] }
    var fields = SDPFields(list)
    return fields.all(by: ",").compactMap(decimal)
  }
}

/// `a=simulcast:send q;h,~x;f recv r`: streams, each a choice of alternative rids.
public struct Simulcast: Equatable, Sendable, SDPValue {
  public struct Alternative: Equatable, Sendable {
    public var rid: String
    /// Written `~rid`: may be sent, but is not to begin with.
    public var paused: Bool

    public init(_ rid: String, paused: Bool = false) {
      self.rid = rid
      self.paused = paused
    }
  }

  public var send: [[Alternative]]
  public var recv: [[Alternative]]

  public init(send: [[Alternative]] = [], recv: [[Alternative]] = []) {
    self.send = send
    self.recv = recv
  }

  init?(sdp fields: SDPFields) {
    self.init()
    var fields = fields
    while let word = fields.next() {
      guard let list = fields.next().flatMap(Simulcast.streams) else { return nil }
      switch RIDDirection(rawValue: word) {
      case .send where send.isEmpty: send = list
      case .recv where recv.isEmpty: recv = list
      default: return nil
      }
    }
    guard !send.isEmpty || !recv.isEmpty else { return nil }
  }

  private static func streams(_ text: String) -> [[Alternative]]? {
    var result: [[Alternative]] = []
    for stream in text.utf8.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false) {
      var alternatives: [Alternative] = []
      for part in stream.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
        let paused = part.first == UInt8(ascii: "~")
        let rid = String(Substring(paused ? part.dropFirst() : part))
        guard isRID(rid) else { return nil }
        alternatives.append(Alternative(rid, paused: paused))
      }
      result.append(alternatives)
    }
    return result
  }

  var sdp: String {
    func text(_ word: String, _ streams: [[Alternative]]) -> String? {
      guard !streams.isEmpty else { return nil }
      let list = streams.map { alternatives in
        alternatives.map { ($0.paused ? "~" : "") + $0.rid }.joined(separator: ",")
      }
      return "\(word) \(list.joined(separator: ";"))"
    }
    return [text("send", send), text("recv", recv)].compactMap(\.self).joined(separator: " ")
  }
}

private func isRID(_ text: String) -> Bool {
  !text.isEmpty
    && text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
        true
      default: false
      }
    }
}
