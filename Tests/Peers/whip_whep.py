"""aiortc publishes over WHIP, and plays over WHEP what it published.

    whip_whep.py URL PUBLISHER_TOKEN PLAYER_TOKEN
"""

import asyncio
import sys

import aiohttp
import av
import numpy
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack
from livekit import api

url, ada, bob = sys.argv[1:]
CANDIDATE = "a=mid:0\r\na=candidate:1 1 udp 2130706431 198.51.100.1 39132 typ host\r\n"
RESTART = "a=ice-ufrag:ysXw\r\na=ice-pwd:vw5LmwG4y/e6dPP/zAP9Gp5k\r\n"


class Picture(VideoStreamTrack):
    """One grey."""

    async def recv(self):
        pts, base = await self.next_timestamp()
        frame = av.VideoFrame.from_ndarray(numpy.full((240, 320, 3), 200, numpy.uint8), "rgb24")
        frame.pts, frame.time_base = pts, base
        return frame


async def session(http, peer, kind, token):
    await peer.setLocalDescription(await peer.createOffer())
    answer = await http.post(url + kind, data=peer.localDescription.sdp, headers={
        "Authorization": "Bearer " + token, "Content-Type": "application/sdp"})
    text = await answer.text()
    print(kind, answer.status, answer.headers.get("Link"))
    await peer.setRemoteDescription(RTCSessionDescription(text, "answer"))
    return answer.headers["Location"], answer.headers["ETag"]


async def patch(http, path, token, match, body):
    head = {"Authorization": "Bearer " + token, "Content-Type": "application/trickle-ice-sdpfrag"}
    if match:
        head["If-Match"] = match
    answer = await http.patch(url + path, data=body, headers=head)
    return answer.status, answer.headers.get("ETag")


async def main():
    async with aiohttp.ClientSession() as http:
        publisher, player = RTCPeerConnection(), RTCPeerConnection()
        for track in AudioStreamTrack(), Picture():
            publisher.addTransceiver(track, direction="sendonly")
        await session(http, publisher, "/whip/v1", ada)
        tracks = {}
        player.on("track", lambda track: tracks.update({track.kind: track}))
        for kind in "audio", "video":
            player.addTransceiver(kind, direction="recvonly")
        path, etag = await session(http, player, "/whep/v1", bob)
        for _ in range(20):
            frame = await asyncio.wait_for(tracks["video"].recv(), 20)
        grey = frame.to_ndarray(format="gray").mean()
        print("picture", frame.width, frame.height, round(grey))
        for _ in range(50):
            sound = await asyncio.wait_for(tracks["audio"].recv(), 20)
        print("sound", sound.sample_rate)
        async with api.LiveKitAPI(url, "devkey", "secret") as lk:
            who = api.RoomParticipantIdentity(room="algebra", identity="ada")
            tracks = (await lk.room.get_participant(who)).tracks
            print("published", sorted(track.mime_type for track in tracks))
        print("trickle", (await patch(http, path, bob, etag, CANDIDATE))[0])
        print("no match", (await patch(http, path, bob, None, CANDIDATE))[0])
        print("wrong match", (await patch(http, path, bob, '"x"', CANDIDATE))[0])
        print("no credentials", (await patch(http, path, bob, "*", CANDIDATE))[0])
        status, renewed = await patch(http, path, bob, "*", RESTART)
        print("restart", status, renewed not in (None, etag))
        ended = await http.delete(url + path, headers={"Authorization": "Bearer " + bob})
        print("ended", ended.status)
        await player.close()
        await publisher.close()


asyncio.run(main())
