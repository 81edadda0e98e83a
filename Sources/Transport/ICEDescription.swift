// What two ICE agents tell each other of themselves (RFC 8839): credentials, roles, candidates.

import Basics

/// A username fragment and password (RFC 8839 §5.4).
public struct ICECredentials: Equatable, Sendable {
  public var ufrag: String
  public var password: String

  public init(ufrag: String, password: String) {
    self.ufrag = ufrag
    self.password = password
  }

  private static let alphabet: StaticString =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

  /// 8 and 24 characters, as much randomness as RFC 8445 §5.3 asks for and more.
  public init(random: inout RandomStream) {
    ufrag = random.string(8, from: ICECredentials.alphabet)
    password = random.string(24, from: ICECredentials.alphabet)
  }
}

/// How an end takes part in connectivity checks.
public enum ICERole: Sendable, Equatable {
  case controlling, controlled
  /// Answers checks and never sends one (RFC 8445 §2.5).
  case lite
}

/// A UDP candidate of the other end.
public struct RemoteCandidate: Equatable, Sendable {
  public var address: Address
  public var priority: UInt32

  public init(address: Address, priority: UInt32) {
    self.address = address
    self.priority = priority
  }
}
