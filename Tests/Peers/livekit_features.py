"""What LiveKit's Python SDK does beyond a call: quality layers, frame metadata, encryption, a full reconnect.

    livekit_features.py PORT [FEATURE...]

That /rtc/v1 was used is told by `endpoint` in the server's log (sdk.py).
"""

import asyncio
import sys
import time

from livekit import rtc

import sdk

SIZE = (1280, 720)


class Camera:
    """A camera of 1280x720 whose frames carry their number."""

    def __init__(self, room, codec, metadata=False, simulcast=True):
        self.room, self.metadata = room, metadata
        self.options = rtc.TrackPublishOptions(
            source=rtc.TrackSource.SOURCE_CAMERA, video_codec=codec, simulcast=simulcast,
            frame_metadata_features=[
                rtc.FrameMetadataFeature.Value(name) for name in
                ("FMF_USER_TIMESTAMP", "FMF_FRAME_ID")] if metadata else [])

    async def start(self):
        self.source = rtc.VideoSource(*SIZE)
        self.task = asyncio.create_task(self.feed())
        track = rtc.LocalVideoTrack.create_video_track("camera", self.source)
        await asyncio.wait_for(
            self.room.local_participant.publish_track(track, self.options), 20)
        return self

    async def feed(self):
        frame = rtc.VideoFrame(
            *SIZE, rtc.VideoBufferType.RGBA, bytes([200, 200, 200, 255]) * (SIZE[0] * SIZE[1]))
        number = 0
        while True:
            number += 1
            metadata = rtc.FrameMetadata(
                user_timestamp=1_000_000 + number, frame_id=number) if self.metadata else None
            self.source.capture_frame(frame, metadata=metadata)
            await asyncio.sleep(1 / 15)


class Viewer:
    """What a room shows of its first video."""

    def __init__(self, room):
        self.frames = []
        self.publication = None
        room.on("track_subscribed", self.subscribed)

    def subscribed(self, track, publication, _):
        if track.kind == rtc.TrackKind.KIND_VIDEO:
            self.publication = publication
            self.task = asyncio.create_task(self.watch(track))

    async def watch(self, track):
        async for event in rtc.VideoStream(track):
            self.frames.append((event.frame.width, event.metadata))

    async def until(self, holds, seconds=20):
        """Whether `holds` of the frames from now on came true."""
        start, end = len(self.frames), time.monotonic() + seconds
        while time.monotonic() < end:
            if holds(self.frames[start:]):
                return True
            await asyncio.sleep(0.05)
        return False


async def rooms(port, name, options=None):
    url = f"http://127.0.0.1:{port}"
    views = []

    async def join(identity, prepare=lambda room: None):
        room = rtc.Room()
        prepare(room)
        await asyncio.wait_for(
            room.connect(url, sdk.token(identity, name), options or rtc.RoomOptions()), 20)
        return room

    viewer = await join("ben", lambda room: views.append(Viewer(room)))
    return await join("ada"), viewer, views[0]


async def layers(port, codec):
    ada, ben, view = await rooms(port, f"layers-{codec}")
    camera = await Camera(ada, getattr(rtc.VideoCodec, codec)).start()
    widths = lambda wanted: lambda frames: any(w == wanted for w, _ in frames)
    print(codec, "high", await view.until(widths(1280), 30))
    for quality, width in (("LOW", 320), ("HIGH", 1280), ("MEDIUM", 640)):
        view.publication.set_video_quality(getattr(rtc.VideoQuality, f"VIDEO_QUALITY_{quality}"))
        came = await view.until(widths(width), 20)
        print(codec, quality, width if came else [w for w, _ in view.frames[-3:]])
    camera.task.cancel()
    await ada.disconnect()
    await ben.disconnect()


async def metadata(port):
    ada, ben, view = await rooms(port, "metadata")
    camera = await Camera(ada, rtc.VideoCodec.VP8, metadata=True, simulcast=False).start()
    fits = lambda m: m is not None and m.frame_id and m.user_timestamp == 1_000_000 + m.frame_id
    print("metadata", await view.until(lambda frames: sum(fits(m) for _, m in frames) > 10))
    camera.task.cancel()
    await ada.disconnect()
    await ben.disconnect()


async def encryption(port):
    keys = rtc.KeyProviderOptions(shared_key=b"a class of its own")
    ada, ben, view = await rooms(
        port, "encryption", rtc.RoomOptions(encryption=rtc.E2EEOptions(key_provider_options=keys)))
    states = []
    ben.on("e2ee_state_changed", lambda _, state: states.append(state))
    camera = await Camera(ada, rtc.VideoCodec.VP8).start()
    print("encrypted", await view.until(lambda frames: len(frames) > 20))
    print("state", rtc.EncryptionState.Name(states[-1]) if states else "never")
    camera.task.cancel()
    await ada.disconnect()
    await ben.disconnect()


async def reconnect(port):
    ada, ben, view = await rooms(port, "reconnect")
    camera = await Camera(ada, rtc.VideoCodec.VP8).start()
    await view.until(lambda frames: len(frames) > 20)
    back = asyncio.Queue()
    ada.on("reconnected", lambda: back.put_nowait(True))
    await ada.simulate_scenario(rtc.SimulateScenarioKind.SIMULATE_FULL_RECONNECT)
    print("reconnected", await asyncio.wait_for(back.get(), 20))
    print("published", len(ada.local_participant.track_publications))
    print("seen again", await view.until(lambda frames: len(frames) > 20))
    camera.task.cancel()
    await ada.disconnect()
    await ben.disconnect()


async def main(port, wanted):
    for name, run in (
            ("VP8", lambda: layers(port, "VP8")), ("H264", lambda: layers(port, "H264")),
            ("metadata", lambda: metadata(port)), ("encryption", lambda: encryption(port)),
            ("reconnect", lambda: reconnect(port))):
        if not wanted or name in wanted:
            await run()


asyncio.run(main(int(sys.argv[1]), sys.argv[2:]))
