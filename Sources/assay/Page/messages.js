// LiveKit's signalling and data messages, with the fields that this page reads or writes
// (livekit_rtc.proto, livekit_models.proto).

export const Source = { unknown: 0, camera: 1, microphone: 2, screenShare: 3, screenShareAudio: 4 };
export const Kind = { audio: 0, video: 1 };
export const Target = { publisher: 0, subscriber: 1 };
export const Action = { disconnect: 0, resume: 1, reconnect: 2 };
export const State = { joining: 0, joined: 1, active: 2, disconnected: 3 };
export const qualityWords = ["poor", "good", "excellent", "lost"];
export const leaveReasons = [
  "the connection was lost", "you left", "someone joined under the same name",
  "the server is shutting down", "you were removed from the room", "the room was deleted",
  "the server no longer knows this session", "joining failed", "the session moves",
  "signalling was closed", "the room was closed",
];

// Rids of simulcast, from the lowest layer up; their index is LiveKit's VideoQuality.
export const rids = ["q", "h", "f"];

const VideoLayer = {
  quality: [1, "uint"], width: [2, "uint"], height: [3, "uint"], bitrate: [4, "uint"],
  rid: [7, "string"],
};

const TrackInfo = {
  sid: [1, "string"], type: [2, "uint"], name: [3, "string"], muted: [4, "bool"],
  width: [5, "uint"], height: [6, "uint"], simulcast: [7, "bool"], source: [9, "uint"],
  layers: [10, [VideoLayer]], mimeType: [11, "string"], mid: [12, "string"],
};

const ParticipantInfo = {
  sid: [1, "string"], identity: [2, "string"], state: [3, "uint"], tracks: [4, [TrackInfo]],
  name: [9, "string"], version: [10, "uint"],
};

const Description = { type: [1, "string"], sdp: [2, "string"], id: [3, "uint"] };

const Trickle = { candidateInit: [1, "string"], target: [2, "uint"], final: [3, "bool"] };

const AddTrack = {
  cid: [1, "string"], name: [2, "string"], type: [3, "uint"], width: [4, "uint"],
  height: [5, "uint"], muted: [6, "bool"], source: [8, "uint"], layers: [9, [VideoLayer]],
};

const TrackPublished = { cid: [1, "string"], track: [2, TrackInfo] };

const Mute = { sid: [1, "string"], muted: [2, "bool"] };

const UpdateSubscription = { trackSids: [1, ["string"]], subscribe: [2, "bool"] };

const UpdateTrackSettings = {
  trackSids: [1, ["string"]], disabled: [3, "bool"], quality: [4, "uint"], width: [5, "uint"],
  height: [6, "uint"],
};

const Leave = { canReconnect: [1, "bool"], reason: [2, "uint"], action: [3, "uint"] };

const DataChannelInfo = { label: [1, "string"], id: [2, "uint"], target: [3, "uint"] };

const DataChannelReceiveState = { publisherSid: [1, "string"], lastSeq: [2, "uint"] };

const SyncState = {
  answer: [1, Description], subscription: [2, UpdateSubscription],
  publishTracks: [3, [TrackPublished]], dataChannels: [4, [DataChannelInfo]],
  offer: [5, Description], receiveStates: [7, [DataChannelReceiveState]],
};

const Ping = { timestamp: [1, "int"], rtt: [2, "int"] };

const ICEServer = {
  urls: [1, ["string"]], username: [2, "string"], credential: [3, "string"],
};

const Room = { sid: [1, "string"], name: [2, "string"] };

export const SignalRequest = {
  offer: [1, Description], answer: [2, Description], trickle: [3, Trickle],
  addTrack: [4, AddTrack], mute: [5, Mute], subscription: [6, UpdateSubscription],
  trackSetting: [7, UpdateTrackSettings], leave: [8, Leave], syncState: [12, SyncState],
  pingReq: [16, Ping],
};

export const SignalResponse = {
  join: [1, {
    room: [1, Room], participant: [2, ParticipantInfo], others: [3, [ParticipantInfo]],
    iceServers: [5, [ICEServer]], pingTimeout: [10, "uint"], pingInterval: [11, "uint"],
  }],
  answer: [2, Description],
  offer: [3, Description],
  trickle: [4, Trickle],
  update: [5, { participants: [1, [ParticipantInfo]] }],
  trackPublished: [6, TrackPublished],
  leave: [8, Leave],
  mute: [9, Mute],
  speakersChanged: [10, {
    speakers: [1, [{ sid: [1, "string"], level: [2, "float"], active: [3, "bool"] }]],
  }],
  connectionQuality: [12, {
    updates: [1, [{ sid: [1, "string"], quality: [2, "uint"], score: [3, "float"] }]],
  }],
  streamStateUpdate: [13, {
    states: [1, [{ participantSid: [1, "string"], trackSid: [2, "string"], state: [3, "uint"] }]],
  }],
  subscribedQualityUpdate: [14, {
    trackSid: [1, "string"],
    qualities: [2, [{ quality: [1, "uint"], enabled: [2, "bool"] }]],
    codecs: [3, [{
      codec: [1, "string"],
      qualities: [2, [{ quality: [1, "uint"], enabled: [2, "bool"] }]],
    }]],
  }],
  refreshToken: [16, "string"],
  trackUnpublished: [17, { trackSid: [1, "string"] }],
  reconnect: [19, { iceServers: [1, [ICEServer]], lastMessageSeq: [4, "uint"] }],
  pongResp: [20, { lastPingTimestamp: [1, "int"], timestamp: [2, "int"] }],
  requestResponse: [22, { reason: [2, "uint"], message: [3, "string"], addTrack: [5, AddTrack] }],
};

export const DataPacket = {
  user: [2, {
    participantSid: [1, "string"], payload: [2, "bytes"], topic: [4, "string"],
    participantIdentity: [5, "string"],
  }],
  chatMessage: [9, { id: [1, "string"], timestamp: [2, "int"], message: [4, "string"] }],
  participantIdentity: [4, "string"],
  sequence: [16, "uint"],
  participantSid: [17, "string"],
};
