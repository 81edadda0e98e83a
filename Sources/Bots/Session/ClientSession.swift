// The seam between a bot and the signalling of its SFU: typed requests in, typed events out. LiveKit,
// Janus VideoRoom and WHIP/WHEP are its implementations (docs/adapters.md).

import Basics
import Transport
import Wire

/// A client's signalling with one SFU, from the first connection to the last. It owns the streams of
/// the bot; the bot owns transports and media.
///
/// The bot calls one method at a time and then takes events until there are none. A session never
/// calls back.
public protocol ClientSession: AnyObject {
  /// When `handleTimeout` wants to be called; nil for never.
  var nextTimeout: Instant? { get }

  /// Whether a signalling connection is open or being opened.
  var isOpen: Bool { get }

  /// Opens a signalling connection. Answered by `joined` or `resumed`, or by `rejected`, `left` or
  /// `disconnected`.
  func open(_ opening: SessionOpening, into outbox: inout Outbox)

  /// Sends a request; does nothing while no connection is open or being opened.
  func send(_ request: ClientRequest, into outbox: inout Outbox)

  /// Closes the connection, if there is one. No event of it comes after this.
  func close(into outbox: inout Outbox)

  /// Takes in what happened on one of the bot's streams.
  func receive(_ event: StreamEvent, at now: Instant, into outbox: inout Outbox)

  /// `nextTimeout` has come.
  func handleTimeout(at now: Instant, into outbox: inout Outbox)

  /// Removes and returns the oldest event; nil without one.
  func nextEvent() -> ClientEvent?

  /// The rights that a token gives; nil where tokens say nothing of it.
  func rights(in token: String) -> SessionRights?

  /// The data channels that a client opens on joining; empty where the SFU carries no data.
  var dataChannels: [DataChannelParameters] { get }

  /// A message as a data channel carries it.
  func encode(_ message: DataMessage) -> [UInt8]

  /// Reads a message that came on the channel `label`; nil for what is no message of a participant.
  func decode(_ bytes: [UInt8], on label: String) -> DataMessage?
}

extension ClientSession {
  public func rights(in token: String) -> SessionRights? { nil }
  public var dataChannels: [DataChannelParameters] { [] }
  public func encode(_ message: DataMessage) -> [UInt8] { message.payload }
  public func decode(_ bytes: [UInt8], on label: String) -> DataMessage? { nil }
}

/// What a client says of itself when it opens a connection.
public struct SessionOpening: Sendable {
  /// Where the SFU answers HTTP and WebSockets.
  public var server: Address
  public var identity: String
  public var token: String
  /// The participant sid of the session to resume; nil for a new session.
  public var resuming: String?
  /// Whether the SFU subscribes the client to every track.
  public var autoSubscribe: Bool
  public var maySubscribe: Bool
  /// Whether track settings follow the sizes at which the client shows tracks.
  public var adaptiveStream: Bool
  /// The client's end of the transport that it receives on.
  public var receiver: LocalTransportDescription
}

/// A client's end of a transport, as its descriptions give it.
public struct LocalTransportDescription: Sendable {
  public var credentials: ICECredentials
  public var fingerprint: Fingerprint
  /// Host candidates' addresses, with the cost of the network of each.
  public var addresses: [(address: Address, networkCost: UInt16)]

  /// - Parameter advertised: turns the transport's addresses into those of candidates.
  init(
    _ transport: borrowing PeerTransport,
    _ advertised: ([(address: Address, networkCost: UInt16)]) -> [(
      address: Address, networkCost: UInt16
    )]
  ) {
    credentials = transport.ice.localCredentials
    fingerprint = transport.localFingerprint
    addresses = advertised(transport.ice.localAddresses)
  }
}

/// What a token lets a participant do.
public struct SessionRights: Sendable, Equatable {
  public var maySubscribe: Bool
  public var mayPublish: [TrackSource]
}

/// An application's message over a data channel.
public struct DataMessage: Sendable, Equatable {
  public var payload: [UInt8]
  public var isReliable: Bool
  /// Counts a publisher's reliable messages from 1; 0 where the signalling does not count.
  public var sequence: UInt32 = 0
  /// Sid and identity of the participant it comes from; empty on the way out.
  public var senderSID = ""
  public var sender = ""
  /// Identities it is for; empty is everybody.
  public var recipients: [String] = []

  public init(_ payload: [UInt8], isReliable: Bool) {
    self.payload = payload
    self.isReliable = isReliable
  }
}

/// The last reliable message that came from a publisher.
public struct DataReceiveState: Sendable, Equatable {
  public var publisherSID: String
  public var sequence: UInt32

  public init(publisherSID: String, sequence: UInt32) {
    self.publisherSID = publisherSID
    self.sequence = sequence
  }
}
