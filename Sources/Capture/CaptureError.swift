// What goes wrong with a capture file, said so that a person finds the place.

/// Names the file and, where there is one, the packet.
public struct CaptureError: Error, Equatable, Sendable, CustomStringConvertible {
  public enum Reason: Equatable, Sendable {
    case cannotOpen
    /// Its format, or one of its blocks, cannot be read.
    case cannotRead
    /// IP packets cannot be found in frames of its link type.
    case unsupportedLinkType
    case cannotWrite
    /// A datagram of more bytes than a UDP header can count.
    case tooLarge
  }

  public var reason: Reason
  public var file: String
  /// Counted from 1, as Wireshark does.
  public var packetNumber: Int?
  /// What the system or libpcap says.
  public var detail: String

  public init(_ reason: Reason, file: String, packetNumber: Int? = nil, detail: String) {
    self.reason = reason
    self.file = file
    self.packetNumber = packetNumber
    self.detail = detail
  }

  public var description: String {
    let place = packetNumber.map { "\(file): packet \($0)" } ?? file
    return detail.isEmpty ? "\(place): \(reason)" : "\(place): \(detail)"
  }
}
