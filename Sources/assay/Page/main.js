// The page: a form to join with, the room, and what one may do there.

import { openCamera, openMicrophone, openScreen } from "./capture.js";
import { Source } from "./messages.js";
import { NetworkPanel } from "./network.js";
import { Room } from "./room.js";
import { Tiles } from "./tiles.js";
import { frameNumber } from "./testpicture.js";

const byID = (id) => document.getElementById(id);
const form = byID("join");
const query = new URLSearchParams(location.search);
const network = new NetworkPanel(byID("network"), say);

let room = null;
let tiles = null;

// For the console, and for tests.
window.assay = { get room() { return room; }, get tiles() { return tiles; }, frameNumber };

for (const name of ["name", "room", "camera", "microphone"]) {
  const value = query.get(name);
  if (value) form.elements[name].value = value;
}

if (query.has("join")) addEventListener("load", () => form.requestSubmit());

// ---- Joining

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  fail("");
  try {
    await join();
  } catch (error) {
    leaveRoom();
    fail(`That did not work: ${error.message}`);
  }
  button.disabled = false;
});

async function join() {
  const { name, room: roomName, camera, microphone, token } = form.elements;
  room = new Room(() => getToken(roomName.value.trim(), name.value.trim(), token.value.trim()));
  tiles = new Tiles(room, byID("tiles"));
  listen(room);
  await room.join();
  form.hidden = true;
  byID("call").hidden = false;
  byID("room-name").textContent = room.name || roomName.value;
  byID("room-name").focus();
  document.title = `${room.name} – Assay`;
  say(`You joined ${room.name}`);
  network.open(room);
  await open(() => openCamera(camera.value, name.value.trim()));
  await open(() => openMicrophone(microphone.value));
  render();
}

async function open(capture) {
  try {
    const media = await capture();
    if (media) await room.publish(media);
  } catch (error) {
    say(`No ${error.message ? `device: ${error.message}` : "device"}`);
  }
}

// The server hands out tokens in development; elsewhere one has to be brought along.
async function getToken(roomName, user, given) {
  const own = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}`;
  if (given) return { url: own, token: given };
  const response = await fetch(`/api/video/token?${new URLSearchParams({ room: roomName, user })}`);
  if (response.ok) return { url: own, token: (await response.json()).token };
  byID("token-row").hidden = false;
  form.elements.token.focus();
  throw new Error("this server gives no tokens; paste one (assay token create)");
}

// ---- The room

function listen(room) {
  room.addEventListener("change", render);
  room.addEventListener("track", () => tiles?.trackArrived());
  room.addEventListener("said", ({ detail }) => say(detail));
  room.addEventListener("chat", ({ detail }) => showMessage(detail));
  room.addEventListener("silent", () => {
    byID("unsilence").hidden = false;
  });
  room.addEventListener("ended", ({ detail }) => {
    leaveRoom();
    fail(`You are out of the room: ${detail}.`);
  });
}

function leaveRoom() {
  for (const publication of room?.published ?? []) publication.stop?.();
  tiles?.close();
  network.close();
  room = null;
  tiles = null;
  byID("messages").replaceChildren();
  byID("call").hidden = true;
  form.hidden = false;
  document.title = "Assay";
}

const stateTexts = { reconnecting: "reconnecting …", joining: "joining …" };

function render() {
  if (!room || !tiles) return;
  tiles.update();
  byID("state").textContent = stateTexts[room.state] ?? "";
  const count = room.people.size;
  byID("count").textContent = count === 1 ? "only you are here" : `${count} people`;
  for (const [id, source, words] of [
    ["mute", Source.microphone, ["Mute", "Unmute"]],
    ["camera-off", Source.camera, ["Camera off", "Camera on"]],
  ]) {
    const publication = find(source);
    const button = byID(id);
    button.disabled = !publication;
    button.setAttribute("aria-pressed", String(Boolean(publication?.muted)));
    button.querySelector(".word").textContent = words[publication?.muted ? 1 : 0];
  }
  const isSharing = Boolean(find(Source.screenShare));
  byID("share").setAttribute("aria-pressed", String(isSharing));
  byID("share").querySelector(".word").textContent = isSharing ? "Stop sharing" : "Share screen";
}

function find(source) {
  return room?.published.find((publication) => publication.source === source);
}

for (const [id, source] of [["mute", Source.microphone], ["camera-off", Source.camera]]) {
  byID(id).addEventListener("click", () => {
    const publication = find(source);
    if (publication) room.setMuted(publication, !publication.muted);
  });
}

byID("share").addEventListener("click", async () => {
  const sharing = find(Source.screenShare);
  if (sharing) return room.unpublish(sharing);
  try {
    const screen = await openScreen();
    const publication = await room.publish(screen);
    screen.track.addEventListener("ended", () => room?.unpublish(publication));
  } catch (error) {
    say(`The screen is not shared: ${error.message}`);
  }
});

byID("leave").addEventListener("click", () => room?.leave());

byID("unsilence").addEventListener("click", () => {
  tiles?.startSounds();
  byID("unsilence").hidden = true;
});

byID("size").addEventListener("change", ({ target }) => {
  byID("tiles").dataset.size = target.value;
});

// ---- Chat

byID("chat-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = byID("message");
  const text = field.value.trim();
  if (text && room) room.chat.send(text);
  field.value = "";
});

function showMessage({ name, message }) {
  const item = document.createElement("li");
  const author = document.createElement("b");
  author.textContent = name || "someone";
  item.append(author, " ", message);
  byID("messages").append(item);
  item.scrollIntoView({ block: "nearest" });
}

// ---- Words

function say(text) {
  byID("said").textContent = text;
}

function fail(text) {
  byID("failure").textContent = text;
}
