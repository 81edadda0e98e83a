// `assay token`: makes access tokens for LiveKit clients, and says what one holds.

import Basics
import Foundation
import Lab
import Results
import Scenario
import Signal
import Wire

extension Verb {
  static let token = Verb(
    name: "token", operands: "create | inspect TOKEN",
    summary: "Make an access token, or say what one holds and whether it would be accepted.",
    flags: [
      Flag("--identity", "NAME", "create: who joins; unique in the room"),
      Flag("--room", "NAME", "create: the room to join"),
      Flag("--name", "TEXT", "create: the name that others see"),
      Flag("--metadata", "TEXT", "create: metadata that others see"),
      Flag(
        "--grant", "LIST",
        "create: such as 'roomAdmin,canPublish=false' or 'canPublishSources=camera+microphone'"),
      Flag("--ttl", "TIME", "create: how long it holds, such as 90s, 30m, 6h, 7d; 6h unless given"),
      Flag("--key", "KEY", "the API key; LIVEKIT_API_KEY unless given"),
      Flag("--secret", "SECRET", "its secret; LIVEKIT_API_SECRET, the safer place, unless given"),
      Flag("--keys", "FILE", "API keys, as lines of 'key: secret'"),
      Flag("--dev", nil, "use the key 'devkey' with the secret 'secret', as 'serve --dev' does"),
      Flag("--format", "text|json", "inspect: what is printed"),
    ],
    run: { arguments in
      switch arguments.operands.first {
      case "create": return try TokenMaker(arguments).run()
      case "inspect": return try TokenInspector(arguments).run()
      case let other?:
        throw UsageError(message: "no 'token \(other)'; there are 'create' and 'inspect TOKEN'")
      case nil: throw UsageError(message: "say 'token create' or 'token inspect TOKEN'")
      }
    })

  /// The keys that `--key`, `--keys`, `--dev` or the environment name; nil for none.
  fileprivate static func keys(_ arguments: Arguments) throws(UsageError) -> Keys? {
    if let key = arguments.value("--key") {
      let environment = ProcessInfo.processInfo.environment["LIVEKIT_API_SECRET"]
      guard let secret = arguments.value("--secret") ?? environment, !secret.isEmpty else {
        throw UsageError(message: "--key needs --secret, or LIVEKIT_API_SECRET")
      }
      return Keys([(key, secret)])
    }
    if let file = arguments.value("--keys") { return try Keys.reading(file) }
    if arguments.has("--dev") { return .development }
    if let secret = arguments.value("--secret") {
      guard let key = ProcessInfo.processInfo.environment["LIVEKIT_API_KEY"], !key.isEmpty else {
        throw UsageError(message: "--secret needs --key, or LIVEKIT_API_KEY")
      }
      return Keys([(key, secret)])
    }
    return try Keys.fromEnvironment()
  }
}

// MARK: - create

private struct TokenMaker {
  private let token: AccessToken
  private let keys: Keys

  init(_ arguments: Arguments) throws(UsageError) {
    guard arguments.operands.count == 1 else {
      throw UsageError(message: "token create takes flags only, not '\(arguments.operands[1])'")
    }
    guard let identity = arguments.value("--identity"), !identity.isEmpty else {
      throw UsageError(message: "say who joins: --identity NAME")
    }
    guard let keys = try Verb.keys(arguments), let key = keys.names.first else {
      throw UsageError(
        message: """
          no API key; set LIVEKIT_API_KEY and LIVEKIT_API_SECRET, or give --key and --secret, \
          --keys FILE, or --dev
          """)
    }
    guard keys.names.count == 1 else {
      throw UsageError(
        message: "several keys in the file; name one with --key, its secret with --secret")
    }
    var grant = VideoGrant()
    if let room = arguments.value("--room"), !room.isEmpty { grant = .join(room) }
    try TokenMaker.read(arguments.value("--grant") ?? "", into: &grant)
    let isForNothing =
      grant == VideoGrant() || (grant.roomJoin && grant.room.isEmpty)
    guard !isForNothing else { throw UsageError(message: "say which room: --room NAME") }
    token = AccessToken.make(
      key: key, identity: identity, grant: grant, lifetime: try TokenMaker.lifetime(arguments),
      name: arguments.value("--name") ?? "", metadata: arguments.value("--metadata") ?? "")
    self.keys = keys
  }

  func run() -> ExitCode {
    guard let text = token.signed(with: keys.secrets) else { return .internalFault }
    Console.print(text)
    return .passed
  }

  private static func lifetime(_ arguments: Arguments) throws(UsageError) -> Int64 {
    guard let text = arguments.value("--ttl") else { return AccessToken.defaultLifetime }
    let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
    guard let unit = text.last.flatMap({ units[$0] }), let count = Int64(text.dropLast()),
      count > 0, count <= 36_500 * 86_400 / unit
    else {
      throw UsageError(
        message: "--ttl takes a number and a unit, such as 90s, 30m, 6h or 7d, not '\(text)'")
    }
    return count * unit
  }

  private static let flags:
    [(name: String, path: any WritableKeyPath<VideoGrant, Bool> & Sendable)] =
      [
        ("roomCreate", \.roomCreate), ("roomList", \.roomList), ("roomRecord", \.roomRecord),
        ("roomAdmin", \.roomAdmin), ("roomJoin", \.roomJoin), ("ingressAdmin", \.ingressAdmin),
        ("hidden", \.hidden), ("recorder", \.recorder), ("agent", \.agent),
      ]
  private static let choices:
    [(name: String, path: any WritableKeyPath<VideoGrant, Bool?> & Sendable)] = [
      ("canPublish", \.canPublish), ("canSubscribe", \.canSubscribe),
      ("canPublishData", \.canPublishData), ("canUpdateOwnMetadata", \.canUpdateOwnMetadata),
    ]
  private static let sources = [
    TrackSource.camera, .microphone, .screenShare, .screenShareAudio,
  ].map(\.grantName)

  /// `name`, `name=true`, `name=false`; sources are joined by `+`.
  private static func read(
    _ list: String, into grant: inout VideoGrant
  ) throws(UsageError) {
    for item in list.split(separator: ",") {
      let parts = item.split(separator: "=", maxSplits: 1).map {
        $0.trimmingCharacters(in: .whitespaces)
      }
      guard let name = parts.first else { continue }
      if name == "canPublishSources" {
        grant.canPublishSources = try sourceList(parts.count == 2 ? parts[1] : "")
        continue
      }
      guard let value = parts.count == 1 ? true : Bool(parts[1]) else {
        throw UsageError(message: "--grant \(name) is true or false, not '\(parts[1])'")
      }
      if let flag = flags.first(where: { $0.name == name }) {
        grant[keyPath: flag.path] = value
      } else if let choice = choices.first(where: { $0.name == name }) {
        grant[keyPath: choice.path] = value
      } else {
        let known = flags.map(\.name) + choices.map(\.name) + ["canPublishSources"]
        let near = Suggestion.nearest(to: name, among: known).map { "; did you mean '\($0)'?" }
        throw UsageError(
          message: "no grant '\(name)'\(near ?? "; there are \(known.joined(separator: ", "))")")
      }
    }
  }

  private static func sourceList(_ text: String) throws(UsageError) -> [String] {
    let names = text.split(separator: "+").map(String.init)
    guard !names.isEmpty, names.allSatisfy(sources.contains) else {
      throw UsageError(
        message: """
          --grant canPublishSources= takes \(sources.joined(separator: ", ")), several joined \
          with +, not '\(text)'
          """)
    }
    return names
  }
}

extension AccessToken {
  fileprivate static func make(
    key: String, identity: String, grant: VideoGrant, lifetime: Int64, name: String,
    metadata: String
  ) -> AccessToken {
    var token = AccessToken(
      apiKey: key, identity: identity, video: grant, now: Int64(Date().timeIntervalSince1970),
      lifetime: lifetime)
    token.name = name
    token.metadata = metadata
    return token
  }
}

// MARK: - inspect

private struct TokenInspector {
  private let claims: JSON
  private let signature: Signature
  private let printsJSON: Bool
  private let now = Int64(Date().timeIntervalSince1970)

  private enum Signature: String {
    case valid, wrong
    case unchecked = "not checked"
  }

  init(_ arguments: Arguments) throws(UsageError) {
    guard arguments.operands.count == 2 else {
      throw UsageError(message: "give the token: token inspect TOKEN, or - to read it from input")
    }
    let operand = arguments.operands[1]
    let text = (operand == "-" ? readLine() ?? "" : operand)
      .trimmingCharacters(in: .whitespacesAndNewlines)
    let unverified: JSONWebSignature.Unverified
    do {
      unverified = try JSONWebSignature.Unverified(text)
    } catch .badAlgorithm {
      throw UsageError(message: "a token of another algorithm than HS256; LiveKit refuses it")
    } catch {
      throw UsageError(
        message: "not an access token: three parts in Base64URL, joined by dots, are expected")
    }
    guard let claims = try? JSON(parsing: unverified.payload), claims.object != nil else {
      throw UsageError(message: "the token's second part is no JSON object")
    }
    self.claims = claims
    let secret = try Verb.keys(arguments)?.secrets.secret(of: claims["iss"]?.string ?? "")
    signature = secret.map { unverified.isSigned(with: $0) ? .valid : .wrong } ?? .unchecked
    printsJSON = try arguments.choice("--format", of: ["text", "json"]) == "json"
  }

  func run() -> ExitCode {
    let problems = self.problems
    if printsJSON {
      var json = JSONObject()
      json["claims"] = claims
      json["signature"] = .string(signature.rawValue)
      json["problems"] = .array(problems.map(JSON.string))
      Console.printMachine(JSON.object(json).text(indented: true))
    } else {
      Console.print(text(problems))
    }
    return problems.isEmpty ? .passed : .failed
  }

  /// Why it would be refused, as far as can be told.
  private var problems: [String] {
    var problems: [String] = []
    if signature == .wrong { problems.append("the signature is not that of the key's secret") }
    if let expires = claims["exp"]?.number, expires <= Double(now) {
      problems.append("it has expired")
    }
    if let start = claims["nbf"]?.number, start > Double(now) {
      problems.append("it does not hold yet")
    }
    if claims["iss"]?.string ?? "" == "" { problems.append("it names no API key (iss)") }
    let video = claims["video"]
    if video?["roomJoin"]?.bool == true {
      if claims["sub"]?.string ?? "" == "" { problems.append("it names no identity (sub)") }
      if video?["room"]?.string ?? "" == "" { problems.append("it names no room (video.room)") }
    }
    return problems
  }

  private func text(_ problems: [String]) -> String {
    var lines: [String] = []
    func line(_ label: String, _ text: String?) {
      guard let text, !text.isEmpty else { return }
      lines.append(label + String(repeating: " ", count: max(1, 12 - label.count)) + text)
    }
    line("identity", claims["sub"]?.string)
    line("name", claims["name"]?.string)
    line("API key", claims["iss"]?.string)
    line("room", claims["video"]?["room"]?.string)
    line("grants", grants)
    line("metadata", claims["metadata"]?.string)
    line("holds from", claims["nbf"]?.number.map(moment))
    line("holds until", claims["exp"]?.number.map(moment) ?? "for ever: it has no exp")
    let hint = signature == .unchecked ? " (give the key's secret to check it)" : ""
    line("signature", signature.rawValue + hint)
    switch (problems.isEmpty, signature) {
    case (false, _): line("verdict", "refused: " + problems.joined(separator: "; "))
    case (true, .valid): line("verdict", "accepted")
    case (true, _): line("verdict", "accepted if the signature is right")
    }
    return lines.joined(separator: "\n")
  }

  private var grants: String {
    let members = claims["video"]?.object?.members.filter { $0.key != "room" } ?? []
    if members.isEmpty { return "none" }
    return members.map { $0.value == true ? $0.key : "\($0.key)=\($0.value.text())" }
      .joined(separator: ", ")
  }

  private func moment(_ unixSeconds: Double) -> String {
    let left = Int64(unixSeconds) - now
    let (size, isPast) = (abs(left), left < 0)
    let span =
      switch size {
      case ..<120: "\(size) s"
      case ..<7_200: "\(size / 60) min"
      case ..<172_800: "\(size / 3_600) h \(size % 3_600 / 60) min"
      default: "\(size / 86_400) days"
      }
    let date = Date(timeIntervalSince1970: unixSeconds).formatted(.iso8601)
    return "\(date) (\(isPast ? "\(span) ago" : "in \(span)"))"
  }
}
