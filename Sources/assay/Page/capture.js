// Where a participant's picture and sound come from: devices, or a test picture and a tone.

import { Source, rids } from "./messages.js";
import { BusyPicture } from "./busypicture.js";
import { TestPicture } from "./testpicture.js";

const width = 960;
const height = 540;

// Bits per second for each layer, lowest first.
const bitrates = [120_000, 350_000, 1_200_000];
// Of the busy picture, which is one layer: the most that RFC 8867 gives a sender.
const busyBitrate = 1_500_000;

function simulcast() {
  return rids.map((rid, layer) => ({
    rid,
    scaleResolutionDownBy: 2 ** (rids.length - 1 - layer),
    maxBitrate: bitrates[layer],
  }));
}

export async function openCamera(kind, name) {
  if (kind === "none") return null;
  const base = { source: Source.camera, name: "camera", width, height };
  if (kind === "picture") {
    const picture = new TestPicture(name, width, height);
    return { ...base, track: picture.track, encodings: simulcast(), stop: () => picture.stop() };
  }
  if (kind === "busy") {
    const picture = new BusyPicture();
    const encodings = [{ scaleResolutionDownBy: 1, maxBitrate: busyBitrate }];
    return {
      ...base, ...picture.size, track: picture.track, encodings, stop: () => picture.stop(),
    };
  }
  const stream = await navigator.mediaDevices.getUserMedia({
    video: { width: { ideal: width }, height: { ideal: height }, frameRate: { ideal: 25 } },
  });
  const [track] = stream.getVideoTracks();
  const settings = track.getSettings();
  return {
    ...base, track, encodings: simulcast(), isMirrored: settings.facingMode !== "environment",
    width: settings.width ?? width, height: settings.height ?? height,
  };
}

export async function openMicrophone(kind) {
  if (kind === "none") return null;
  const base = { source: Source.microphone, name: "microphone" };
  if (kind === "tone") return { ...base, ...tone() };
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
  });
  return { ...base, track: stream.getAudioTracks()[0] };
}

// Short beeps, as a voice pauses: half a second of tone in every second and a half.
function tone() {
  const context = new AudioContext();
  const oscillator = context.createOscillator();
  const loudness = context.createGain();
  const output = context.createMediaStreamDestination();
  oscillator.frequency.value = 330;
  oscillator.connect(loudness).connect(output);
  oscillator.start();
  loudness.gain.value = 0;
  const beep = () => {
    const now = context.currentTime;
    loudness.gain.setTargetAtTime(0.4, now, 0.02);
    loudness.gain.setTargetAtTime(0, now + 0.9, 0.02);
  };
  beep();
  const timer = setInterval(beep, 1500);
  const stop = () => {
    clearInterval(timer);
    context.close();
  };
  return { track: output.stream.getAudioTracks()[0], stop };
}

export async function openScreen() {
  const stream = await navigator.mediaDevices.getDisplayMedia({ video: true, audio: false });
  const [track] = stream.getVideoTracks();
  track.contentHint = "detail";
  const settings = track.getSettings();
  return {
    source: Source.screenShare, name: "screen", track,
    width: settings.width ?? 1280, height: settings.height ?? 720,
  };
}
