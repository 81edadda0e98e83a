"""A viewer's downlink shrinks to 400 kbps and is freed: the layer goes down and comes back up."""

import asyncio
import sys

from layers import RESIZE, WATCH, decoding, sends_three, watching
from page import CAMERA, INBOUND

NARROWER = f"async (args) => {{ const {{ frameWidth }} = (await ({INBOUND})(args)) ?? {{}}; " \
           "return frameWidth && frameWidth < 960; }"

BYTES = f"async (args) => (await ({INBOUND})(args))?.bytesReceived"


async def main(url):
    async with watching(url) as (ada, ben):
        if not await sends_three(ada, ben):
            return
        await ben.page.evaluate(RESIZE, ["ada", 960])
        await ben.until("the highest layer", decoding(960), ["ada", "video", CAMERA])
        await ben.page.evaluate(WATCH, "ada")
        camera = ["ada", "video", CAMERA]
        await ben.page.select_option("#link", "narrow")
        down, _ = await ben.until("a lower layer", NARROWER, camera, timeout=20)
        await asyncio.sleep(3)
        bytes_before = await ben.page.evaluate(BYTES, camera)
        narrow = await ben.page.evaluate(INBOUND, camera)
        await asyncio.sleep(5)
        rate = (await ben.page.evaluate(BYTES, camera) - bytes_before) * 8 / 5000
        later = await ben.page.evaluate(INBOUND, camera)
        frames = later["framesDecoded"] - narrow["framesDecoded"]
        await ben.page.select_option("#link", "home")
        up, _ = await ben.until("the highest layer again", decoding(960), camera, timeout=30)
        await asyncio.sleep(1)
        seen = await ben.page.evaluate("() => window.seen")
        late = await ben.page.evaluate("() => window.lateness")
        print(f"down after {down:.1f} s, {later['frameWidth']} pixels and {frames} frames in 5 s at "
              f"{rate:.0f} kbps, up after {up:.1f} s; {seen['frames']} frames shown, "
              f"{seen['broken']} unreadable, {seen['back']} backwards, longest gap "
              f"{seen['longest']:.0f} ms, timers at most {late:.0f} ms late", flush=True)
        assert rate < 400 and frames > 25, "the link was not kept to, or nothing moved"
        assert seen["broken"] == 0 and seen["back"] == 0, seen
        print("ADAPTED", flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
