"""One Chromium publishes three layers, another changes the size it wants ten times."""

import asyncio
import contextlib
import sys

from page import CAMERA, FRAME_NUMBER, INBOUND, Person, browser, token

# Widths of the layers of a picture of 960 pixels, each for tiles up to its size.
LAYERS = [240, 480, 960]

# Makes the tile of `identity` this wide; the page tells the SFU by itself.
RESIZE = """
([identity, width]) => {
  const { room, tiles } = window.assay;
  const person = [...room.people.values()].find((person) => person.identity === identity);
  const tile = tiles.tiles.get(person.sid);
  tile.element.style.width = `${width}px`;
  tile.element.style.height = `${(width * 9) / 16}px`;
  tile.element.style.aspectRatio = 'auto';
}
"""

# Watches the frames that are shown: the longest time without one, and pictures that are no test
# picture.
WATCH = """
(identity) => {
  const { room, tiles, frameNumber } = window.assay;
  const person = [...room.people.values()].find((person) => person.identity === identity);
  const { video } = tiles.tiles.get(person.sid);
  const seen = { frames: 0, broken: 0, longest: 0, back: 0, last: performance.now(), number: -1 };
  window.seen = seen;
  const look = () => {
    const now = performance.now();
    seen.longest = Math.max(seen.longest, now - seen.last);
    seen.last = now;
    seen.frames += 1;
    const number = frameNumber(video);
    if (number === null) seen.broken += 1;
    else if (number < seen.number) seen.back += 1;
    else seen.number = number;
    video.requestVideoFrameCallback(look);
  };
  video.requestVideoFrameCallback(look);
}
"""

# The longest that a timer of the page was late: how busy the machine is.
LAG = """
() => {
  window.lateness = 0;
  let last = performance.now();
  setInterval(() => {
    const now = performance.now();
    window.lateness = Math.max(window.lateness, now - last - 50);
    last = now;
  }, 50);
}
"""

OUTBOUND = """
async () => {
  const { room } = window.assay;
  const sender = room.call.senderOf(room.published.find(({ source }) => source === 1));
  return [...(await sender.getStats()).values()]
    .filter(({ type }) => type === 'outbound-rtp')
    .map(({ rid, framesEncoded, frameWidth, qualityLimitationReason }) =>
      ({ rid, framesEncoded, frameWidth, qualityLimitationReason }));
}
"""


@contextlib.asynccontextmanager
async def watching(url):
    """Ada's camera and Ben, who sees it and counts how late his timers are."""
    async with browser() as one, browser() as two:
        ada, ben = await asyncio.gather(
            Person.open(one, url, "ada"),
            Person.open(two, url, "ben", viewport={"width": 1500, "height": 1000}))
        tokens = await asyncio.gather(token("ada"), token("ben"))
        await ada.join(tokens[0], microphone="none")
        await ben.join(tokens[1], camera="none", microphone="none")
        await ben.until("a picture", INBOUND, ["ada", "video", CAMERA])
        await ben.page.evaluate(LAG)
        yield ada, ben
        assert not ada.errors and not ben.errors, ada.errors + ben.errors


async def main(url):
    async with watching(url) as (ada, ben):
        if await sends_three(ada, ben):
            await follow(ada, ben)


async def sends_three(ada, ben):
    """Chromium sends the highest layer once its estimate of the path has grown to it."""
    await ben.page.evaluate(RESIZE, ["ada", 960])
    rows = await ada.page.evaluate(OUTBOUND)
    assert sorted(row["rid"] for row in rows) == ["f", "h", "q"], rows
    try:
        seconds, _ = await ben.until(
            "the highest layer", decoding(960), ["ada", "video", CAMERA], timeout=25)
    except AssertionError:
        late = await ben.page.evaluate("() => window.lateness")
        if late < 100:
            raise
        print(f"INCONCLUSIVE: timers are {late:.0f} ms late, and so is the estimate", flush=True)
        return False
    print(f"three layers after {seconds:.1f} s", flush=True)
    return True


async def follow(ada, ben):
    """Ten sizes; the layer is that of the size each time, and nothing freezes or breaks."""
    await ben.page.evaluate(RESIZE, ["ada", 480])
    await ben.until("a first layer", decoding(480), ["ada", "video", CAMERA])
    await ben.page.evaluate(WATCH, "ada")
    start = await ben.page.evaluate(INBOUND, ["ada", "video", CAMERA])
    times, missed = [], []
    for width in [240, 960, 480, 960, 240, 480, 240, 960, 480, 240]:
        await ben.page.evaluate(RESIZE, ["ada", width])
        try:
            seconds, _ = await ben.until(
                f"{width} pixels", decoding(width), ["ada", "video", CAMERA], timeout=6)
            times.append(f"{width}: {1000 * seconds:.0f}")
        except AssertionError:
            missed.append(width)
        await asyncio.sleep(0.4)
    end = await ben.page.evaluate(INBOUND, ["ada", "video", CAMERA])
    seen = await ben.page.evaluate("() => window.seen")
    late = await ben.page.evaluate("() => window.lateness")
    print("milliseconds to each size:", ", ".join(times), flush=True)
    frozen = end["totalFreezesDuration"] - start["totalFreezesDuration"]
    lost = end["framesDropped"] - start["framesDropped"]
    print(f"{seen['frames']} frames shown, {seen['broken']} unreadable, longest gap "
          f"{seen['longest']:.0f} ms, freezes {end['freezeCount'] - start['freezeCount']} of "
          f"{frozen:.2f} s, dropped {lost}, PLI {end['pliCount'] - start['pliCount']}, "
          f"timers at most {late:.0f} ms late", flush=True)
    rows = await ada.page.evaluate(OUTBOUND)
    limited = [row for row in rows if row["qualityLimitationReason"] not in ("none", None)]
    if late > 500 or any(row["qualityLimitationReason"] == "cpu" for row in limited):
        if missed or seen["longest"] >= 1000:
            print(f"INCONCLUSIVE: the machine is too busy ({late:.0f} ms, {limited})", flush=True)
            return
    assert not missed, f"no layer for {missed}: {rows}"
    assert seen["longest"] < 1000, f"a freeze of {seen['longest']:.0f} ms"
    assert seen["broken"] == 0 and seen["back"] == 0, seen
    print("FOLLOWED", flush=True)


def decoding(width):
    return f"async (args) => (await ({INBOUND})(args))?.frameWidth === {width}"


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
