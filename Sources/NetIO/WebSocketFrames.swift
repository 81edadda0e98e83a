// WebSocket frames (RFC 6455 §5) with wslay, sans I/O: bytes in, messages out, and back.

import CLinux
import CWslay

final class WebSocketFrames {
  struct Message {
    let bytes: [UInt8]
    let isText: Bool
  }

  /// Whole messages, oldest first, until taken.
  var messages: [Message] = []
  /// Frames to be written, until taken.
  var output: [UInt8] = []
  private var context: wslay_event_context_ptr?
  private var input = UnsafeRawBufferPointer(start: nil, count: 0)

  init(isServer: Bool) {
    var callbacks = WebSocketFrames.callbacks
    let user = Unmanaged.passUnretained(self).toOpaque()
    let result =
      isServer
      ? wslay_event_context_server_init(&context, &callbacks, user)
      : wslay_event_context_client_init(&context, &callbacks, user)
    precondition(result == 0, "wslay has no memory")
    wslay_event_config_set_max_recv_msg_length(context, UInt64(NetIOLimits.messageSize))
  }

  deinit { wslay_event_context_free(context) }

  /// Takes in bytes; pongs, the answer to a close, and the word on a broken frame come out by
  /// themselves. False once nothing can be read any more.
  func read(_ bytes: UnsafeRawBufferPointer) -> Bool {
    input = bytes
    let result = wslay_event_recv(context)
    input = UnsafeRawBufferPointer(start: nil, count: 0)
    flush()
    return result == 0 && wslay_event_get_read_enabled(context) != 0
  }

  func send(_ bytes: [UInt8], isText: Bool) {
    queue(isText ? WSLAY_TEXT_FRAME : WSLAY_BINARY_FRAME, bytes)
  }

  func ping() { queue(WSLAY_PING, []) }

  func close(code: UInt16) {
    _ = wslay_event_queue_close(context, code, nil, 0)
    flush()
  }

  /// The other end's close code once its close frame has come; 1005 where it had none.
  var receivedClose: UInt16? {
    guard wslay_event_get_close_received(context) != 0 else { return nil }
    let code = wslay_event_get_status_code_received(context)
    return code == 0 ? UInt16(WSLAY_CODE_NO_STATUS_RCVD.rawValue) : code
  }

  /// The code of our own close frame, once it is in the output.
  var sentClose: UInt16? {
    wslay_event_get_close_sent(context) != 0
      ? wslay_event_get_status_code_sent(context) : nil
  }

  private func queue(_ opcode: wslay_opcode, _ bytes: [UInt8]) {
    bytes.withUnsafeBufferPointer { buffer in
      var message = wslay_event_msg(
        opcode: UInt8(opcode.rawValue), msg: buffer.baseAddress, msg_length: buffer.count)
      _ = wslay_event_queue_msg(context, &message)
    }
    flush()
  }

  private func flush() { _ = wslay_event_send(context) }

  // MARK: - What wslay asks for

  private static let callbacks: wslay_event_callbacks = {
    var callbacks = wslay_event_callbacks()
    callbacks.recv_callback = { context, buffer, count, _, user in
      let frames = owner(user)
      let n = min(count, frames.input.count)
      guard n > 0, let buffer, let source = frames.input.baseAddress else {
        wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK.rawValue)
        return -1
      }
      UnsafeMutableRawPointer(buffer).copyMemory(from: source, byteCount: n)
      frames.input = UnsafeRawBufferPointer(rebasing: frames.input[n...])
      return n
    }
    callbacks.send_callback = { _, bytes, count, _, user in
      owner(user).output.append(contentsOf: UnsafeRawBufferPointer(start: bytes, count: count))
      return count
    }
    callbacks.genmask_callback = { _, buffer, count, _ in
      assay_random(buffer, UInt64(count))
      return 0
    }
    callbacks.on_msg_recv_callback = { _, argument, user in
      guard let argument = argument?.pointee else { return }
      let isText = argument.opcode == UInt8(WSLAY_TEXT_FRAME.rawValue)
      guard isText || argument.opcode == UInt8(WSLAY_BINARY_FRAME.rawValue) else { return }
      let bytes = Array(UnsafeBufferPointer(start: argument.msg, count: argument.msg_length))
      owner(user).messages.append(Message(bytes: bytes, isText: isText))
    }
    return callbacks
  }()

  private static func owner(_ user: UnsafeMutableRawPointer?) -> WebSocketFrames {
    Unmanaged<WebSocketFrames>.fromOpaque(user!).takeUnretainedValue()
  }
}
