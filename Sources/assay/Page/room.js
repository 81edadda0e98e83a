// A participant's session: LiveKit signalling over a WebSocket, resumed or begun anew if it breaks.

import { Call } from "./call.js";
import { Chat } from "./chat.js";
import {
  Action, Kind, SignalRequest, SignalResponse, State, Target, leaveReasons,
} from "./messages.js";
import { decode, encode } from "./protobuf.js";

// Those of LiveKit's JavaScript SDK, in milliseconds.
const retryDelays = [0, 300, 1200, 2700, 4800, 7000, 7000, 7000, 7000, 7000];
const openingTimeout = 15000;
const mediaTimeout = 15000;

// Events: "change" whenever something to be shown is different; "track" and "trackgone" for media
// that arrives and ends; "chat", "said" (for announcements) and "ended".
export class Room extends EventTarget {
  // `getToken` resolves to { url, token }.
  constructor(getToken) {
    super();
    this.getToken = getToken;
    this.state = "idle";
    this.people = new Map();
    this.speaking = new Set();
    this.quality = new Map();
    this.paused = new Set();
    this.published = [];
    this.media = new Map();
    this.chat = new Chat(this);
    this.reconnects = 0;
  }

  async join() {
    this.state = "joining";
    await this.#begin();
  }

  leave() {
    this.#send({ leave: { reason: 1, action: Action.disconnect } });
    this.#end(leaveReasons[1]);
  }

  get me() {
    return this.people.get(this.sid);
  }

  nameOf(sid) {
    const person = this.people.get(sid);
    return person ? person.name || person.identity : "";
  }

  // ---- Publishing

  // `media` has { track, source, name, width, height, encodings }.
  async publish(media) {
    const publication = { ...media, cid: media.track.id, muted: false, sid: "" };
    this.published.push(publication);
    await this.#announce(publication);
    await this.call.publish(publication);
    this.#changed();
    return publication;
  }

  async unpublish(publication) {
    this.published = this.published.filter((other) => other !== publication);
    publication.track?.stop();
    await this.call.unpublish(publication);
    this.#changed();
  }

  setMuted(publication, muted) {
    publication.muted = muted;
    if (publication.track) publication.track.enabled = !muted;
    this.#send({ mute: { sid: publication.sid, muted } });
    this.#changed();
  }

  // The SFU names the track before its media may come.
  #announce(publication) {
    const { width, height, encodings } = publication;
    const scales = (encodings ?? []).map((encoding) => encoding.scaleResolutionDownBy);
    const answered = new Promise((resolve, reject) => {
      publication.announced = { resolve, reject };
    });
    this.#send({
      addTrack: {
        cid: publication.cid,
        name: publication.name,
        type: publication.track.kind === "video" ? Kind.video : Kind.audio,
        source: publication.source,
        muted: publication.muted,
        width,
        height,
        layers: (encodings ?? []).map((encoding, quality) => ({
          quality,
          width: Math.floor(width / scales[quality]),
          height: Math.floor(height / scales[quality]),
          bitrate: encoding.maxBitrate,
          rid: encoding.rid,
        })),
      },
    });
    return answered;
  }

  // ---- Subscribing

  // What size a track is shown at; nothing for a hidden one.
  setSize(trackSid, size) {
    const settings = size ? { width: size.width, height: size.height } : { disabled: true };
    this.#send({ trackSetting: { trackSids: [trackSid], ...settings } });
  }

  // ---- Signalling

  async #begin() {
    const { url, token } = await this.getToken();
    this.url = url;
    this.token = token;
    const first = await this.#open({});
    if (!first.join) throw new Error(first.leave ? reasonOf(first.leave) : "no answer to the join");
    const { participant, others, iceServers, pingInterval, pingTimeout, room } = first.join;
    this.sid = participant.sid;
    this.name = room?.name ?? "";
    this.people = new Map();
    for (const person of [participant, ...others]) this.people.set(person.sid, person);
    this.speaking.clear();
    this.quality.clear();
    this.paused.clear();
    this.#keepAlive(pingInterval || 5, pingTimeout || 15);
    this.chat.begin();
    this.call = new Call(this, iceServers);
    this.state = "connected";
    this.#drain();
    await this.call.negotiate();
    this.#changed();
  }

  // Resolves to the first message, which the caller handles; those after it wait for `#drain`.
  #open(more) {
    const query = new URLSearchParams({
      access_token: this.token, auto_subscribe: "1", adaptive_stream: "1", sdk: "js",
      version: "2.0.0", protocol: "17", ...more,
    });
    const socket = new WebSocket(`${this.url}/rtc?${query}`);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    this.waiting = [];
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => socket.close(), openingTimeout);
      let isFirst = true;
      socket.onmessage = ({ data }) => {
        if (socket !== this.socket) return;
        const message = decode(SignalResponse, new Uint8Array(data));
        this.lastHeard = performance.now();
        if (isFirst) {
          isFirst = false;
          clearTimeout(timer);
          resolve(message);
        } else if (this.waiting) {
          this.waiting.push(message);
        } else {
          this.#receive(message);
        }
      };
      socket.onclose = ({ code }) => {
        clearTimeout(timer);
        reject(new Error("the server cannot be reached, or refuses this token"));
        if (!isFirst && socket === this.socket) this.#lost(code);
      };
    });
  }

  #drain() {
    const messages = this.waiting ?? [];
    this.waiting = null;
    for (const message of messages) this.#receive(message);
  }

  send(request) {
    this.#send(request);
  }

  #send(request) {
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    this.socket.send(encode(SignalRequest, request));
  }

  #keepAlive(interval, timeout) {
    clearInterval(this.pinging);
    this.lastHeard = performance.now();
    this.pinging = setInterval(() => {
      if (this.state !== "connected") return;
      if (performance.now() - this.lastHeard > timeout * 1000) return this.#lost(1006);
      this.#send({ pingReq: { timestamp: Date.now(), rtt: this.roundTrip ?? 0 } });
    }, interval * 1000);
  }

  #receive(message) {
    const [name, content] = Object.entries(message).find(([, value]) => value) ?? [];
    switch (name) {
      case "offer":
        return this.call.takeOffer(content);
      case "answer":
        return this.call.takeAnswer(content);
      case "trickle": {
        const side = content.target === Target.publisher ? "publisher" : "subscriber";
        return this.call.takeCandidate(side, content.candidateInit);
      }
      case "update":
        return this.#update(content.participants);
      case "trackPublished":
        return this.#named(content);
      case "requestResponse":
        return this.#refused(content);
      case "mute":
        return this.#mutedFromAfar(content);
      case "speakersChanged":
        for (const speaker of content.speakers) {
          if (speaker.active) this.speaking.add(speaker.sid);
          else this.speaking.delete(speaker.sid);
        }
        return this.#changed();
      case "connectionQuality":
        for (const { sid, quality } of content.updates) this.quality.set(sid, quality);
        return this.#changed();
      case "streamStateUpdate":
        for (const { trackSid, state } of content.states) {
          if (state === 1) this.paused.add(trackSid);
          else this.paused.delete(trackSid);
        }
        return this.#changed();
      case "subscribedQualityUpdate":
        return this.call.setLayers(content);
      case "refreshToken":
        this.token = content;
        return;
      case "pongResp":
        this.roundTrip = Date.now() - content.lastPingTimestamp;
        return;
      case "leave":
        return this.#sentAway(content);
    }
  }

  #update(participants) {
    for (const person of participants) {
      const known = this.people.get(person.sid);
      if (person.state === State.disconnected) {
        this.people.delete(person.sid);
        this.speaking.delete(person.sid);
        if (known) this.#say(`${person.name || person.identity} left`);
      } else if (!known || person.version >= known.version) {
        this.people.set(person.sid, person);
        if (!known) this.#say(`${person.name || person.identity} joined`);
      }
    }
    this.#changed();
  }

  #named({ cid, track }) {
    const publication = this.published.find((other) => other.cid === cid);
    if (!publication) return;
    publication.sid = track.sid;
    publication.announced?.resolve();
  }

  #refused({ message, addTrack }) {
    const publication = this.published.find((other) => other.cid === addTrack?.cid);
    publication?.announced?.reject(new Error(message));
    this.published = this.published.filter((other) => other !== publication);
  }

  #mutedFromAfar({ sid, muted }) {
    const publication = this.published.find((other) => other.sid === sid);
    if (!publication) return;
    publication.muted = muted;
    if (publication.track) publication.track.enabled = !muted;
    this.#say(`The moderator muted your ${publication.name}`);
    this.#changed();
  }

  // ---- When it breaks

  #sentAway({ action, reason }) {
    if (action === Action.resume) return this.#lost(1006);
    if (action === Action.reconnect) return this.#reconnect({ anew: true });
    this.#end(leaveReasons[reason] ?? leaveReasons[0]);
  }

  #lost() {
    if (this.state === "connected") this.#reconnect({ anew: false });
  }

  // What the call says when its transports have failed.
  mediaFailed() {
    this.#lost();
  }

  async #reconnect({ anew }) {
    if (this.state === "reconnecting") return;
    this.state = "reconnecting";
    this.reconnects += 1;
    this.#say("The connection broke; trying again");
    this.#changed();
    this.#dropSocket();
    for (const delay of retryDelays) {
      await new Promise((resolve) => setTimeout(resolve, delay));
      if (this.state !== "reconnecting") return;
      try {
        if (anew) await this.#rejoin();
        else anew = !(await this.#resume());
        if (anew && this.state !== "connected") await this.#rejoin();
        this.#say("Connected again");
        return this.#changed();
      } catch {
        this.#dropSocket();
      }
    }
    this.#end("the connection could not be made again");
  }

  // The same session on a new WebSocket; false if the server wants a new one.
  async #resume() {
    const first = await this.#open({ reconnect: "1", sid: this.sid, reconnect_reason: "1" });
    if (first.leave) return false;
    this.state = "connected";
    this.lastHeard = performance.now();
    await this.call.restart(async () => {
      this.#send({ syncState: this.#syncState() });
      this.#drain();
    });
    this.chat.resend(first.reconnect?.lastMessageSeq ?? 0);
    if (await this.call.isConnected(mediaTimeout)) return true;
    this.state = "reconnecting";
    return false;
  }

  #syncState() {
    return {
      ...this.call.descriptions,
      subscription: { trackSids: [], subscribe: false },
      publishTracks: this.published.filter(({ sid }) => sid).map((publication) => ({
        cid: publication.cid,
        track: { sid: publication.sid, source: publication.source, muted: publication.muted },
      })),
      dataChannels: this.call.dataChannels,
      receiveStates: this.chat.receiveStates,
    };
  }

  // A new session, with the same tracks published.
  async #rejoin() {
    this.#dropSocket();
    this.call.close();
    for (const trackSid of [...this.media.keys()]) this.trackEnded(trackSid);
    await this.#begin();
    for (const publication of this.published) {
      publication.sid = "";
      await this.#announce(publication);
      await this.call.publish(publication);
    }
  }

  #dropSocket() {
    const socket = this.socket;
    this.socket = null;
    if (socket) socket.onclose = null;
    socket?.close();
  }

  #end(reason) {
    if (this.state === "ended") return;
    this.state = "ended";
    clearInterval(this.pinging);
    this.#dropSocket();
    this.call?.close();
    for (const publication of this.published) publication.track?.stop();
    this.dispatchEvent(new CustomEvent("ended", { detail: reason }));
  }

  // ---- Media that arrives

  trackArrived(participantSid, trackSid, track, receiver) {
    this.media.set(trackSid, { participantSid, trackSid, track, receiver });
    this.dispatchEvent(new CustomEvent("track", { detail: this.media.get(trackSid) }));
    this.#changed();
  }

  trackEnded(trackSid) {
    const media = this.media.get(trackSid);
    if (!this.media.delete(trackSid)) return;
    this.dispatchEvent(new CustomEvent("trackgone", { detail: media }));
    this.#changed();
  }

  #say(text) {
    this.dispatchEvent(new CustomEvent("said", { detail: text }));
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

function reasonOf({ reason }) {
  return leaveReasons[reason] ?? leaveReasons[0];
}
