"""LiveKit's Python SDK across the death of the server and its successor on the same ports.

The servers' log goes to standard error: `endpoint` there says that /rtc/v1 was used.

    livekit_restart.py ASSAY PORT MEDIA_PORT
"""

import asyncio
import subprocess
import sys

import sdk


def serve(assay, port, media):
    server = subprocess.Popen(
        [assay, "serve", "--dev", "--port", port, "--udp-port", media],
        stdout=subprocess.PIPE, text=True)
    server.stdout.readline()
    return server


async def main(assay, port, media):
    server = serve(assay, port, media)
    try:
        watchers = []
        url = f"ws://127.0.0.1:{port}"
        ben = await sdk.join(url, "ben", lambda room: watchers.append(sdk.Seeing(room)))
        seen = watchers[0]
        ada = await sdk.join(url, "ada")
        publishing = await sdk.Publishing(ada).start()
        await seen.until(lambda s: len(s.pictures) > 20)
        sids = [room.local_participant.sid for room in (ada, ben)]
        back = asyncio.Queue()
        for room in ada, ben:
            room.on("reconnected", lambda: back.put_nowait(True))
        server.kill()
        server.wait()
        server = serve(assay, port, media)
        for _ in range(2):
            await asyncio.wait_for(back.get(), 60)
        for room, old in zip((ada, ben), sids):
            while room.local_participant.sid == old:
                await asyncio.sleep(0.1)
        print("new sessions")
        count = len(seen.pictures)
        await seen.until(lambda s: len(s.pictures) > count + 20, 60)
        print("seen again", round(seen.pictures[-1][1]), "of", publishing.grey)
        await ada.disconnect()
        await ben.disconnect()
    finally:
        server.kill()


asyncio.run(main(*sys.argv[1:]))
