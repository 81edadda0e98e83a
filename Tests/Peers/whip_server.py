"""A WHIP and WHEP server on aiortc: it decodes what is published, and plays a picture of its own.

    whip_server.py SECONDS

Prints its port, and after SECONDS what became of it all.
"""

import asyncio
import sys

import av
import numpy
from aiohttp import web
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError, VideoStreamTrack

peers, frames, refused = {}, {}, {"token": 0, "early": 0}
deleted = []


class Picture(VideoStreamTrack):
    """A bar that wanders over 320x180."""

    async def recv(self):
        pts, base = await self.next_timestamp()
        image = numpy.full((180, 320, 3), 60, numpy.uint8)
        left = pts // 3000 * 4 % 280
        image[:, left:left + 40] = 220
        frame = av.VideoFrame.from_ndarray(image, "rgb24")
        frame.pts, frame.time_base = pts, base
        return frame


async def consume(track, name):
    while True:
        try:
            frame = await track.recv()
        except MediaStreamError:
            return
        sizes = frames.setdefault((name, track.kind), {})
        size = frame.height if track.kind == "video" else "frames"
        sizes[size] = sizes.get(size, 0) + 1


async def post(request):
    name, kind = request.match_info["name"], request.match_info["kind"]
    if not request.headers.get("Authorization", "").startswith("Bearer ey"):
        refused["token"] += 1
        return web.Response(status=401)
    assert request.headers["Content-Type"] == "application/sdp"
    if kind == "whep" and (name, "whip") not in [key[:2] for key in peers]:
        refused["early"] += 1
        return web.Response(status=404, headers={"Retry-After": "0"})
    peer = RTCPeerConnection()
    key = (name, kind, len(peers))
    peers[key] = peer
    if kind == "whip":
        peer.on("track", lambda track: asyncio.ensure_future(consume(track, name)))
    else:
        peer.addTrack(AudioStreamTrack())
        peer.addTrack(Picture())
    await peer.setRemoteDescription(RTCSessionDescription(await request.text(), "offer"))
    await peer.setLocalDescription(await peer.createAnswer())
    return web.Response(
        status=201, text=peer.localDescription.sdp, content_type="application/sdp",
        headers={"Location": f"{kind}/{key[2]}", "ETag": '"1"'})


async def delete(request):
    for key, peer in peers.items():
        if str(key[2]) == request.match_info["id"]:
            deleted.append(key)
            await peer.close()
    return web.Response(status=200)


async def main():
    app = web.Application()
    app.router.add_post("/{name}/{kind}", post)
    app.router.add_delete("/{name}/{kind}/{id}", delete)
    app.router.add_options("/{name}/{kind}", lambda _: web.Response(status=200))
    app.router.add_options("/{rest:.*}", lambda _: web.Response(status=200))
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(site._server.sockets[0].getsockname()[1], flush=True)
    await asyncio.sleep(float(sys.argv[1]))
    for (name, kind), sizes in sorted(frames.items()):
        print(f"decoded of {name} {kind} {sizes}")
    print(f"refused {refused}, deleted {sorted(key[:2] for key in deleted)}", flush=True)


asyncio.run(main())
