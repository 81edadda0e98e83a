// Background datagrams at a constant rate, all the time or in bursts (RFC 8868 §5.3).
import Basics

/// Sends packets of one size evenly; the rate may change while it runs.
public final class UDPSource: Node {
  public struct Configuration: Sendable, Equatable {
    public var rate: Bitrate
    /// Bytes of a packet on the wire, 64...1500.
    public var packetSize: Int
    /// Mean lengths of bursts and of the silences between them, both exponential; nil for no silence.
    public var bursts: (on: Duration, off: Duration)?

    public init(
      rate: Bitrate, packetSize: Int = 1_500, bursts: (on: Duration, off: Duration)? = nil
    ) {
      precondition((64...1_500).contains(packetSize))
      self.rate = rate
      self.packetSize = packetSize
      self.bursts = bursts
    }

    public static func == (a: Configuration, b: Configuration) -> Bool {
      a.rate == b.rate && a.packetSize == b.packetSize && a.bursts?.on == b.bursts?.on
        && a.bursts?.off == b.bursts?.off
    }
  }

  /// What it sent, headers included.
  public private(set) var sent = ByteLog()
  private var configuration: Configuration
  private let path: Path
  private var random: RandomStream
  private var isRunning = false
  private var isOn = true
  private var nextPacket: Instant?
  private var nextTurn: Instant?
  private var lastPacket = Instant.zero

  public init(_ configuration: Configuration, on path: Path, random: RandomStream) {
    self.configuration = configuration
    self.path = path
    self.random = random
  }

  public func start(at now: Instant) {
    isRunning = true
    isOn = true
    if let bursts = configuration.bursts { turn(after: bursts.on, at: now) }
    resume(at: now)
  }

  public func stop() {
    isRunning = false
    nextPacket = nil
    nextTurn = nil
  }

  /// A new rate; zero is silence.
  public func setRate(_ rate: Bitrate, at now: Instant) {
    configuration.rate = rate
    if isRunning { resume(at: now) }
  }

  private func resume(at now: Instant) {
    guard isOn, configuration.rate > .zero else {
      nextPacket = nil
      return
    }
    nextPacket = max(now, lastPacket + interval)
  }

  private var interval: Duration {
    DataSize.bytes(configuration.packetSize) / configuration.rate
  }

  private func turn(after mean: Duration, at now: Instant) {
    nextTurn = now + .seconds(random.exponential(mean: mean.seconds))
  }

  public var nextTimeout: Instant? { earlier(nextPacket, nextTurn) }

  public func handleTimeout(at now: Instant, into outbox: inout Outbox) {
    if let due = nextTurn, due <= now, let bursts = configuration.bursts {
      isOn.toggle()
      turn(after: isOn ? bursts.on : bursts.off, at: now)
      resume(at: now)
    }
    while let due = nextPacket, due <= now {
      send(at: now, into: &outbox)
      lastPacket = due
      nextPacket = due + interval
    }
  }

  private func send(at now: Instant, into outbox: inout Outbox) {
    let size = configuration.packetSize - Limits.ipHeader(path.remote.ip) - Limits.udpHeader
    var packet = outbox.pool.makePacket()
    packet.withTailroom { bytes in
      bytes.prefix(size).initializeMemory(as: UInt8.self, repeating: 0)
      return size
    }
    sent.add(configuration.packetSize, at: now)
    outbox.send(packet, on: path)
  }

  public func receive(
    _ packet: consuming Packet, on path: Path, at now: Instant, into outbox: inout Outbox
  ) {}

  public func receive(_ event: StreamEvent, at now: Instant, into outbox: inout Outbox) {}

  public func interfacesChanged(
    _ interfaces: [Interface], at now: Instant, into outbox: inout Outbox
  ) {}
}

/// Counts what arrives.
public final class UDPSink: Node {
  /// What arrived, headers included.
  public private(set) var received = ByteLog()

  public init() {}

  public var nextTimeout: Instant? { nil }

  public func receive(
    _ packet: consuming Packet, on path: Path, at now: Instant, into outbox: inout Outbox
  ) {
    received.add(packet.count + Limits.ipHeader(path.remote.ip) + Limits.udpHeader, at: now)
  }

  public func receive(_ event: StreamEvent, at now: Instant, into outbox: inout Outbox) {}

  public func interfacesChanged(
    _ interfaces: [Interface], at now: Instant, into outbox: inout Outbox
  ) {}

  public func handleTimeout(at now: Instant, into outbox: inout Outbox) {}
}
