// The two peer connections of a session: one publishes, on the other everybody else arrives.

import { Target, rids } from "./messages.js";

export class Call {
  constructor(room, iceServers) {
    this.room = room;
    this.senders = new Map();
    this.offerID = 0;
    this.publisher = new RTCPeerConnection({ iceServers });
    this.subscriber = new RTCPeerConnection({ iceServers });
    this.reliable = this.publisher.createDataChannel("_reliable", { ordered: true });
    this.lossy = this.publisher.createDataChannel(
      "_lossy", { ordered: false, maxRetransmits: 0 });
    room.chat.attach(this.reliable);
    this.subscriber.ondatachannel = ({ channel }) => room.chat.attach(channel);
    this.subscriber.ontrack = (event) => this.#arrived(event);
    for (const [side, connection] of this.#sides) {
      connection.onicecandidate = ({ candidate }) => {
        if (!candidate) return;
        const candidateInit = JSON.stringify(candidate.toJSON());
        room.send({ trickle: { candidateInit, target: Target[side] } });
      };
      connection.onconnectionstatechange = () => {
        if (connection.connectionState === "failed") room.mediaFailed();
      };
    }
  }

  get #sides() {
    return [["publisher", this.publisher], ["subscriber", this.subscriber]];
  }

  close() {
    this.publisher.close();
    this.subscriber.close();
  }

  // ---- Publishing

  async publish(publication) {
    const { track, encodings } = publication;
    const init = { direction: "sendonly", streams: [new MediaStream([track])] };
    if (encodings) init.sendEncodings = encodings;
    const transceiver = this.publisher.addTransceiver(track, init);
    if (track.kind === "video") preferVP8(transceiver);
    this.senders.set(publication, transceiver);
    await this.negotiate();
  }

  async unpublish(publication) {
    const transceiver = this.senders.get(publication);
    this.senders.delete(publication);
    if (!transceiver) return;
    transceiver.stop();
    await this.negotiate();
  }

  senderOf(publication) {
    return this.senders.get(publication)?.sender;
  }

  // Dynacast: layers that nobody takes are not sent. One change at a time, since a sender refuses
  // parameters that another change has made old.
  setLayers(update) {
    this.changing = (this.changing ?? Promise.resolve()).then(() => this.#setLayers(update));
  }

  async #setLayers({ trackSid, qualities, codecs }) {
    const publication = this.room.published.find(({ sid }) => sid === trackSid);
    const sender = this.senderOf(publication);
    if (!sender || !publication.encodings) return;
    const parameters = sender.getParameters();
    for (const { quality, enabled } of codecs[0]?.qualities ?? qualities) {
      const encoding = parameters.encodings.find(({ rid }) => rid === rids[quality]);
      if (encoding) encoding.active = enabled;
    }
    // A track that has just ended takes none any more.
    await sender.setParameters(parameters).catch(() => {});
  }

  // One offer at a time; whoever comes meanwhile shares the next one.
  negotiate(options = {}) {
    this.next = { ...this.next, ...options };
    this.negotiation ??= this.#negotiateAll().finally(() => {
      this.negotiation = null;
    });
    return this.negotiation;
  }

  async #negotiateAll() {
    while (this.next) {
      const options = this.next;
      this.next = null;
      const offer = await this.publisher.createOffer(options);
      await this.publisher.setLocalDescription(offer);
      const id = ++this.offerID;
      const answered = new Promise((resolve) => {
        this.answered = { id, resolve };
      });
      this.room.send({ offer: { type: offer.type, sdp: offer.sdp, id } });
      const answer = await answered;
      if (!answer) continue;
      const sdp = startingFaster(answer.sdp);
      await this.publisher.setRemoteDescription({ type: "answer", sdp });
    }
  }

  takeAnswer(answer) {
    // A server that numbers nothing answers in order.
    if (answer.id && answer.id !== this.answered?.id) return;
    this.answered?.resolve(answer);
  }

  // ---- Subscribing

  takeOffer(offer) {
    this.answering = (this.answering ?? Promise.resolve()).then(() => this.#answer(offer));
  }

  async #answer({ sdp, id }) {
    await this.subscriber.setRemoteDescription({ type: "offer", sdp });
    const answer = await this.subscriber.createAnswer();
    await this.subscriber.setLocalDescription(answer);
    this.room.send({ answer: { type: answer.type, sdp: answer.sdp, id } });
  }

  takeCandidate(side, text) {
    const connection = this[side];
    if (text) connection.addIceCandidate(JSON.parse(text)).catch(() => {});
  }

  // The stream's id says whose it is and which track: `PA_…|TR_…`.
  #arrived({ track, receiver, streams: [stream] }) {
    const [participantSid, trackSid] = (stream?.id ?? "").split("|");
    if (!trackSid) return;
    this.room.trackArrived(participantSid, trackSid, track, receiver);
    stream.onremovetrack = () => this.room.trackEnded(trackSid);
  }

  // ---- Resuming

  get descriptions() {
    const text = (description) =>
      description ? { type: description.type, sdp: description.sdp } : undefined;
    return {
      answer: text(this.subscriber.localDescription),
      offer: text(this.publisher.localDescription),
    };
  }

  get dataChannels() {
    return [this.reliable, this.lossy].filter(({ id }) => id !== null)
      .map(({ label, id }) => ({ label, id, target: Target.publisher }));
  }

  // Restarts ICE: the subscriber's comes with the server's offer, the publisher's is ours.
  async restart(beforeOffer) {
    // An offer that the old connection took with it will not be answered any more.
    this.answered?.resolve(null);
    await beforeOffer();
    if (this.publisher.signalingState === "have-local-offer") {
      await this.publisher.setLocalDescription({ type: "rollback" });
    }
    await this.negotiate({ iceRestart: true });
  }

  async isConnected(timeout) {
    const end = performance.now() + timeout;
    while (performance.now() < end) {
      const states = this.#sides.map(([, connection]) => connection.connectionState);
      if (states.every((state) => state === "connected" || state === "new")) return true;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return false;
  }
}

function preferVP8(transceiver) {
  const codecs = RTCRtpSender.getCapabilities("video").codecs;
  const isVP8 = ({ mimeType }) => mimeType === "video/VP8";
  transceiver.setCodecPreferences([
    ...codecs.filter(isVP8), ...codecs.filter((codec) => !isVP8(codec)),
  ]);
}

// Chromium begins at 300 kbps and takes many seconds to the highest of three layers.
function startingFaster(sdp) {
  return sdp.replace(
    /a=rtpmap:(\d+) VP8\/90000\r\n/g, "$&a=fmtp:$1 x-google-start-bitrate=1200\r\n");
}
