// `assay serve`: the reference SFU on real sockets.

import Basics
import Foundation
import Lab
import NetIO
import RefSFU
import Results
import Scenario
import Signal
import Transport

extension Verb {
  static let serve = Verb(
    name: "serve", operands: "",
    summary: "Run the reference SFU on real sockets, for LiveKit clients; on loopback unless told.",
    flags: [
      Flag("--port", "N", "TCP port of HTTP and signalling; 7880 unless given, 0 for any"),
      Flag("--udp-port", "N", "UDP port of all media; 7882 unless given, 0 for any"),
      Flag("--listen", "ADDRESS", "the address to serve on; 127.0.0.1 unless given"),
      Flag("--keys", "FILE", "API keys, as lines of 'key: secret'"),
      Flag("--dev", nil, "use the well-known key 'devkey' with the secret 'secret'"),
      Flag("--tls-cert", "FILE", "serve over TLS, with this certificate and its chain in PEM"),
      Flag("--tls-key", "FILE", "with --tls-cert: its private key in PEM"),
      Flag("--allow-origin", "LIST", "origins of pages that may connect, as https://a.example"),
      Flag("--allow-host", "LIST", "with --dev: names of this server beside addresses"),
      Flag("--network", "FILE", "put the links of FILE between each participant and the SFU"),
      Flag("--for", "IDENTITY", "with --network: between this participant and the SFU only"),
      Flag("--ice-server", "URL", "a STUN server that clients are told of, as stun:host:port"),
      Flag("--pcap", "DIR", "write every datagram, and all media in clear, into this folder"),
      Flag("--format", "text|json", "how the addresses are printed once it is ready"),
    ],
    run: { arguments in try Server(arguments).run() })
}

private struct Server {
  private let keys: Keys
  private let ip: IPAddress
  private let port: UInt16
  private let mediaPort: UInt16
  private let iceServer: String?
  /// A folder for captures; nil for none.
  private let captures: String?
  private let printsJSON: Bool
  private let isOpen: Bool
  private let browsers: BrowserPolicy
  private let tls: TLSIdentity?
  private let tokens: TokenEndpoint
  private let network: Network?
  private let onlyFor: String?

  init(_ arguments: Arguments) throws {
    if let stray = arguments.operands.first {
      throw UsageError(message: "serve takes no operand such as '\(stray)'")
    }
    keys = try Server.keys(arguments)
    let text = arguments.value("--listen") ?? "127.0.0.1"
    guard let ip = IPAddress(text) else {
      throw UsageError(message: "--listen takes an IP address such as 127.0.0.1, not '\(text)'")
    }
    self.ip = ip
    port = try Server.port(arguments, "--port", otherwise: 7_880)
    mediaPort = try Server.port(arguments, "--udp-port", otherwise: 7_882)
    iceServer = arguments.value("--ice-server")
    guard iceServer?.hasPrefix("stun:") ?? true else {
      throw UsageError(message: "--ice-server takes a URL such as stun:stun.example.org:3478")
    }
    captures = arguments.value("--pcap")
    printsJSON = try arguments.choice("--format", of: ["text", "json"]) == "json"
    isOpen = arguments.has("--dev")
    tls = try Server.tls(arguments)
    browsers = BrowserPolicy(
      isDevelopment: isOpen, origins: Server.list(arguments, "--allow-origin"),
      hosts: Server.list(arguments, "--allow-host"))
    tokens = try TokenEndpoint(keys: keys, isOpen: isOpen, isSecure: tls != nil)
    network = try arguments.value("--network").map { try Network(file: $0) }
    onlyFor = arguments.value("--for")
    guard network != nil || onlyFor == nil else {
      throw UsageError(message: "--for IDENTITY needs --network FILE, whose link it gets")
    }
  }

  private static func list(_ arguments: Arguments, _ flag: String) -> [String] {
    (arguments.value(flag) ?? "").split(separator: ",").map {
      $0.trimmingCharacters(in: .whitespaces).lowercased()
    }
  }

  private static func tls(_ arguments: Arguments) throws(UsageError) -> TLSIdentity? {
    guard let certificate = arguments.value("--tls-cert") else {
      guard arguments.value("--tls-key") == nil else {
        throw UsageError(message: "--tls-key FILE needs --tls-cert FILE")
      }
      return nil
    }
    guard let key = arguments.value("--tls-key") else {
      throw UsageError(message: "--tls-cert FILE needs --tls-key FILE")
    }
    do {
      return try TLSIdentity(certificate: certificate, key: key)
    } catch .certificateUnreadable {
      throw UsageError(message: "\(certificate): no certificate in PEM that can be read")
    } catch .keyUnreadable {
      throw UsageError(
        message: "\(key): no private key in PEM that can be read and fits \(certificate)")
    } catch {
      throw UsageError(message: "TLS cannot be had (\(error))")
    }
  }

  private static func port(
    _ arguments: Arguments, _ flag: String, otherwise standard: UInt16
  ) throws(UsageError) -> UInt16 {
    guard let number = try arguments.number(flag) else { return standard }
    guard let port = UInt16(exactly: number) else {
      throw UsageError(message: "\(flag) takes a port from 0 to 65535, not \(number)")
    }
    return port
  }

  private static func keys(_ arguments: Arguments) throws(UsageError) -> Keys {
    if arguments.has("--dev") {
      guard !arguments.has("--keys") else {
        throw UsageError(message: "--dev and --keys exclude each other")
      }
      Console.log(
        """
        assay: DEVELOPMENT KEYS: anyone who reaches this server may join, with the key \
        '\(Keys.developmentKey)' and the secret '\(Keys.developmentSecret)'.
        """)
      return .development
    }
    let file = arguments.value("--keys")
    let given: Keys?
    if let file { given = try Keys.reading(file) } else { given = try Keys.fromEnvironment() }
    if let given {
      try given.checkSecrets()
      return given
    }
    throw UsageError(
      message: """
        no API keys; set LIVEKIT_API_KEY and LIVEKIT_API_SECRET, or give --keys FILE, \
        or --dev to try it out
        """)
  }

  // MARK: - Running

  func run() throws -> ExitCode {
    Randomness.useSystem()
    let loop = try EventLoop()
    let signalling = try open(Address(ip, port: port), "TCP", flag: "--port") {
      try loop.listen(on: $0, tls: tls)
    }
    warnOfReach()
    let interfaces = self.interfaces
    let media = try openMedia(interfaces, on: loop)
    var configuration = SFUConfiguration(
      keys: keys.secrets, tokenLeeway: AccessToken.defaultLeeway, requiresExpiry: true)
    configuration.epochSeconds = Int64(Date().timeIntervalSince1970)
    configuration.dataChannels = true
    configuration.allowsSimulation = isOpen
    configuration.mediaPort = media.first?.port ?? mediaPort
    configuration.iceServers = iceServer.map { [SFUConfiguration.ICEServer(urls: [$0])] } ?? []
    let sfu = SFU(configuration, random: .system)
    let links = network.map {
      SFUBehindLinks(
        sfu, network: $0, only: onlyFor, seed: .random(in: 0 ... .max), pool: loop.pool)
    }
    let inner: any Node = links ?? sfu
    let recorder = try captures.map { try record(sfu, behind: inner, into: $0) }
    let log = ServeLog()
    sfu.observer = log
    let reception = Reception(
      recorder ?? inner, network: links, isOpen: isOpen, browsers: browsers, tokens: tokens,
      metrics: { [unowned loop] in ServeMetrics.response(sfu, loop) })
    let node = try loop.attach(
      reception, interfaces: interfaces, sockets: media, listeners: [signalling])
    announce(signalling, media)
    loop.run(while: { Interrupt.received == nil })
    let code = withExtendedLifetime(log) { drain(loop, node, sfu, links) }
    try recorder?.close()
    return code
  }

  private func record(
    _ sfu: SFU, behind next: any Node, into directory: String
  ) throws -> ServeRecorder {
    do {
      try FileManager.default.createDirectory(
        atPath: directory, withIntermediateDirectories: true,
        attributes: [.posixPermissions: 0o700])
      let epoch = Int64(Date().timeIntervalSince1970 * 1e9)
      return try ServeRecorder(sfu, behind: next, directory: directory, epoch: epoch)
    } catch {
      throw UsageError(message: "\(directory): cannot be written; --pcap takes a folder")
    }
  }

  /// Beyond loopback others hear and speak, too.
  private func warnOfReach() {
    let isLoopback =
      ip.family == .v4 ? ip.low >> 24 == 127 : ip == IPAddress(v6High: 0, low: 1)
    guard !isLoopback else { return }
    if isOpen {
      Console.log("assay: --listen \(ip) with --dev: everybody who reaches it may join any room")
    }
    if tls == nil {
      Console.log(
        "assay: --listen \(ip) without --tls-cert: tokens and signalling cross the network in "
          + "clear; see docs/security.md")
    }
  }

  /// Media has an address on each interface, so that descriptions can name it.
  private var interfaces: [Interface] {
    let isWildcard = ip == IPAddress(v4: 0) || ip == IPAddress(v6High: 0, low: 0)
    guard isWildcard else { return [Interface(name: "listen", ip: ip)] }
    let own = Interface.ofThisMachine().filter { $0.ip.family == ip.family }
    let loopback =
      ip.family == .v4 ? IPAddress(v4: 127, 0, 0, 1) : IPAddress(v6High: 0, low: 1)
    return own + [Interface(name: "lo", ip: loopback)]
  }

  private func openMedia(
    _ interfaces: [Interface], on loop: EventLoop
  ) throws(UsageError) -> [Address] {
    var opened: [Address] = []
    for interface in interfaces {
      let wanted = Address(interface.ip, port: opened.first?.port ?? mediaPort)
      opened.append(try open(wanted, "UDP", flag: "--udp-port") { try loop.bind($0) })
    }
    return opened
  }

  private func open(
    _ address: Address, _ kind: String, flag: String, _ body: (Address) throws -> Address
  ) throws(UsageError) -> Address {
    do {
      return try body(address)
    } catch NetIOError.addressInUse {
      throw UsageError(
        message: "\(kind) \(address) is taken; end the other server, or choose with \(flag) N")
    } catch NetIOError.addressUnavailable {
      throw UsageError(
        message: "no interface has the address \(address.ip); see --listen")
    } catch NetIOError.permissionDenied {
      throw UsageError(
        message: "\(kind) \(address) may not be used; choose a port above 1023 with \(flag) N")
    } catch {
      throw UsageError(message: "\(kind) \(address) cannot be opened (\(error))")
    }
  }

  private func announce(_ signalling: Address, _ media: [Address]) {
    if printsJSON {
      let json: JSON = [
        "url": .string("\(scheme)://\(signalling)"),
        "media": .array(media.map { .string($0.description) }),
      ]
      Console.printMachine(json.text())
    } else {
      let addresses = media.map(\.description).joined(separator: ", ")
      Console.print("listening on \(scheme)://\(signalling), media udp \(addresses)")
    }
  }

  private var scheme: String { tls == nil ? "ws" : "wss" }

  /// Everybody is told to go; a second signal ends it at once.
  private func drain(
    _ loop: EventLoop, _ node: NodeID, _ sfu: SFU, _ links: SFUBehindLinks?
  ) -> ExitCode {
    Console.log("assay: draining; once more to stop at once")
    loop.stopListening()
    loop.withNode(node) { _, now, outbox in
      if let links {
        links.withSFU(at: now, into: &outbox) { $0.shutDown(at: $1, into: &$2) }
      } else {
        sfu.shutDown(at: now, into: &outbox)
      }
    }
    loop.run(
      until: loop.now + .seconds(3),
      while: { Interrupt.count < 2 && loop.openConnections > 0 })
    let (received, sent) = (loop.counters.received, loop.counters.sent)
    let lag = loop.counters.lag.value(atQuantile: 0.99).map { "\($0) us" } ?? "none"
    Console.log(
      """
      assay: \(loop.counters.connectionsAccepted) connections, \(received.packets) packets in, \
      \(sent.packets) out, \(loop.counters.sendErrors) send errors, timer lag p99 \(lag)
      """)
    guard Interrupt.count >= 2 else { return .passed }
    return Interrupt.received == SIGINT ? .interrupted : .terminated
  }
}
