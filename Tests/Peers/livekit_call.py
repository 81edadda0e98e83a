"""A call of LiveKit's Python SDK with itself: media, mute, data, signalling lost, the room's administration.

    livekit_call.py PORT

That /rtc/v1 was used is told by `endpoint` in the server's log (sdk.py).
"""

import asyncio
import sys
import time

from livekit import api, rtc

import sdk


async def media(ben, publishing, seen):
    await seen.until(lambda s: len(s.pictures) > 20 and len(s.sounds) > 100)
    print("grey", round(seen.pictures[-1][1]), "of", publishing.grey)
    print("loud", max(level for _, level in seen.sounds) > 3_000)

    muted = asyncio.Queue()
    ben.on("track_muted", lambda *_: muted.put_nowait(time.monotonic()))
    begun = time.monotonic()
    publishing.camera.track.mute()
    print("mute seen after", round(1000 * (await asyncio.wait_for(muted.get(), 5) - begun)), "ms")
    publishing.camera.track.unmute()
    count = len(seen.pictures)
    await seen.until(lambda s: len(s.pictures) > count + 20)


async def data(ada, ben, paths, seen):
    """Numbers while ada's signalling is lost, and then ben's."""
    received = []

    def numbered(packet):
        received.append(int(packet.data))

    ben.on("data_received", numbered)
    back = asyncio.Queue()
    for room in ada, ben:
        room.on("reconnected", lambda: back.put_nowait(time.monotonic()))
    begun = quiet = time.monotonic()
    for number in range(1_000):
        if number == 300:
            begun = time.monotonic()
        if number in (300, 600):
            paths[number == 600].cut()
        await ada.local_participant.publish_data(str(number).encode(), reliable=True)
        await asyncio.sleep(0.005)
    for _ in paths:
        await asyncio.wait_for(back.get(), 20)
    end = time.monotonic() + 20
    while len(received) < 1_000 and time.monotonic() < end:
        await asyncio.sleep(0.05)
    await asyncio.sleep(1)
    ben.off("data_received", numbered)
    print("data", len(received), "in order", received == list(range(1_000)))
    until = time.monotonic()
    print("reconnects answered within", [round(1000 * t) for p in paths for t in p.answers], "ms")
    pictures = [at for at, _ in seen.pictures]
    loud = [at for at, level in seen.sounds if level > 1_000]
    gaps = [sdk.longest_gap(times, begun, until) for times in (pictures, loud)]
    print("longest gap of pictures %.0f ms, of sound %.0f ms" % tuple(1000 * gap for gap in gaps))
    answers = [t for path in paths for t in path.answers]
    print("answered in time", len(answers) == 2 and max(answers) < 1)
    # On a machine that makes gaps without any loss, a gap says nothing.
    usual = max(sdk.longest_gap(times, quiet, begun) for times in (pictures, loud))
    print("media goes on", max(gaps) < 0.5 or f"unsure, gaps of {usual:.2f} s before" if
          usual > 0.12 else max(gaps) < 0.5)


async def administration(port, ben, publishing):
    muted, gone = asyncio.Queue(), asyncio.Queue()
    ben.on("track_muted", lambda *_: muted.put_nowait(True))
    ben.on("participant_disconnected", lambda who: gone.put_nowait(who.identity))
    reason = asyncio.Queue()
    publishing.room.on("disconnected", reason.put_nowait)
    async with api.LiveKitAPI(f"http://127.0.0.1:{port}", sdk.KEY, sdk.SECRET) as lk:
        rooms = (await lk.room.list_rooms(api.ListRoomsRequest())).rooms
        print("rooms", [(room.name, room.num_participants) for room in rooms])
        people = await lk.room.list_participants(api.ListParticipantsRequest(room="algebra"))
        print("people", sorted(person.identity for person in people.participants))
        await lk.room.mute_published_track(
            api.MuteRoomTrackRequest(
                room="algebra", identity="ada", track_sid=publishing.microphone.sid, muted=True))
        print("muted from afar", await asyncio.wait_for(muted.get(), 5))
        text = asyncio.Queue()
        ben.on("data_received", text.put_nowait)
        await lk.room.send_data(
            api.SendDataRequest(
                room="algebra", data=b"hello", kind=0, topic="news",
                destination_identities=["ben"]))
        packet = await asyncio.wait_for(text.get(), 5)
        print("sent from afar", packet.data, packet.topic, packet.participant)
        await lk.room.remove_participant(
            api.RoomParticipantIdentity(room="algebra", identity="ada"))
        print("removed", await asyncio.wait_for(gone.get(), 5))
        why = await asyncio.wait_for(reason.get(), 5)
        print("because", rtc.DisconnectReason.Name(why))


async def main(port):
    async with sdk.Path(port) as path_a, sdk.Path(port) as path_b:
        watchers = []
        ben = await sdk.join(path_b.url, "ben", lambda room: watchers.append(sdk.Seeing(room)))
        seen = watchers[0]
        ada = await sdk.join(path_a.url, "ada")
        publishing = await sdk.Publishing(ada).start()
        await media(ben, publishing, seen)
        await data(ada, ben, [path_a, path_b], seen)
        await administration(port, ben, publishing)
        publishing.stop()
        await ben.disconnect()


asyncio.run(main(int(sys.argv[1])))
