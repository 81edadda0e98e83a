// Everybody's tiles: a picture, a name, whether they speak, and how their connection is.

import { Source, qualityWords } from "./messages.js";

const sizeDelay = 150;

export class Tiles {
  constructor(room, list) {
    this.room = room;
    this.list = list;
    this.tiles = new Map();
    this.sounds = new Map();
    this.wanted = new Map();
    this.sizes = new ResizeObserver(() => this.#resize());
    this.visibility = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) target.isOnScreen = isIntersecting;
      this.#resize();
    });
    document.addEventListener("visibilitychange", () => this.#resize());
    this.timer = setInterval(() => this.#measure(), 1000);
  }

  close() {
    clearInterval(this.timer);
    clearTimeout(this.resizing);
    this.sizes.disconnect();
    this.visibility.disconnect();
    for (const audio of this.sounds.values()) audio.srcObject = null;
    this.list.replaceChildren();
    this.room = null;
  }

  // Brings the tiles in line with the room: one for each person, one more for each screen.
  update() {
    const wanted = new Map();
    for (const person of this.room.people.values()) {
      const isMe = person.sid === this.room.sid;
      const tracks = isMe ? this.#myTracks() : person.tracks;
      const find = (source) => tracks.find((track) => track.source === source);
      wanted.set(person.sid, {
        person, isMe, video: find(Source.camera), audio: find(Source.microphone),
      });
      const screen = find(Source.screenShare);
      if (!screen) continue;
      wanted.set(`${person.sid}|screen`, { person, isMe, video: screen, isScreen: true });
    }
    for (const [key, tile] of this.tiles) {
      if (!wanted.has(key)) this.#remove(key, tile);
    }
    for (const [key, content] of wanted) this.#show(this.#tile(key), content);
    this.#playSounds();
  }

  #myTracks() {
    return this.room.published.map((publication) => ({ ...publication, mine: publication.track }));
  }

  #tile(key) {
    if (this.tiles.has(key)) return this.tiles.get(key);
    const element = document.getElementById("tile").content.firstElementChild.cloneNode(true);
    const part = (name) => element.querySelector(`.${name}`);
    const tile = {
      element, video: part("picture"), initial: part("initial"), name: part("name"),
      speaking: part("speaking"), muted: part("muted"), paused: part("paused"),
      quality: part("quality"), figures: part("figures"), enlarge: part("enlarge"),
    };
    tile.enlarge.addEventListener("click", () => this.#enlarge(tile));
    element.tile = tile;
    this.tiles.set(key, tile);
    this.list.append(element);
    this.sizes.observe(tile.video);
    this.visibility.observe(tile.video);
    return tile;
  }

  #remove(key, tile) {
    this.sizes.unobserve(tile.video);
    this.visibility.unobserve(tile.video);
    tile.video.srcObject = null;
    tile.element.remove();
    this.tiles.delete(key);
  }

  #enlarge(tile) {
    const isLarge = tile.element.classList.toggle("large");
    tile.enlarge.setAttribute("aria-pressed", String(isLarge));
    for (const other of this.tiles.values()) {
      if (other === tile) continue;
      other.element.classList.remove("large");
      other.enlarge.setAttribute("aria-pressed", "false");
    }
  }

  #show(tile, { person, isMe, video, audio, isScreen }) {
    const name = person.name || person.identity;
    const label = (isMe ? `${name} (you)` : name) + (isScreen ? ", screen" : "");
    setText(tile.name, label);
    setText(tile.initial, [...name][0]?.toUpperCase() ?? "?");
    tile.enlarge.setAttribute("aria-label", `Enlarge ${label}`);
    tile.sid = video?.sid ?? "";
    tile.isMe = isMe;
    const track = video?.mine ?? this.room.media.get(video?.sid)?.track;
    const isShown = Boolean(track && video && !video.muted);
    if (tile.video.srcObject?.getVideoTracks()[0] !== track) {
      tile.video.srcObject = track ? new MediaStream([track]) : null;
      if (track) tile.video.play().catch(() => {});
    }
    tile.video.setAttribute("aria-label", isScreen ? label : `Picture of ${label}`);
    tile.element.classList.toggle("dark", !isShown);
    tile.element.classList.toggle("mirrored", Boolean(isMe && video?.isMirrored));
    const isSpeaking = !isScreen && this.room.speaking.has(person.sid);
    tile.element.classList.toggle("speaks", isSpeaking);
    tile.speaking.hidden = !isSpeaking;
    tile.muted.hidden = Boolean(isScreen) || Boolean(audio && !audio.muted);
    setText(tile.muted, audio ? "muted" : "no sound");
    tile.paused.hidden = !this.room.paused.has(tile.sid);
    const quality = this.room.quality.get(person.sid);
    const word = qualityWords[quality] ?? "";
    tile.quality.hidden = isScreen || !word;
    setText(tile.quality, word);
    tile.quality.dataset.word = word;
  }

  // Sound needs no tile; a browser that wants a click first gets a button (see main.js).
  #playSounds() {
    for (const [sid, media] of this.room.media) {
      if (media.track.kind !== "audio" || this.sounds.has(sid)) continue;
      const audio = new Audio();
      audio.srcObject = new MediaStream([media.track]);
      this.sounds.set(sid, audio);
      audio.play().catch(() => this.room.dispatchEvent(new Event("silent")));
    }
    for (const [sid, audio] of this.sounds) {
      if (this.room.media.has(sid)) continue;
      audio.srcObject = null;
      this.sounds.delete(sid);
    }
  }

  startSounds() {
    for (const audio of this.sounds.values()) audio.play().catch(() => {});
  }

  // ---- Sizes

  #resize() {
    clearTimeout(this.resizing);
    this.resizing = setTimeout(() => this.#tellSizes(), sizeDelay);
  }

  // Adaptive stream: the SFU sends no larger layer than a tile shows, and none for a hidden one.
  #tellSizes() {
    if (!this.room) return;
    const known = new Set();
    for (const { sid, isMe, video } of this.tiles.values()) {
      if (!sid || isMe || !this.room.media.has(sid)) continue;
      known.add(sid);
      const scale = window.devicePixelRatio || 1;
      const width = Math.round(video.clientWidth * scale);
      const height = Math.round(video.clientHeight * scale);
      const isHidden = document.hidden || width === 0 || video.isOnScreen === false;
      const wanted = isHidden ? "" : `${width}x${height}`;
      if (this.wanted.get(sid) === wanted) continue;
      this.wanted.set(sid, wanted);
      this.room.setSize(sid, isHidden ? null : { width, height });
    }
    for (const sid of this.wanted.keys()) {
      if (!known.has(sid)) this.wanted.delete(sid);
    }
  }

  trackArrived() {
    this.#resize();
  }

  // ---- Figures

  async #measure() {
    for (const tile of this.tiles.values()) {
      const media = this.room?.media.get(tile.sid);
      if (!media) {
        setText(tile.figures, "");
        continue;
      }
      const now = (await inbound(media)) ?? tile.last;
      if (tile.last && tile.last.id === now?.id) setText(tile.figures, figures(tile.last, now));
      tile.last = now;
    }
  }
}

async function inbound({ receiver }) {
  for (const entry of (await receiver.getStats()).values()) {
    if (entry.type === "inbound-rtp") return entry;
  }
  return null;
}

function figures(last, now) {
  const seconds = (now.timestamp - last.timestamp) / 1000;
  if (seconds <= 0 || !now.frameWidth) return "";
  const rate = Math.round(((now.bytesReceived - last.bytesReceived) * 8) / seconds / 1000);
  const frames = Math.round((now.framesDecoded - last.framesDecoded) / seconds);
  const frozen = now.freezeCount ? ` · ${now.freezeCount} freezes` : "";
  return `${now.frameWidth}×${now.frameHeight} · ${frames} fps · ${rate} kbps${frozen}`;
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
