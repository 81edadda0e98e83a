// What one subscriber's link carries, as its feedback shows, and the packets that wait for it
// (LiveKit pkg/sfu/bwe/sendsidebwe, mediasoup RTC::TransportCongestionControlClient).

import Basics
import Congestion
import Wire

struct Downlink: ~Copyable {
  /// How the subscriber tells what it gets, as its answer has it.
  enum Feedback: Sendable, Equatable {
    case transportWide
    /// REMB, from the departures that packets carry.
    case maximumBitrate
    /// Receiver reports alone.
    case none
  }

  /// IPv4, UDP and SRTP's tag.
  static let overhead = 44
  private static let notableChange = 0.1

  private(set) var feedback = Feedback.transportWide
  /// The numbers that header extensions have on the subscriber's transport.
  private(set) var extensions = SubscriberOffer.extensionMap
  var sender: PacedSender<Packet>
  /// When the SFU's timer comes to let packets go; nil for none.
  var scheduled: Instant?
  private var desired = Bitrate.zero
  private var contest = ContestedLink()
  private let bounds: (minimum: Bitrate, maximum: Bitrate?)
  /// What is sent whatever the path seems to carry.
  private var least: Bitrate
  /// The other end's address, which stands for the network it is on.
  private var network: IPAddress?

  init(_ configuration: CongestionConfiguration, firstNumber: UInt16, at now: Instant) {
    sender = PacedSender(configuration, firstNumber: firstNumber, at: now)
    bounds = (configuration.minimumBitrate, configuration.maximumBitrate)
    least = bounds.minimum
  }

  // MARK: - For allocation

  /// What may be sent, headers of every layer and sound included.
  var target: Bitrate { sender.controller.target }
  /// Whether any feedback has come: before, `target` is a guess.
  var isMeasured: Bool { sender.controller.isMeasured }
  /// Whether so little is sent that the target cannot be seen to hold.
  var isInALR: Bool { sender.controller.isInALR }
  /// Whether a queue grows, or has yet to empty.
  var isCongested: Bool { sender.controller.isCongested }
  /// Least of the last feedback, without the wait at the receiver.
  var roundTrip: Duration { sender.controller.roundTrip }
  /// What waits on the way, one way.
  var standingDelay: Duration { sender.controller.standingDelay }
  /// Of the last second, 0...1.
  var lossRatio: Double { sender.controller.lossRatio }
  /// Bytes that wait for their turn.
  var queuedSize: DataSize { sender.queuedSize }
  /// How long a packet that comes now waits for its turn.
  var queueDelay: Duration { queuedSize / sender.controller.pacingRate }

  /// All streams as their viewer wants them would take `bitrate`, headers included: bounds probes,
  /// and asks for one where there is more to be had.
  mutating func setDesired(_ bitrate: Bitrate, at now: Instant) {
    // Measured rates waver, and each change may start a probe.
    let change = abs(bitrate.bitsPerSecond - desired.bitsPerSecond)
    guard Double(change) > Double(desired.bitsPerSecond) * Downlink.notableChange else { return }
    desired = bitrate
    sender.setAllocated(maximum: bitrate, at: now)
  }

  /// Whether somebody else fills the queue, and the least picture is all there is room for.
  var isContested: Bool { contest.isContested && target <= least }

  /// - Parameters:
  ///   - isHeldBack: whether no video is sent though some is wanted.
  ///   - picture: what the least picture takes, with sound and headers.
  mutating func noteContest(isHeldBack: Bool, picture: Bitrate, at now: Instant) {
    contest.update(
      queue: standingDelay, isHeldBack: isHeldBack,
      isAmple: target > max(picture, least) * (1 + Downlink.notableChange), loss: lossRatio,
      at: now)
    let wanted = contest.isContested ? max(picture, bounds.minimum) : bounds.minimum
    // Measured rates waver.
    guard wanted > least || wanted < least * (1 - Downlink.notableChange) else { return }
    least = wanted
    sender.setBounds(minimum: wanted, maximum: bounds.maximum, at: now)
  }

  /// Tries whether `bitrate` passes; the target tells some 200 ms later.
  /// - Returns: false where that would only do harm now.
  mutating func requestProbe(_ bitrate: Bitrate, at now: Instant) -> Bool {
    sender.requestProbe(bitrate, at: now)
  }

  /// Packets go to this address from now on. Another one is another network, of which nothing is known
  /// yet; another port of it is a NAT's doing.
  mutating func goes(to remote: IPAddress, at now: Instant) {
    guard remote != network else { return }
    if network != nil { sender.networkRouteChanged(at: now) }
    network = remote
  }

  // MARK: - Negotiation

  /// A player's offer gave these header extensions numbers of its own.
  mutating func number(_ extensions: RTPExtensionMap) { negotiated(extensions) }

  /// The answer took these header extensions.
  mutating func negotiated(_ extensions: RTPExtensionMap) {
    self.extensions = extensions
    if extensions[.transportSequenceNumber] != nil {
      feedback = .transportWide
    } else {
      feedback = extensions[.absSendTime] != nil ? .maximumBitrate : .none
    }
    sender.hasTransportFeedback = feedback == .transportWide
  }

  /// Room in a packet for what is stamped on it as it leaves.
  func reserve(in extensions: inout RTPExtensions) {
    switch feedback {
    case .transportWide: extensions.transportSequenceNumber = 0
    case .maximumBitrate: extensions.absSendTime = 0
    case .none: break
    }
  }
}
