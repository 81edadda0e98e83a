// The flags that tell how a capture is read, of every verb that reads one.

import Basics
import Capture
import Foundation
import Inspection
import Wire

enum InspectionFlags {
  static let all = [
    Flag("--keylog", "FILE", "TLS secrets in NSS format, which open its SRTP"),
    Flag("--sdp", "FILE", "an offer or answer that names payload types; may be repeated"),
    Flag("--pt", "111=opus/48000", "name a payload type; may be repeated"),
    Flag("--from", "T", "measure from here: 12.5s into the capture, or 14:32:07 UTC"),
    Flag("--to", "T", "measure up to here"),
    Flag("--ssrc", "X", "report this stream alone, as 0x2D1E0D7E; may be repeated"),
    Flag("--partial", nil, "report what precedes a damaged record"),
  ]

  static func options(_ arguments: Arguments) throws -> InspectionOptions {
    var options = InspectionOptions()
    if let file = arguments.value("--keylog") { options.keyLog = try KeyLog(file: file) }
    for file in arguments.all("--sdp") { options.descriptions.append(try description(file)) }
    for text in arguments.all("--pt") { options.payloadTypes.append(try payloadType(text)) }
    options.from = try moment(arguments, "--from")
    options.to = try moment(arguments, "--to")
    options.allowsDamage = arguments.has("--partial")
    for text in arguments.all("--ssrc") {
      let hex = text.lowercased().hasPrefix("0x")
      guard let ssrc = hex ? UInt32(text.dropFirst(2), radix: 16) : UInt32(text) else {
        throw UsageError(
          message: "--ssrc takes 32 bits, such as 0x2D1E0D7E or 756944254, not '\(text)'")
      }
      options.ssrcs.append(ssrc)
    }
    return options
  }

  private static func description(_ file: String) throws -> SessionDescription {
    guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
      throw UsageError(message: "--sdp \(file): no such file, or no text")
    }
    do throws(SDPError) {
      return try SessionDescription(parsing: text)
    } catch {
      throw UsageError(message: "--sdp \(file):\(error.line): \(error.kind)")
    }
  }

  private static func payloadType(_ text: String) throws(UsageError) -> RTPMap {
    let parts = text.split(separator: "=", maxSplits: 1)
    let codec = parts.count == 2 ? parts[1].split(separator: "/") : []
    guard codec.count >= 2, let number = UInt8(parts[0]), number < 128,
      let rate = UInt32(codec[1]), (1...10_000_000).contains(rate)
    else {
      throw UsageError(
        message: "--pt takes NUMBER=NAME/CLOCKRATE such as 111=opus/48000, not '\(text)'")
    }
    return RTPMap(payloadType: number, encoding: String(codec[0]), clockRate: rate)
  }

  /// `12.5`, `12.5s`, `14:32` or `14:32:07.5`.
  private static func moment(
    _ arguments: Arguments, _ flag: String
  ) throws(UsageError) -> InspectionOptions.Moment? {
    guard let text = arguments.value(flag) else { return nil }
    let fields = text.split(separator: ":", omittingEmptySubsequences: false)
    if fields.count == 1,
      let seconds = Double(text.hasSuffix("s") ? String(text.dropLast()) : text),
      seconds >= 0, seconds < 1e9
    {
      return .offset(.seconds(seconds))
    }
    if (2...3).contains(fields.count), let hours = Int(fields[0]), let minutes = Int(fields[1]),
      let seconds = fields.count == 3 ? Double(fields[2]) : 0, (0..<24).contains(hours),
      (0..<60).contains(minutes), (0..<61).contains(seconds)
    {
      return .timeOfDay(.seconds(3_600 * hours + 60 * minutes) + .seconds(seconds))
    }
    throw UsageError(
      message: "\(flag) takes seconds into the capture such as 12.5s, or a time of day in UTC such "
        + "as 14:32:07, not '\(text)'")
  }
}
