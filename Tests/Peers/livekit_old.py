"""Two clients of any LiveKit Python SDK, of 0.x too: they join, publish, decode, part.

    livekit_old.py URL ADA_TOKEN BEN_TOKEN

SDKs of before /rtc/v1 use /rtc; `endpoint` in the server's log says so.
"""

import asyncio
import importlib.metadata
import os
import sys

# Before 0.3 the SDK keeps to the loop that was there when it was imported.
LOOP = asyncio.new_event_loop()
asyncio.set_event_loop(LOOP)
try:
    from livekit import rtc
except ImportError:  # before 0.3
    import livekit as rtc


def frame():
    pixels = bytes([200, 200, 200, 255]) * (320 * 180)
    try:
        return rtc.VideoFrame(320, 180, rtc.VideoBufferType.RGBA, pixels)
    except (AttributeError, TypeError):  # before 0.9
        make = getattr(rtc.ArgbFrame, "create", rtc.ArgbFrame)
        made = make(rtc.VideoFormatType.FORMAT_ABGR, 320, 180)
        made.data[:] = pixels
        try:
            return rtc.VideoFrame(made.to_i420())
        except TypeError:
            return rtc.VideoFrame(0, rtc.VideoRotation.VIDEO_ROTATION_0, made.to_i420())


async def decoded(track):
    """The frames of a track; before 0.3 they are events."""
    stream = rtc.VideoStream(track)
    if hasattr(stream, "__aiter__"):
        async for frame in stream:
            yield frame
    frames = asyncio.Queue()
    stream.on("frame_received", lambda *_: frames.put_nowait(True))
    while True:
        yield await frames.get()


async def main(url, ada_token, ben_token):
    print("livekit", importlib.metadata.version("livekit"))
    ben, ada = rtc.Room(), rtc.Room()
    subscribed, left = asyncio.Queue(), asyncio.Queue()
    ben.on("track_subscribed", lambda track, *_: subscribed.put_nowait(track))
    ben.on("participant_disconnected", lambda who: left.put_nowait(who.identity))
    await asyncio.wait_for(ben.connect(url, ben_token), 20)
    await asyncio.wait_for(ada.connect(url, ada_token), 20)
    print("joined")
    try:
        source = rtc.VideoSource(320, 180)
    except TypeError:
        source = rtc.VideoSource()
    track = rtc.LocalVideoTrack.create_video_track("camera", source)
    options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_CAMERA)
    await asyncio.wait_for(ada.local_participant.publish_track(track, options), 20)
    picture = frame()

    async def feed():
        while True:
            source.capture_frame(picture)
            await asyncio.sleep(0.05)

    feeding = asyncio.create_task(feed())
    frames = decoded(await asyncio.wait_for(subscribed.get(), 20))
    seen = 0
    async for _ in frames:
        seen += 1
        if seen == 20:
            break
    print("decoded", seen)
    feeding.cancel()
    await ada.disconnect()
    print("left", await asyncio.wait_for(left.get(), 20))
    await ben.disconnect()


LOOP.run_until_complete(asyncio.wait_for(main(*sys.argv[1:]), 60))
# Old SDKs do not always find the end by themselves.
sys.stdout.flush()
os._exit(0)
