// The sending half of a transport: controller, pacer and transport-wide numbers put together, for
// bots and SFU alike (libwebrtc call/rtp_transport_controller_send.cc, revision 3710345).

import Basics

/// Sends what is enqueued as the path allows. The caller writes and protects the packets.
///
///     sender.enqueue(packet, size: size, kind: .video, at: now)
///     while let departure = sender.next(at: now) {
///       switch consume departure {
///       case .packet(let packet, let size, let kind, let probe):
///         let number = sender.number(of: size, kind: kind, probe: probe, at: now)
///       case .padding(let size, let probe): // make packets, or
///         sender.cannotPad(size, at: now)
///       }
///     }
public struct PacedSender<Payload: ~Copyable>: ~Copyable {
  public private(set) var controller: CongestionController
  /// Whether the other end reports by transport-wide numbers. Where it does not, `received(lost:…)`
  /// and `received(receiverLimit:…)` have to do, and silence means nothing.
  public var hasTransportFeedback = true
  private var pacer: Pacer<Payload>
  private var nextNumber: Int64
  private var revision: Int
  private var hasBegun = false
  private var clock = ArrivalClock()
  private var feedback = ArrivalFeedback()

  /// - Parameter firstNumber: of the transport-wide ones, best random.
  public init(_ configuration: CongestionConfiguration, firstNumber: UInt16, at now: Instant) {
    controller = CongestionController(configuration, at: now)
    pacer = Pacer(pacingRate: controller.pacingRate, at: now)
    nextNumber = Int64(firstNumber)
    revision = controller.revision
  }

  /// How often the other end's reference time has wrapped.
  public var referenceTimeWraps: Int { clock.wraps }
  public var queuedPackets: Int { pacer.queuedPackets }
  public var queuedSize: DataSize { pacer.queuedSize }

  /// What encoders may make: the target, less what empties the pacer's queue within a second where
  /// more waits than 100 ms carry. A step down leaves a backlog, and 1.1 times the target is more than
  /// the path may have (libwebrtc drops frames in the encoder instead).
  public var encoderTarget: Bitrate {
    let target = controller.sendTarget
    let backlog = queuedSize - target * Duration.milliseconds(100)
    guard backlog > .zero else { return target }
    return max(target * 0.5, target - backlog / .seconds(1))
  }

  // MARK: - Sending

  /// Whether the packet may leave now without waiting; if not, enqueue it.
  public mutating func passes(_ size: DataSize, kind: PacketKind, at now: Instant) -> Bool {
    begin(with: kind, at: now)
    return pacer.passes(size, kind: kind, at: now)
  }

  public mutating func enqueue(
    _ payload: consuming Payload, size: DataSize, kind: PacketKind, at now: Instant
  ) {
    begin(with: kind, at: now)
    pacer.enqueue(payload, size: size, kind: kind, at: now)
  }

  /// Probing starts with the first packet that is not audio.
  private mutating func begin(with kind: PacketKind, at now: Instant) {
    guard !hasBegun, kind != .audio else { return }
    hasBegun = true
    controller.begin(at: now)
    follow(at: now)
  }

  public mutating func next(at now: Instant) -> Departure<Payload>? { pacer.next(at: now) }

  /// The transport-wide number of a packet that leaves now, be it media or padding.
  public mutating func number(
    of size: DataSize, kind: PacketKind, probe: ProbeMark? = nil, at now: Instant
  ) -> UInt16 {
    if kind == .padding { pacer.padded(size, probe: probe, at: now) }
    if hasTransportFeedback {
      controller.sent(
        SentPacket(
          sequenceNumber: nextNumber, size: size, sentAt: now, kind: kind, probe: probe))
    }
    defer { nextNumber += 1 }
    return UInt16(truncatingIfNeeded: nextNumber)
  }

  public mutating func cannotPad(_ size: DataSize, at now: Instant) {
    pacer.cannotPad(size, at: now)
  }

  public mutating func removeAll() { pacer.removeAll() }

  /// Takes waiting packets out that nobody wants any more.
  /// - Returns: how many.
  @discardableResult
  public mutating func remove(where isUnwanted: (borrowing Payload) -> Bool) -> Int {
    pacer.remove(where: isUnwanted)
  }

  /// How long the packets of the queue have waited, on average.
  public func averageWait(at now: Instant) -> Duration { pacer.averageWait(at: now) }

  // MARK: - Feedback

  /// Transport-wide feedback as it stands on the wire.
  /// - Parameters:
  ///   - reference: the reference time, in 64 ms.
  ///   - deltas: for each number from `base` on, 250 us since the arrival before it; nil for lost.
  public mutating func received(
    base: UInt16, reference: Int32, deltas: some Sequence<Int16?>, at now: Instant
  ) {
    feedback.entries.removeAll(keepingCapacity: true)
    // Near what was sent, so that nothing remote moves the numbers.
    var number =
      nextNumber + Int64(Int16(bitPattern: base &- UInt16(truncatingIfNeeded: nextNumber)))
    var arrival = clock.moment(of: reference, at: now)
    for delta in deltas {
      if let delta { arrival += Duration(nanoseconds: Int64(delta) * 250_000) }
      feedback.entries.append(
        ArrivalFeedback.Entry(sequenceNumber: number, arrival: delta == nil ? nil : arrival))
      number += 1
    }
    controller.received(feedback, at: now)
    follow(at: now)
  }

  public mutating func received(receiverLimit: Bitrate?, at now: Instant) {
    controller.received(receiverLimit: receiverLimit, at: now)
    follow(at: now)
  }

  public mutating func received(
    lost: Int64, of packets: Int64, roundTrip: Duration?, at now: Instant
  ) {
    controller.received(lost: lost, of: packets, roundTrip: roundTrip, at: now)
    follow(at: now)
  }

  /// See `CongestionController.networkRouteChanged`. Before anything was sent there is nothing to forget.
  public mutating func networkRouteChanged(at now: Instant) {
    guard hasBegun else { return }
    controller.networkRouteChanged(at: now)
    follow(at: now)
  }

  // MARK: - Wishes

  public mutating func setAllocated(maximum: Bitrate, padding: Bitrate = .zero, at now: Instant) {
    controller.setAllocated(maximum: maximum, padding: padding, at: now)
    follow(at: now)
  }

  public mutating func setBounds(
    minimum: Bitrate, maximum: Bitrate?, start: Bitrate? = nil, at now: Instant
  ) {
    controller.setBounds(minimum: minimum, maximum: maximum, start: start, at: now)
    follow(at: now)
  }

  /// Whether `rate` would pass: see `CongestionController.requestProbe`.
  public mutating func requestProbe(_ rate: Bitrate, at now: Instant) -> Bool {
    defer { follow(at: now) }
    return controller.requestProbe(rate, at: now)
  }

  // MARK: - Time

  public func nextTimeout(at now: Instant) -> Instant? {
    earlier(controller.nextTimeout, pacer.nextTimeout(at: now))
  }

  public func nextDeparture(at now: Instant) -> Instant? { pacer.nextTimeout(at: now) }

  public mutating func handleTimeout(at now: Instant) {
    controller.handleTimeout(at: now)
    follow(at: now)
  }

  /// Tells the pacer what the controller decided.
  private mutating func follow(at now: Instant) {
    for probe in controller.takeProbes() where hasTransportFeedback { pacer.add(probe) }
    guard controller.revision != revision else { return }
    revision = controller.revision
    pacer.setRates(
      pacing: controller.pacingRate, padding: controller.paddingRate, at: now)
  }
}
