"""What the scripts with LiveKit's Python SDK share: clients, test media, and a breakable signalling path.

SDK 1.2.1 signals over /rtc/v1 (one peer connection for both directions), and over /rtc where that is
answered 404. Which one a session used is the `endpoint` of "participant joined" and "participant resumed"
in the server's log; the tests read it there.
"""

import asyncio
import base64
import gzip
import time
import urllib.parse

import numpy
from livekit import api, rtc
from livekit.protocol import rtc as messages

KEY, SECRET = "devkey", "secret"


def token(identity, room="algebra"):
    grants = api.VideoGrants(room_join=True, room=room)
    return api.AccessToken(KEY, SECRET).with_identity(identity).with_grants(grants).to_jwt()


async def join(url, identity, prepare=lambda room: None):
    """A connected room; `prepare` sets its handlers first."""
    room = rtc.Room()
    prepare(room)
    await asyncio.wait_for(room.connect(url, token(identity)), 20)
    return room


async def picture(source, grey):
    """Feeds a video source with frames of one grey, 20 a second."""
    frame = rtc.VideoFrame(
        640, 360, rtc.VideoBufferType.RGBA, bytes([grey, grey, grey, 255]) * (640 * 360))
    while True:
        source.capture_frame(frame)
        await asyncio.sleep(0.05)


async def tone(source):
    """Feeds an audio source with 440 Hz."""
    times, size = 0, 480
    while True:
        wave = 8_000 * numpy.sin(2 * numpy.pi * 440 * (numpy.arange(size) + times) / 48_000)
        times += size
        await source.capture_frame(
            rtc.AudioFrame(wave.astype(numpy.int16).tobytes(), 48_000, 1, size))


class Publishing:
    """A camera and a microphone of a room's local participant."""

    def __init__(self, room, grey=200):
        self.room, self.grey = room, grey
        self.picture, self.sound = rtc.VideoSource(640, 360), rtc.AudioSource(48_000, 1)

    async def start(self):
        me = self.room.local_participant
        camera = rtc.LocalVideoTrack.create_video_track("camera", self.picture)
        microphone = rtc.LocalAudioTrack.create_audio_track("microphone", self.sound)
        self.tasks = [
            asyncio.create_task(picture(self.picture, self.grey)),
            asyncio.create_task(tone(self.sound)),
        ]
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_CAMERA)
        self.camera = await asyncio.wait_for(me.publish_track(camera, options), 20)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        self.microphone = await asyncio.wait_for(me.publish_track(microphone, options), 20)
        return self

    def stop(self):
        for task in self.tasks:
            task.cancel()


class Seeing:
    """Decodes what a room's participants publish, and remembers when."""

    def __init__(self, room):
        self.pictures, self.sounds, self.tasks = [], [], []
        room.on("track_subscribed", self.subscribed)

    def subscribed(self, track, *_):
        watch = self.watch if track.kind == rtc.TrackKind.KIND_VIDEO else self.listen
        self.tasks.append(asyncio.create_task(watch(track)))

    async def watch(self, track):
        async for event in rtc.VideoStream(track):
            frame = event.frame.convert(rtc.VideoBufferType.RGBA)
            grey = numpy.frombuffer(frame.data, numpy.uint8)[::4].mean()
            self.pictures.append((time.monotonic(), float(grey)))

    async def listen(self, track):
        async for event in rtc.AudioStream(track, sample_rate=48_000, num_channels=1):
            samples = numpy.frombuffer(event.frame.data, numpy.int16).astype(float)
            self.sounds.append((time.monotonic(), float(numpy.sqrt((samples**2).mean()))))

    async def until(self, reached, seconds=20):
        end = time.monotonic() + seconds
        while not reached(self):
            if time.monotonic() > end:
                raise TimeoutError(f"{len(self.pictures)} pictures, {len(self.sounds)} sounds")
            await asyncio.sleep(0.02)


def longest_gap(times, since, until):
    times = [since] + [at for at in times if since < at < until] + [until]
    return max(b - a for a, b in zip(times, times[1:]))


def resumes(head):
    """Whether a request for signalling resumes a session: as the query of /rtc says, or the join request
    of /rtc/v1."""
    target = head.split(b" ")[1].decode()
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(target).query)
    if "join_request" not in query:
        return "1" in query.get("reconnect", [])
    text = query["join_request"][0].translate(str.maketrans(" -_", "++/"))
    wrapped = messages.WrappedJoinRequest.FromString(base64.b64decode(text + "=="))
    packed = wrapped.compression == messages.WrappedJoinRequest.GZIP
    join = gzip.decompress(wrapped.join_request) if packed else wrapped.join_request
    return messages.JoinRequest.FromString(join).reconnect


class Path:
    """TCP between a client and the server that can be cut, and tells how long the server took to take
    a session up again: from the request's arrival to the message `reconnect`."""

    def __init__(self, port):
        self.port, self.writers, self.answers = port, [], []

    async def __aenter__(self):
        self.server = await asyncio.start_server(self.connected, "127.0.0.1", 0)
        self.url = "ws://127.0.0.1:%d" % self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self.cut()
        self.server.close()

    def cut(self):
        for writer in self.writers:
            writer.transport.abort()
        self.writers = []

    async def connected(self, reader, writer):
        try:
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            writer.transport.abort()
            return
        self.writers += [writer, server_writer]
        head = await reader.readuntil(b"\r\n\r\n")
        begun = time.monotonic()
        server_writer.write(head)
        pump = asyncio.create_task(self.pump(reader, server_writer))
        try:
            answer = await server_reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            if b" 101 " in answer and resumes(head):
                frame = await server_reader.readexactly(4)
                # A frame of up to 125 bytes has a header of two; the message is the field 19.
                kind = frame[2:] if frame[1] < 126 else (await server_reader.readexactly(2))
                writer.write(frame if frame[1] < 126 else frame + kind)
                if kind == b"\x9a\x01":
                    self.answers.append(time.monotonic() - begun)
            await self.pump(server_reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            pump.cancel()

    async def pump(self, reader, writer):
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except (OSError, asyncio.CancelledError):
            pass
        writer.transport.abort()
