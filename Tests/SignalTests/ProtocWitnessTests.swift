// protoc reads and writes our messages by a .proto of its own.

import Foundation
import Signal
import Testing

enum Protoc {
  static let path = "/usr/bin/protoc"
  static var isInstalled: Bool { FileManager.default.isExecutableFile(atPath: path) }

  /// Runs `protoc --decode` or `--encode` for a message of livekit-subset.proto.
  static func run(_ mode: String, _ message: String, _ input: [UInt8]) throws -> [UInt8] {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = [
      "--\(mode)=livekit.\(message)", "-I", folder, "--deterministic_output",
      "livekit-subset.proto",
    ].filter { mode == "encode" || $0 != "--deterministic_output" }
    let (stdin, stdout) = (Pipe(), Pipe())
    process.standardInput = stdin
    process.standardOutput = stdout
    try process.run()
    try stdin.fileHandleForWriting.write(contentsOf: Data(input))
    try stdin.fileHandleForWriting.close()
    let output = try stdout.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "protoc --\(mode) of \(message) failed")
    return Array(output)
  }

  /// Our bytes, read by protoc and written again; fails on a field protoc has no name for.
  static func roundTrip(_ message: String, _ bytes: [UInt8]) throws -> [UInt8] {
    let text = try run("decode", message, bytes)
    for line in String(decoding: text, as: UTF8.self).split(separator: "\n") {
      let name = line.drop { $0 == " " }.first
      #expect(name?.isNumber == false, "protoc does not know the field in '\(line)'")
    }
    return try run("encode", message, text)
  }
}

@Suite(.enabled(if: Protoc.isInstalled, "protoc is not installed"))
struct ProtocWitnessTests {
  @Test(arguments: Samples.requests)
  func request(request: SignalRequest) throws {
    #expect(try Protoc.roundTrip("SignalRequest", request.encoded) == request.encoded)
  }

  @Test(arguments: Samples.responses)
  func response(response: SignalResponse) throws {
    #expect(try Protoc.roundTrip("SignalResponse", response.encoded) == response.encoded)
  }

  /// protoc writes the members of a oneof by their numbers, we where the oneof stands.
  @Test(arguments: Samples.packets)
  func packet(packet: DataPacket) throws {
    let bytes = try Protoc.roundTrip("DataPacket", packet.encoded)
    #expect(bytes.count == packet.encoded.count)
    #expect(try DataPacket(decoding: bytes) == packet)
  }

  @Test func joinRequest() throws {
    let join: JoinRequest = filled()
    #expect(try Protoc.roundTrip("JoinRequest", join.encoded) == join.encoded)
    let wrapped: WrappedJoinRequest = filled()
    #expect(try Protoc.roundTrip("WrappedJoinRequest", wrapped.encoded) == wrapped.encoded)
  }

  /// The other way round: text by hand, and what we make of it.
  @Test func textByHand() throws {
    let text = """
      add_track {
        cid: "cam" name: "camera" type: VIDEO width: 1280 height: 720 source: SCREEN_SHARE
        layers { quality: HIGH width: 1280 height: 720 bitrate: 1700000 rid: "f" spatial_layer: -1 }
        simulcast_codecs { codec: "vp8" cid: "cam" video_layer_mode: ONE_SPATIAL_LAYER_PER_STREAM }
        encryption: GCM audio_features: [TF_NO_DTX, TF_ECHO_CANCELLATION]
      }
      """
    let bytes = try Protoc.run("encode", "SignalRequest", Array(text.utf8))
    let expected = AddTrackRequest {
      $0.cid = "cam"
      $0.name = "camera"
      $0.type = .video
      $0.width = 1280
      $0.height = 720
      $0.source = .screenShare
      $0.layers = [
        VideoLayer {
          $0.quality = .high
          $0.width = 1280
          $0.height = 720
          $0.bitrate = 1_700_000
          $0.rid = "f"
          $0.spatialLayer = -1
        }
      ]
      $0.simulcastCodecs = [
        SimulcastCodec {
          $0.codec = "vp8"
          $0.cid = "cam"
          $0.videoLayerMode = .oneSpatialLayerPerStream
        }
      ]
      $0.encryption = .gcm
      $0.audioFeatures = [.noDtx, .echoCancellation]
    }
    #expect(try SignalRequest(decoding: bytes) == .addTrack(expected))
    #expect(SignalRequest.addTrack(expected).encoded == bytes)
  }

  @Test func joinByHand() throws {
    let text = """
      join {
        room { sid: "RM_1" name: "class" creation_time: 1700000000 }
        participant {
          sid: "PA_1" identity: "rider" state: ACTIVE
          attributes { key: "seat" value: "4" }
          permission { can_publish: true can_publish_sources: [CAMERA, MICROPHONE] }
          disconnect_reason: AGENT_ERROR
        }
        ice_servers { urls: "stun:192.0.2.1" }
        subscriber_primary: true ping_timeout: 15 ping_interval: 5 fast_publish: true
      }
      """
    let bytes = try Protoc.run("encode", "SignalResponse", Array(text.utf8))
    guard case .join(let join) = try SignalResponse(decoding: bytes) else {
      Issue.record("not a join")
      return
    }
    #expect(join.room?.name == "class" && join.room?.creationTime == 1_700_000_000)
    #expect(join.participant?.state == .active && join.participant?.attributes["seat"] == "4")
    #expect(join.participant?.permission?.canPublishSources == [.camera, .microphone])
    #expect(join.participant?.disconnectReason == .agentError)
    #expect(join.iceServers.map(\.urls) == [["stun:192.0.2.1"]])
    #expect(join.subscriberPrimary && join.fastPublish)
    #expect(join.pingTimeout == 15 && join.pingInterval == 5)
    #expect(SignalResponse.join(join).encoded == bytes)
  }
}
