// Flows made real: two hosts for each, with the shared links between them.

import Basics
import Bots
import Congestion
import NetSim
import Scenario
import Transport

extension World {
  /// A flow with its two ends.
  struct FlowSeat {
    enum Ends {
      case media(MediaFlowSender, MediaFlowReceiver)
      case tcp(TCPSource, TCPSink)
      case udp(UDPSource, UDPSink)
    }

    let name: String
    let group: Scenario.FlowGroup
    let ends: Ends
    let sender: HostID
    let receiver: HostID

    var isMedia: Bool { if case .media = ends { true } else { false } }
    var start: Instant { group.start }
  }

  /// 172.16.0.0/12, two addresses for each flow.
  private static func addresses(_ number: Int) -> (sender: IPAddress, receiver: IPAddress) {
    let first = UInt32(172 << 24 | 16 << 16) + UInt32(2 * number + 1)
    return (IPAddress(v4: first), IPAddress(v4: first + 1))
  }

  func makeFlows(random: RandomStream) throws -> [FlowSeat] {
    var seats: [FlowSeat] = []
    for group in scenario.flows {
      for (index, name) in group.names.enumerated() {
        let ips = World.addresses(seats.count)
        let path = Path(
          local: Address(ips.sender, port: 50_000), remote: Address(ips.receiver, port: 50_000))
        let sender = simulator.addHost(
          name: "\(name).sender", interfaces: [Interface(name: "eth0", ip: ips.sender)])
        let receiver = simulator.addHost(
          name: "\(name).receiver", interfaces: [Interface(name: "eth0", ip: ips.receiver)])
        let seat = FlowSeat(
          name: name, group: group,
          ends: ends(of: group, index: index, path, random.child(name)), sender: sender,
          receiver: receiver)
        try connect(seat)
        seats.append(seat)
      }
    }
    return seats
  }

  private func ends(
    of group: Scenario.FlowGroup, index: Int, _ path: Path, _ random: RandomStream
  ) -> FlowSeat.Ends {
    switch group.kind {
    case .media(let media):
      let sender = MediaFlowSender(
        configuration(media), at: path.local, pool: simulator.pool, random: random.child("sender"))
      return .media(
        sender,
        MediaFlowReceiver(
          at: path.remote, from: sender, protection: protection, random: random.child("receiver")))
    case .tcp(let tcp):
      let demand: TCPSource.Demand =
        tcp.downloads.map { files in
          .downloads(
            size: Int(files.smallest.bytes)...Int(files.largest.bytes), pause: files.pause,
            startsOn: index < files.startOn)
        } ?? .unlimited
      return .tcp(
        TCPSource(
          demand, control: TCPCongestionControl(rawValue: tcp.control.rawValue) ?? .newReno,
          on: path, random: random),
        TCPSink(on: path.reversed))
    case .udp(let udp):
      let configuration = UDPSource.Configuration(
        rate: udp.rate, packetSize: Int(udp.packet.bytes),
        bursts: udp.bursts.map { ($0.on, $0.off) })
      return .udp(UDPSource(configuration, on: path, random: random), UDPSink())
    }
  }

  private var protection: MediaProtection { scenario.crypto == .real ? .srtp : .cleartext }

  private func configuration(_ media: Scenario.MediaFlow) -> MediaFlowConfiguration {
    var statistics = FrameStatistics()
    statistics.reactionLatency = media.latency
    statistics.sizeScale = World.sizeScale
    var configuration = MediaFlowConfiguration(
      encoder: EncoderModel(
        width: max(2, media.height * 16 / 9), height: media.height,
        framesPerSecond: media.framesPerSecond, targetBitrate: media.startBitrate,
        minimumBitrate: media.minimumBitrate, maximumBitrate: media.maximumBitrate,
        temporalLayers: 1, statistics: statistics))
    configuration.encoder.sizes = FrameSizeModel(rawValue: media.model.rawValue) ?? .statistical
    configuration.audioBitrate = media.audioBitrate
    configuration.usesECN = media.ecn
    configuration.isControlled = media.controller != .none
    configuration.mutant = CongestionConfiguration.Mutant(rawValue: media.controller.rawValue)
    configuration.protection = protection
    return configuration
  }

  /// SCALE_B of RFC 8593 for a rate within 5 % of the target over a second (RFC 8867 §4.3): two
  /// deviations of the mean of 30 frames.
  private static let sizeScale = 0.1

  /// Forward over `up` of its own and the shared links, or backward over `down`.
  private func connect(_ seat: FlowSeat) throws {
    let isForward = seat.group.direction == .forward
    let shared = seat.group.via.compactMap(scenario.link(named:))
    var there = try shared.map { try sharedInstance(of: $0, isForward ? .up : .down) }
    var back = try shared.reversed().map { try sharedInstance(of: $0, isForward ? .down : .up) }
    if !isForward {
      there.reverse()
      back.reverse()
    }
    if let own = seat.group.link.flatMap(scenario.link(named:)) {
      let up = try instance(of: own, .up, name: "\(own.name).up@\(seat.name)", owner: seat.name)
      let down = try instance(
        of: own, .down, name: "\(own.name).down@\(seat.name)", owner: seat.name)
      there.insert(up, at: 0)
      back.append(down)
    }
    simulator.setUplinks(of: seat.sender, interface: "eth0", there)
    simulator.setUplinks(of: seat.receiver, interface: "eth0", back)
    if !seat.isMedia {
      simulator.setBackground(seat.sender)
      simulator.setBackground(seat.receiver)
    }
  }

  private func sharedInstance(
    of link: Scenario.Link, _ direction: Scenario.Event.Direction
  ) throws -> LinkID {
    try instance(
      of: link, direction, name: "\(link.name).\(direction.rawValue)", owner: "network")
  }

  func attachFlows() {
    for seat in flows {
      switch seat.ends {
      case .media(let sender, let receiver): attach(sender, receiver, seat)
      case .tcp(let source, let sink): attach(source, sink, seat)
      case .udp(let source, let sink): attach(source, sink, seat)
      }
    }
  }

  private func attach(_ sender: any Node, _ receiver: any Node, _ seat: FlowSeat) {
    simulator.attach(sender, to: seat.sender)
    simulator.attach(receiver, to: seat.receiver)
  }

  // MARK: - Commands

  func flow(_ name: String) -> FlowSeat? { flows.first { $0.name == name } }

  func startFlow(_ name: String) {
    act(on: name) { seat, now, outbox in
      switch seat.ends {
      case .media(let sender, let receiver):
        sender.start(to: receiver, at: now, into: &outbox)
      case .tcp(let source, _): source.start(at: now, into: &outbox)
      case .udp(let source, _): source.start(at: now)
      }
    }
    noteDemand(of: name, isActive: true)
    // The receiving end has timers of its own now.
    if let seat = flow(name) { simulator.withNode(on: seat.receiver) { _, _, _ in } }
  }

  func stopFlow(_ name: String) {
    noteDemand(of: name, isActive: false)
    act(on: name) { seat, now, outbox in
      switch seat.ends {
      case .media(let sender, let receiver):
        sender.stop(at: now, into: &outbox)
        receiver.setPaused(true, at: now)
      case .tcp(let source, _): source.stop()
      case .udp(let source, _): source.stop()
      }
    }
  }

  /// Only media has a source that can stand still; other flows stop and start.
  func setFlowPaused(_ name: String, _ isPaused: Bool) {
    noteDemand(of: name, isActive: !isPaused)
    act(on: name) { seat, now, outbox in
      switch seat.ends {
      case .media(let sender, let receiver):
        sender.setPaused(isPaused, at: now)
        receiver.setPaused(isPaused, at: now)
      case .tcp(let source, _):
        if isPaused { source.stop() } else { source.start(at: now, into: &outbox) }
      case .udp(let source, _):
        if isPaused { source.stop() } else { source.start(at: now) }
      }
    }
  }

  func setFlowRate(_ name: String, _ rate: Bitrate) {
    demands[name, default: []].append((simulator.now, rate))
    act(on: name) { seat, now, _ in
      if case .udp(let source, _) = seat.ends { source.setRate(rate, at: now) }
    }
  }

  /// A TCP flow has no maximum of its own.
  private func noteDemand(of name: String, isActive: Bool) {
    guard let seat = flow(name) else { return }
    var rate = Bitrate.zero
    if isActive {
      switch seat.group.kind {
      case .media(let media):
        rate = configuration(media).onTheWire(media.maximumBitrate)
      case .tcp: rate = Bitrate(bitsPerSecond: .max)
      case .udp(let udp): rate = udp.rate
      }
    }
    demands[name, default: []].append((simulator.now, rate))
  }

  private func act(
    on name: String, _ body: (FlowSeat, Instant, inout Outbox) -> Void
  ) {
    guard let seat = flow(name) else { return }
    _ = simulator.withNode(on: seat.sender) { _, now, outbox in body(seat, now, &outbox) }
  }
}

extension World {
  /// Ends all measurement.
  func finishFlows(at end: Instant) {
    for case .media(_, let receiver) in flows.map(\.ends) { receiver.finish(at: end) }
  }
}
