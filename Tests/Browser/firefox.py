"""Headless Firefox by Marionette: it reads the answers to its own offers over WHIP and sends what they
take; two people meet over the page.

Firefox offers loopback candidates in some builds only. Without one nothing reaches a server on loopback,
so that only the answers are judged."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

from marionette_driver.marionette import Marionette

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
ROOM = "algebra"

PREFERENCES = {
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "dom.min_background_timeout_value": 4,
    "media.autoplay.default": 0,
    "media.devices.insecure.enabled": True,
    "media.getusermedia.insecure.enabled": True,
    "media.gmp-manager.updateEnabled": False,
    "media.navigator.permission.disabled": True,
    "media.navigator.streams.fake": True,
    "media.peerconnection.ice.loopback": True,
    "media.peerconnection.ice.obfuscate_host_addresses": False,
    "network.captive-portal-service.enabled": False,
}

# Without a capture Firefox uses the address of the default route alone, from which no packet reaches
# loopback (draft-ietf-rtcweb-ip-handling).
JOIN = """
const [name, room, token, done] = arguments;
const byId = (id) => document.getElementById(id);
byId('name').value = name;
byId('room').value = room;
byId('camera').value = 'picture';
byId('microphone').value = 'tone';
byId('token-row').hidden = false;
byId('token').value = token;
navigator.mediaDevices.getUserMedia({ audio: true, video: true }).then((stream) => {
  window.held = stream;
  document.querySelector('#join button').click();
  done({});
}).catch((error) => done({ error: String(error) }));
"""

# Of everybody else's tracks: the kind, what was decoded, and what was heard.
RECEIVED = """
const done = arguments[0];
(async () => {
  const { room } = (window.wrappedJSObject || window).assay;
  const found = {};
  for (const media of room.media.values()) {
    for (const entry of (await media.receiver.getStats()).values()) {
      if (entry.type !== 'inbound-rtp') continue;
      found[entry.kind] = entry.kind === 'video' ? entry.framesDecoded || 0 : entry.packetsReceived;
    }
  }
  done(found);
})().catch((error) => done({ error: String(error) }));
"""

WHIP = """
const [token, kind, done] = arguments;
(async () => {
  const stream = await navigator.mediaDevices.getUserMedia(
    { audio: true, video: { width: 1280, height: 720 } });
  const pc = new RTCPeerConnection();
  pc.addTransceiver(stream.getVideoTracks()[0], {
    direction: 'sendonly',
    sendEncodings: kind !== 'simulcast' ? undefined : [
      { rid: 'h' }, { rid: 'm', scaleResolutionDownBy: 2 }, { rid: 'l', scaleResolutionDownBy: 4 },
    ],
  });
  pc.addTransceiver(stream.getAudioTracks()[0], { direction: 'sendonly' });
  if (kind === 'data') pc.createDataChannel('unused');
  await pc.setLocalDescription();
  await new Promise((resolve) => {
    if (pc.iceGatheringState === 'complete') return resolve();
    pc.onicegatheringstatechange = () => pc.iceGatheringState === 'complete' && resolve();
    setTimeout(resolve, 5000);
  });
  const response = await fetch(location.origin + '/whip/v1', {
    method: 'POST', body: pc.localDescription.sdp,
    headers: { 'content-type': 'application/sdp', authorization: 'Bearer ' + token },
  });
  const text = await response.text();
  if (response.status !== 201) return done({ error: response.status + ' ' + text });
  await pc.setRemoteDescription({ type: 'answer', sdp: text });
  window.whip = pc;
  done({
    directions: pc.getTransceivers().map((transceiver) => transceiver.currentDirection),
    rids: pc.getSenders()[0].getParameters().encodings.map((encoding) => encoding.rid || ''),
    loopback: /a=candidate:.* 127\\.0\\.0\\.1 /.test(pc.localDescription.sdp),
  });
})().catch((error) => done({ error: String(error) }));
"""

SENT = """
const done = arguments[0];
window.whip.getStats().then((stats) => {
  const sent = {};
  stats.forEach((entry) => {
    if (entry.type !== 'outbound-rtp' || entry.kind !== 'video') return;
    sent[entry.rid] = entry.framesSent || entry.framesEncoded || 0;
  });
  done(sent);
});
"""


def token(identity):
    words = ["token", "create", "--dev", "--identity", identity, "--room", ROOM]
    output = subprocess.run(
        [os.environ["ASSAY"], *words], capture_output=True, text=True, check=True)
    return output.stdout.strip().splitlines()[-1]


@contextlib.contextmanager
def firefox():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="firefox") as profile:
        with open(profile + "/user.js", "w") as file:
            for name, value in {**PREFERENCES, "marionette.port": port}.items():
                text = json.dumps(value)
                file.write(f'user_pref("{name}", {text});\n')
        process = subprocess.Popen(
            [FIREFOX, "--headless", "--no-remote", "--marionette", "--profile", profile],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": profile})
        try:
            driver = Marionette(host="127.0.0.1", port=port)
            driver.raise_for_port(timeout=180)
            driver.start_session()
            driver.timeout.script = 30
            yield driver
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def run(driver, script, *words):
    """What `script` calls its last argument with; windows keep what scripts put there."""
    return driver.execute_async_script(script, script_args=list(words), new_sandbox=False)


def until(what, look, seconds=40):
    end = time.monotonic() + seconds
    while True:
        found = look()
        if "error" in found:
            raise AssertionError(found["error"])
        if found.get("ready"):
            return
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s for {what}: {found}")
        time.sleep(0.2)


def meets(driver, url):
    """Each of two decodes the other's picture and gets its sound."""
    first = driver.current_window_handle
    second = driver.open(type="window", focus=True)["handle"]
    for window, name in ((first, "ada"), (second, "ben")):
        driver.switch_to_window(window)
        driver.navigate(url)
        found = run(driver, JOIN, name, ROOM, token(name))
        assert "error" not in found, found
    for window, name in ((first, "ada"), (second, "ben")):
        driver.switch_to_window(window)

        def look():
            found = run(driver, RECEIVED)
            found["ready"] = found.get("video", 0) > 30 and found.get("audio", 0) > 50
            return found

        until(f"{name}'s view", look)
        print(f"{name} sees and hears", flush=True)
    driver.switch_to_window(second)
    driver.close()
    driver.switch_to_window(first)
    driver.navigate("about:blank")


def reads(driver, url):
    """Firefox takes the answers to three kinds of its offers. Returns whether media can follow."""
    for kind in ("plain", "data", "simulcast"):
        driver.navigate(url)
        found = run(driver, WHIP, token("cleo"), kind)
        assert "error" not in found, found
        assert found["directions"] == ["sendonly", "sendonly"], found
        assert found["rids"] == (["h", "m", "l"] if kind == "simulcast" else [""]), found
        print(f"{kind}: the answer is taken", flush=True)
    return found["loopback"]


def publishes(driver):
    """All of the layers that the answer took are sent."""
    def look():
        sent = run(driver, SENT)
        return {**sent, "ready": all(sent.get(rid, 0) > 10 for rid in "hml")}

    until("three layers", look)
    print("three layers are sent", flush=True)


def main(url):
    with firefox() as driver:
        has_loopback = reads(driver, url + "/")
        print("READ", flush=True)
        if not has_loopback:
            print("INCONCLUSIVE: this Firefox has no candidate on loopback", flush=True)
            return
        publishes(driver)
        meets(driver, url + "/")
    print("MET", flush=True)


main(sys.argv[1])
