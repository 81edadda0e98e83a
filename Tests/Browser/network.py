"""A participant chooses another network on the page, and the call shows it."""

import asyncio
import sys

from page import CAMERA, INBOUND, Person, browser, token

# The candidate pair's own measure of the round trip, over the publisher's transport.
ROUND_TRIP = """
async () => {
  for (const entry of (await window.assay.room.call.publisher.getStats()).values()) {
    if (entry.type === 'candidate-pair' && entry.nominated && entry.responsesReceived > 0) {
      return entry.currentRoundTripTime;
    }
  }
  return 0;
}
"""

LOST = "() => document.querySelector('[data-direction=\"down\"] .lost').textContent"


async def main(url):
    async with browser() as one, browser() as two:
        ada, ben = await asyncio.gather(
            Person.open(one, url, "ada"), Person.open(two, url, "ben"))
        tokens = await asyncio.gather(token("ada"), token("ben"))
        await ada.join(tokens[0], microphone="none")
        await ben.join(tokens[1], microphone="none")
        await ben.until("a picture", INBOUND, ["ada", "video", CAMERA])
        link = await ben.page.input_value("#link")
        assert link == "home", link
        _, before = await ben.until("a round trip", ROUND_TRIP)
        await ben.page.select_option("#link", "high-rtt")
        await ben.until(
            "the longer round trip", f"async () => (await ({ROUND_TRIP})()) >= 0.29")
        after = await ben.page.evaluate(ROUND_TRIP)
        # 2 x 10 ms become 2 x 150 ms; what comes on top is this machine's.
        assert before >= 0.019 and after >= 0.295, (before, after)
        print(f"round trip {1000 * before:.0f} ms over fibre, {1000 * after:.0f} ms over high-rtt",
              flush=True)
        assert await ada.page.evaluate(ROUND_TRIP) < 0.29, "ada's network changed as well"
        await ben.page.select_option("#link", "lossy-wifi")
        await ben.until("loss", f"() => parseFloat(({LOST})()) > 0")
        decoded = await ben.page.evaluate(INBOUND, ["ada", "video", CAMERA])
        await asyncio.sleep(2)
        later = await ben.page.evaluate(INBOUND, ["ada", "video", CAMERA])
        frames = later["framesDecoded"] - decoded["framesDecoded"]
        assert frames >= 10, f"{frames} frames in 2 s over lossy-wifi"
        print(f"over lossy-wifi {await ben.page.evaluate(LOST)} lost, {frames} frames in 2 s; "
              f"{await ben.page.text_content('.lag')}", flush=True)
        assert not ada.errors and not ben.errors, ada.errors + ben.errors
        print("CHOSEN", flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
