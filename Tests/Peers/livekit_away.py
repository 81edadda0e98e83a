"""LiveKit's Python SDK is told that another client's connection is lost, and that it is found again.

    livekit_away.py PORT

That /rtc/v1 was used is told by `endpoint` in the server's log (sdk.py).
"""

import asyncio
import os
import signal
import subprocess
import sys
import time

from livekit import rtc

import sdk


async def publish(url):
    """What the child process does until it is ended."""
    publishing = await sdk.Publishing(await sdk.join(url, "ada")).start()
    print("in", flush=True)
    await asyncio.gather(*publishing.tasks)


async def watch(url):
    words = asyncio.Queue()

    def note(participant, quality):
        if participant.identity == "ada":
            words.put_nowait((time.monotonic(), quality == rtc.ConnectionQuality.QUALITY_LOST))

    ben = await sdk.join(url, "ben", lambda room: room.on("connection_quality_changed", note))
    ada = subprocess.Popen(
        [sys.executable, "-W", "ignore", __file__, url, "ada"], stdout=subprocess.PIPE, text=True)
    try:
        ada.stdout.readline()
        await asyncio.sleep(2)
        for number, is_lost in ((signal.SIGSTOP, True), (signal.SIGCONT, False)):
            os.kill(ada.pid, number)
            begun = time.monotonic()
            while True:
                at, word = await asyncio.wait_for(words.get(), 20)
                if at >= begun and word == is_lost:
                    break
            print("lost" if is_lost else "found", "in time", at - begun < 5, flush=True)
            print(f"after {at - begun:.2f} s", flush=True)
            await asyncio.sleep(1)
    finally:
        ada.kill()
    await ben.disconnect()


if len(sys.argv) > 2:
    asyncio.run(publish(sys.argv[1]))
else:
    asyncio.run(watch(f"ws://127.0.0.1:{sys.argv[1]}"))
