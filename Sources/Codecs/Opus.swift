// Opus of libopus: mono speech in frames of 20 ms, with in-band FEC and DTX (RFC 6716, RFC 7587).

import COpus

/// 20 ms of mono sound at 48 kHz.
public let samplesPerOpusFrame = 960

/// One microphone's encoder.
public final class SpeechEncoder {
  private let encoder: OpaquePointer
  private var buffer = [UInt8](repeating: 0, count: 1_275)

  /// - Parameters:
  ///   - bitsPerSecond: 6,000...510,000.
  ///   - usesDTX: whether silence becomes packets of one or two bytes.
  ///   - usesFEC: whether packets carry the frame before them again, where loss is expected.
  public init(bitsPerSecond: Int32, usesDTX: Bool, usesFEC: Bool = true) throws(CodecError) {
    var status: Int32 = 0
    guard let encoder = opus_encoder_create(48_000, 1, OPUS_APPLICATION_VOIP, &status),
      status == OPUS_OK
    else { throw .configuration }
    self.encoder = encoder
    for (request, value) in [
      (OPUS_SET_BITRATE_REQUEST, bitsPerSecond), (OPUS_SET_DTX_REQUEST, usesDTX ? 1 : 0),
      (OPUS_SET_INBAND_FEC_REQUEST, usesFEC ? 1 : 0), (OPUS_SET_COMPLEXITY_REQUEST, 5),
      (OPUS_SET_SIGNAL_REQUEST, OPUS_SIGNAL_VOICE),
    ] {
      guard assay_opus_set(encoder, request, value) == OPUS_OK else {
        opus_encoder_destroy(encoder)
        throw .configuration
      }
    }
  }

  deinit { opus_encoder_destroy(encoder) }

  /// The loss that receivers report, percent: FEC is added where it pays.
  public func setExpectedLoss(percent: Int) {
    _ = assay_opus_set(
      encoder, OPUS_SET_PACKET_LOSS_PERC_REQUEST, Int32(min(max(percent, 0), 100)))
  }

  /// The packet of `samplesPerOpusFrame` samples; one or two bytes need not be sent (DTX).
  public func encode(_ samples: [Int16]) throws(CodecError) -> ArraySlice<UInt8> {
    precondition(samples.count == samplesPerOpusFrame)
    let count = opus_encode(encoder, samples, Int32(samples.count), &buffer, Int32(buffer.count))
    guard count > 0 else { throw .encoding }
    return buffer[..<Int(count)]
  }
}

/// One loudspeaker's decoder.
public final class SpeechDecoder {
  private let decoder: OpaquePointer

  public init() throws(CodecError) {
    var status: Int32 = 0
    guard let decoder = opus_decoder_create(48_000, 1, &status), status == OPUS_OK else {
      throw .configuration
    }
    self.decoder = decoder
  }

  deinit { opus_decoder_destroy(decoder) }

  /// The sound of a packet.
  public func decode(_ packet: ArraySlice<UInt8>) throws(CodecError) -> [Int16] {
    try run(packet, forwardErrorCorrection: false)
  }

  /// The frame before `packet` from its FEC; where it carries none, concealment.
  public func recover(before packet: ArraySlice<UInt8>) throws(CodecError) -> [Int16] {
    try run(packet, forwardErrorCorrection: true)
  }

  /// A frame that never came (PLC).
  public func conceal() throws(CodecError) -> [Int16] {
    try run([], forwardErrorCorrection: false)
  }

  private func run(
    _ packet: ArraySlice<UInt8>, forwardErrorCorrection: Bool
  ) throws(CodecError) -> [Int16] {
    var samples = [Int16](repeating: 0, count: 6 * samplesPerOpusFrame)
    let room = packet.isEmpty || forwardErrorCorrection ? samplesPerOpusFrame : samples.count
    let count = packet.withUnsafeBufferPointer {
      opus_decode(
        decoder, $0.isEmpty ? nil : $0.baseAddress, Int32($0.count), &samples, Int32(room),
        forwardErrorCorrection ? 1 : 0)
    }
    guard count > 0 else { throw .decoding }
    samples.removeLast(samples.count - Int(count))
    return samples
  }
}

/// Whether a packet carries in-band FEC for the frame before it: the LBRR flag behind the VAD flag at
/// the start of a SILK frame (RFC 6716 §4.2.3, §4.2.4). Mono, 20 ms, one frame a packet.
public func carriesFEC(_ packet: ArraySlice<UInt8>) -> Bool {
  guard packet.count > 2, let toc = packet.first, toc >> 3 < 16 else { return false }
  var rest = packet.dropFirst()
  switch toc & 3 {
  case 0: break
  case 3:
    // One frame behind its count and the lengths of its padding (§3.2.5).
    guard let count = rest.popFirst(), count & 0x3F == 1 else { return false }
    if count & 0x40 != 0 { while rest.popFirst() == 255 {} }
  default: return false
  }
  // The range coder holds its first symbols inverted, highest bit first (§4.1.1): VAD, then LBRR,
  // each of probability one half.
  return rest.first.map { $0 & 0x40 != 0 } ?? false
}
