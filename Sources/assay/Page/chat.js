// Text for everybody over the reliable data channel, each message once even across a reconnection.

import { DataPacket } from "./messages.js";
import { decode, encode } from "./protobuf.js";

// That of LiveKit's components.
const topic = "lk-chat-topic";
const keptMessages = 100;

export class Chat {
  constructor(room) {
    this.room = room;
    this.sequence = 0;
    this.sent = [];
    this.received = new Map();
  }

  // A new session counts from the beginning.
  begin() {
    this.channel = null;
    this.sequence = 0;
    this.sent = [];
    this.received.clear();
  }

  attach(channel) {
    channel.binaryType = "arraybuffer";
    channel.onmessage = ({ data }) => this.#receive(decode(DataPacket, new Uint8Array(data)));
    if (this.channel || channel.label !== "_reliable") return;
    this.channel = channel;
    channel.onopen = () => this.#flush();
  }

  send(message) {
    const content = { id: crypto.randomUUID(), timestamp: Date.now(), message };
    const payload = new TextEncoder().encode(JSON.stringify(content));
    this.sequence += 1;
    this.sent.push({
      sequence: this.sequence,
      bytes: encode(DataPacket, { user: { payload, topic }, sequence: this.sequence }),
      isSent: false,
    });
    this.sent = this.sent.slice(-keptMessages);
    this.#flush();
    this.#show(this.room.sid, message);
  }

  // After a resume: what the server has not had.
  resend(lastSequence) {
    for (const packet of this.sent) {
      if (packet.sequence > lastSequence) packet.isSent = false;
    }
    this.#flush();
  }

  #flush() {
    if (this.channel?.readyState !== "open") return;
    for (const packet of this.sent) {
      if (!packet.isSent) this.channel.send(packet.bytes);
      packet.isSent = true;
    }
  }

  get receiveStates() {
    return [...this.received].map(([publisherSid, lastSeq]) => ({ publisherSid, lastSeq }));
  }

  #receive({ user, chatMessage, participantSid, sequence }) {
    const sender = participantSid || user?.participantSid;
    if (sequence > 0) {
      if (sequence <= (this.received.get(sender) ?? 0)) return;
      this.received.set(sender, sequence);
    }
    if (chatMessage) return this.#show(sender, chatMessage.message);
    if (user?.topic !== topic) return;
    const text = new TextDecoder().decode(user.payload);
    let message = text;
    try {
      message = String(JSON.parse(text).message ?? "");
    } catch {
      // Plain text will do.
    }
    this.#show(sender, message);
  }

  #show(sid, message) {
    const detail = { sid, name: this.room.nameOf(sid), message };
    this.room.dispatchEvent(new CustomEvent("chat", { detail }));
  }
}
