// Captures of calls, written packet by packet.

import Basics
import Capture
import Foundation
import Inspection
import Results
import TestKit
import Wire

/// A pcapng file under construction, between two ends.
final class CallCapture {
  static let sender = Address(IPAddress(v4: 192, 0, 2, 1), port: 5_000)
  static let receiver = Address(IPAddress(v4: 10, 0, 0, 7), port: 6_000)
  /// 14:32:00 UTC of some day.
  static let epoch: Int64 = 1_700_058_720_000_000_000

  let file = TemporaryFile("call")
  private let writer: PcapngWriter
  private let interface: PcapngWriter.Interface
  private(set) var packetCount = 0

  init() throws {
    writer = try PcapngWriter(file.path, epoch: CallCapture.epoch)
    interface = try writer.addInterface("eth0")
  }

  func add(
    _ bytes: [UInt8], at milliseconds: Double, back: Bool = false, port: UInt16? = nil,
    comment: String? = nil
  ) throws {
    var (source, destination) = (CallCapture.sender, CallCapture.receiver)
    if back { swap(&source, &destination) }
    if let port { source.port = port }
    try writer.write(
      bytes.span.bytes, from: source, to: destination, at: .seconds(milliseconds / 1_000),
      on: interface, comment: comment)
    packetCount += 1
  }

  func addSecrets(_ text: String) throws { try writer.writeKeyLog(text) }

  /// The report on what has been written.
  func inspect(_ options: InspectionOptions = InspectionOptions()) throws -> CaptureReport {
    try writer.close()
    return try CaptureInspection.inspect(file.path, options)
  }
}

/// An RTP packet.
func rtp(
  _ number: Int, timestamp: Int, type: UInt8 = 96, marker: Bool = false, ssrc: UInt32 = 0x11,
  payload: [UInt8] = [UInt8](repeating: 0x55, count: 100)
) -> [UInt8] {
  var writer = ByteWriter()
  writer.u8(0x80)
  writer.u8((marker ? 0x80 : 0) | type)
  writer.u16(UInt16(truncatingIfNeeded: number))
  writer.u32(UInt32(truncatingIfNeeded: timestamp))
  writer.u32(ssrc)
  writer.append(payload)
  return writer.bytes
}

func rtcp(_ packets: RTCPPacket...) -> [UInt8] {
  var writer = RTCPWriter()
  for packet in packets { writer.append(packet) }
  return writer.bytes
}

/// A VP8 payload that begins a frame, or goes on with it.
func vp8(keyframe: Bool, starts: Bool = true, size: Int = 300) -> [UInt8] {
  let head: [UInt8] =
    keyframe
    ? [0x10, 0x02, 0, 0x9D, 0x01, 0x2A, 0x80, 0x02, 0x68, 0x01]
    : [0x11, 0x02, 0]
  return [starts ? 0x10 : 0x00] + (starts ? head : [])
    + [UInt8](repeating: 0x33, count: size - head.count)
}

/// Options that name payload types as `--pt` does.
func naming(_ types: (UInt8, String, UInt32)...) -> InspectionOptions {
  var options = InspectionOptions()
  options.payloadTypes = types.map {
    RTPMap(payloadType: $0.0, encoding: $0.1, clockRate: $0.2)
  }
  return options
}
