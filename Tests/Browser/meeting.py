"""Two browsers meet over the page: picture, sound, mute, chat, screen, leaving."""

import asyncio
import sys

from page import CAMERA, FRAME_NUMBER, INBOUND, MICROPHONE, SCREEN, Person, browser, token

# The seconds between the click and the moment the other page knows, by the clock both share.
SEE = """
([what, identity]) => new Promise((resolve) => {
  const { room } = window.assay;
  const seen = {
    muted: (person) => person.tracks.some((track) => track.source === 2 && track.muted),
    unmuted: (person) => person.tracks.some((track) => track.source === 2 && !track.muted),
    dark: (person) => person.tracks.some((track) => track.source === 1 && track.muted),
    sharing: (person) => person.tracks.some((track) => track.source === 3),
  }[what];
  const look = () => {
    const person = [...room.people.values()].find((person) => person.identity === identity);
    if (what === 'gone' ? person : !person || !seen(person)) return;
    room.removeEventListener('change', look);
    resolve(performance.timeOrigin + performance.now());
  };
  room.addEventListener('change', look);
  look();
})
"""

CLICK = """
(id) => {
  const now = performance.timeOrigin + performance.now();
  document.getElementById(id).click();
  return now;
}
"""

# Milliseconds of a round trip over signalling, at this moment and on this machine.
PING = """
async () => {
  const { room } = window.assay;
  const start = performance.now();
  room.roundTrip = null;
  room.send({ pingReq: { timestamp: Date.now(), rtt: 0 } });
  while (room.roundTrip === null) await new Promise((resolve) => setTimeout(resolve, 1));
  return performance.now() - start;
}
"""

# Notes in `lateness` by how many milliseconds a timer of the page was late at worst.
METER = """
() => {
  window.lateness = 0;
  let last = performance.now();
  setInterval(() => {
    const now = performance.now();
    window.lateness = Math.max(window.lateness, now - last - 10);
    last = now;
  }, 10);
}
"""


async def both(first, second):
    return await asyncio.gather(first, second)


async def sees(ada, ben):
    """Each decodes the other's picture, and the picture is the one that was drawn."""
    for person, other in ((ada, ben.name), (ben, ada.name)):
        _, first = await person.until("a picture", INBOUND, [other, "video", CAMERA])
        numbers = []
        for _ in range(20):
            number = await person.page.evaluate(FRAME_NUMBER, other)
            if number is not None:
                numbers.append(number)
            await asyncio.sleep(0.1)
        last = await person.page.evaluate(INBOUND, [other, "video", CAMERA])
        decoded = last["framesDecoded"] - first["framesDecoded"]
        assert decoded >= 10, f"{person.name} decoded {decoded} frames in 2 s"
        steps = [b - a for a, b in zip(numbers, numbers[1:])]
        assert len(numbers) >= 15, f"{person.name} read {len(numbers)} of 20 frame numbers"
        assert all(step >= 0 for step in steps), f"frames go back: {numbers}"
        assert numbers[-1] > numbers[0], f"the picture stands still: {numbers}"
        print(f"{person.name} decoded {decoded} frames of {other}, numbers {numbers[0]}.."
              f"{numbers[-1]}", flush=True)


async def hears(person, other):
    _, first = await person.until("sound", INBOUND, [other, "audio", MICROPHONE])
    await asyncio.sleep(2)
    last = await person.page.evaluate(INBOUND, [other, "audio", MICROPHONE])
    packets = last["packetsReceived"] - first["packetsReceived"]
    energy = last["totalAudioEnergy"] - first["totalAudioEnergy"]
    assert packets > 40 and energy > 0.001, f"{packets} packets of sound, energy {energy}"
    print(f"{person.name} hears {other}: {packets} packets in 2 s, energy {energy:.3f}", flush=True)


async def observed(actor, observer, button, what):
    """Milliseconds from `actor`'s click to `observer`'s page knowing it."""
    seeing = asyncio.create_task(observer.page.evaluate(SEE, [what, actor.name]))
    await asyncio.sleep(0.1)
    clicked = await actor.page.evaluate(CLICK, button)
    return await asyncio.wait_for(seeing, 15) - clicked


async def mutes(ada, ben):
    """Each of six is seen within one round trip and 200 ms."""
    await both(ada.page.evaluate(METER), ben.page.evaluate(METER))
    delays, trips = [], []
    for change in ["muted", "unmuted"] * 3:
        pings = both(ada.page.evaluate(PING), ben.page.evaluate(PING))
        delay, trip = await both(observed(ada, ben, "mute", change), pings)
        delays.append(delay)
        trips.append(max(trip))
    print(f"mute seen after {', '.join(f'{delay:.0f}' for delay in delays)} ms, "
          f"round trips of {', '.join(f'{trip:.0f}' for trip in trips)} ms", flush=True)
    late = [delay for delay, trip in zip(delays, trips) if delay > trip + 200]
    if not late:
        return
    lag = max(await both(
        ada.page.evaluate("() => window.lateness"), ben.page.evaluate("() => window.lateness")))
    if max([lag] + trips) > 100:
        print(f"INCONCLUSIVE: mute was seen after {max(late):.0f} ms, timers are {lag:.0f} ms late "
              f"and loopback takes {max(trips):.0f} ms", flush=True)
        return
    raise AssertionError(f"mute was seen late: {max(late):.0f} ms")


async def chats(ada, ben):
    text = "<b>2 < 3</b> & \u201cso\u201d on"
    await ada.page.fill("#message", text)
    await ada.page.keyboard.press("Enter")
    seconds, shown = await ben.until(
        "a message", "() => document.querySelector('#messages li')?.textContent")
    assert shown == f"ada {text}", shown
    assert not await ben.page.query_selector("#messages li b b"), "a message became markup"
    for number in range(30):
        await ben.page.evaluate("(text) => window.assay.room.chat.send(text)", f"line {number}")
    _, lines = await ada.until(
        "30 lines", """() => {
          const lines = [...document.querySelectorAll('#messages li')].map((li) => li.textContent);
          return lines.length > 30 ? lines.slice(1) : null;
        }""")
    assert lines == [f"ben line {number}" for number in range(30)], lines
    print(f"chat arrives after {1000 * seconds:.0f} ms, 30 lines in order", flush=True)


async def resumes(ada, ben):
    """Signalling breaks; the same session goes on, and the picture with it."""
    sid = await ada.page.evaluate("() => window.assay.room.sid")
    before = await ben.page.evaluate(INBOUND, ["ada", "video", CAMERA])
    await ada.page.evaluate("() => window.assay.room.socket.close()")
    await ada.until(
        "the session", """() => {
          const { room } = window.assay;
          return room.reconnects === 1 && room.state === 'connected';
        }""")
    await asyncio.sleep(2)
    after = await ben.page.evaluate(INBOUND, ["ada", "video", CAMERA])
    frames = after["framesDecoded"] - before["framesDecoded"]
    assert sid == await ada.page.evaluate("() => window.assay.room.sid"), "a new session"
    assert frames >= 10, f"{frames} frames in the 2 s after"
    assert await observed(ada, ben, "mute", "muted") and await observed(ada, ben, "mute", "unmuted")
    print(f"resumed, {frames} frames in the 2 s after", flush=True)


async def shares(ada, ben):
    await observed(ada, ben, "share", "sharing")
    _, first = await ben.until("a screen", INBOUND, ["ada", "video", SCREEN])
    await ben.until(
        "the screen's frames", f"async (args) => ((await ({INBOUND})(args))?.framesDecoded ?? 0) > 2",
        ["ada", "video", SCREEN])
    camera = await ben.page.evaluate(INBOUND, ["ada", "video", CAMERA])
    tiles = await ben.page.locator(".tile").count()
    assert camera and tiles == 3, f"{tiles} tiles"
    await asyncio.sleep(1)
    after = await ben.page.evaluate(INBOUND, ["ada", "video", CAMERA])
    assert after["framesDecoded"] > camera["framesDecoded"], "the camera stopped for the screen"
    await ada.page.click("#share")
    await ben.until("the end of the screen", "() => document.querySelectorAll('.tile').length === 2")
    print("the screen is seen beside the camera, and goes", flush=True)


async def main(url):
    async with browser() as one, browser() as two:
        ada, ben = await both(Person.open(one, url, "ada"), Person.open(two, url, "ben"))
        tokens = await both(token("ada"), token("ben"))
        try:
            await both(ada.join(tokens[0]), ben.join(tokens[1]))
            await sees(ada, ben)
            await both(hears(ada, "ben"), hears(ben, "ada"))
            await mutes(ada, ben)
            await chats(ada, ben)
            await resumes(ada, ben)
            await shares(ada, ben)
            delay = await observed(ada, ben, "camera-off", "dark")
            print(f"camera off is seen after {delay:.0f} ms", flush=True)
            delay = await observed(ada, ben, "leave", "gone")
            await ben.until("one tile", "() => document.querySelectorAll('.tile').length === 1")
            print(f"leaving is seen after {delay:.0f} ms", flush=True)
            assert not ada.errors and not ben.errors, ada.errors + ben.errors
            print("MET", flush=True)
        except BaseException:
            print(ada.errors, ben.errors, flush=True)
            raise


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
