"""The test page in headless Chromium, as its users work it: what the browser tests share."""

import asyncio
import contextlib
import os
import shutil
import time

from playwright.async_api import async_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

FLAGS = [
    "--no-sandbox",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--auto-select-desktop-capture-source=Entire screen",
    "--autoplay-policy=no-user-gesture-required",
    "--allow-loopback-in-peer-connection",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    # Three browsers share two cores with everything else.
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
]


@contextlib.asynccontextmanager
async def browser(*flags):
    """A Chromium of its own; each person gets one, so that none is in another's background."""
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=CHROMIUM, headless=True, args=FLAGS + list(flags))
        try:
            yield chromium
        finally:
            await chromium.close()


class Person:
    """Somebody with the page open."""

    def __init__(self, page, name):
        self.page = page
        self.name = name
        self.errors = []
        page.on("pageerror", lambda error: self.errors.append(f"{name}: {error}"))
        page.on("console", self._note)

    def _note(self, message):
        if message.type in ("error", "warning"):
            self.errors.append(f"{self.name}: {message.text}")

    @classmethod
    async def open(cls, chromium, url, name, **options):
        context = await chromium.new_context(**options)
        person = cls(await context.new_page(), name)
        await person.page.goto(url)
        return person

    async def join(self, token, room="algebra", camera="picture", microphone="tone"):
        page = self.page
        await page.fill("#name", self.name)
        await page.fill("#room", room)
        await page.select_option("#camera", camera)
        await page.select_option("#microphone", microphone)
        await page.evaluate("() => { document.getElementById('token-row').hidden = false; }")
        await page.fill("#token", token)
        await page.click("#join button")
        await page.wait_for_selector("#call:not([hidden])", timeout=20000)

    def tile(self, name):
        return self.page.locator(".tile", has=self.page.locator(".name", has_text=name)).first

    async def until(self, what, script, argument=None, timeout=30.0):
        """The seconds until `script` gives something true, which is returned beside them."""
        start = time.monotonic()
        while True:
            value = await self.page.evaluate(script, argument)
            if value:
                return time.monotonic() - start, value
            if time.monotonic() - start > timeout:
                raise AssertionError(f"{self.name} waited {timeout} s for {what}")
            await asyncio.sleep(0.02)


async def token(identity, room="algebra"):
    """A token for the development key, made by the tool under test."""
    process = await asyncio.create_subprocess_exec(
        os.environ["ASSAY"], "token", "create", "--dev", "--identity", identity, "--room", room,
        stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    return output.decode().strip()


# What is received of a track: the entry of `getStats`, and the video element that shows it.
INBOUND = """
async ([identity, kind, source]) => {
  const room = window.assay.room;
  const person = [...room.people.values()].find((person) => person.identity === identity);
  const track = person?.tracks.find((track) => track.source === source);
  const media = room.media.get(track?.sid);
  if (!media) return null;
  for (const entry of (await media.receiver.getStats()).values()) {
    if (entry.type === 'inbound-rtp' && entry.kind === kind) {
      return { ...entry, muted: track.muted };
    }
  }
  return null;
}
"""

# The number in the picture that somebody's tile shows.
FRAME_NUMBER = """
(identity) => {
  const { room, tiles, frameNumber } = window.assay;
  const person = [...room.people.values()].find((person) => person.identity === identity);
  const tile = person && tiles.tiles.get(person.sid);
  return tile ? frameNumber(tile.video) : null;
}
"""

CAMERA, MICROPHONE, SCREEN = 1, 2, 3
