"""What a server on the open network gets to see, while somebody sits in a room and must not notice.

    hostile.py PORT CONNECTIONS
"""

import resource
import socket
import sys
import threading
import time

import raw
from raw import WebSocket, http, member, token, varint

OFFER, TRICKLE = 1, 3
LEAVE, UPDATE = 8, 5


class Bystander:
    """Sits in the room and reads whatever comes."""

    def __init__(self, port):
        self.socket = WebSocket(port, token("ben"))
        self.socket.until(1)
        self.pongs, self.lost = 0, False
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        while (message := self.socket.receive()) is not None:
            self.pongs += raw.fields(message)[:1] == [20]
        self.lost = True

    def notices_nothing(self):
        before, end = self.pongs, time.monotonic() + 10
        self.socket.send(member(16, varint(1, 1)))
        while self.pongs == before and not self.lost and time.monotonic() < end:
            time.sleep(0.005)
        return self.pongs > before and not self.lost


def refuse_tokens(port):
    now = int(time.time())
    bad = {
        "wrong secret": token(secret="guess"),
        "unknown key": token(key="nobody"),
        "expired": token(exp=now - 3600),
        "not yet valid": token(nbf=now + 3600),
        "alg none": token(algorithm="none"),
        "no right to join": token(video={"room": "algebra"}),
        "no room": token(room=None),
        "no identity": token(identity=""),
        "no token": "",
        "garbage": "a.b.c",
    }
    for name, text in bad.items():
        status, body = http(port, f"GET /rtc/validate?access_token={text} HTTP/1.1")
        print("token:", name, status, WebSocket(port, text).status, body)
    head = f"\r\nAuthorization: Bearer {token(video={'roomAdmin': True, 'room': 'other'})}"
    status, body = http(
        port, "POST /twirp/livekit.RoomService/ListParticipants HTTP/1.1"
        "\r\nContent-Type: application/json" + head, b'{"room": "algebra"}')
    print("token: of another room", status, body)
    print("whip:", http(port, "POST /whip/v1 HTTP/1.1\r\nContent-Type: application/sdp")[0])


def refuse_requests(port):
    for line in (
        "GET /nope HTTP/1.1", "GET /rtc HTTP/1.1", "GET /rtc/v1/validate HTTP/1.1",
        "DELETE /healthz HTTP/1.1", "BREW /rtc HTTP/1.1", "GET / HTTP/9.9", "\0\1\2",
        "GET /%s HTTP/1.1" % ("a" * 20_000), "POST /twirp/livekit.RoomService/Nope HTTP/1.1",
    ):
        print("request:", repr(line[:40]), http(port, line)[0])


def refuse_messages(port):
    def joined():
        stream = WebSocket(port, token())
        stream.until(1)
        return stream

    description = member(1, "offer") + member(2, "v=0\r\nnonsense")
    for name, payload in (
        ("garbage", b"\xff" * 100),
        ("three megabytes", bytes(3_000_000)),
        ("malformed offer", member(OFFER, description)),
        ("empty offer", member(OFFER, b"")),
    ):
        stream = joined()
        try:
            stream.send(payload)
        except OSError:
            pass
        left = stream.until(LEAVE) is not None
        while stream.closed is None:
            stream.receive()
        print("message:", name, "leave" if left else "no leave", "closed", stream.closed)
    stream = joined()
    for candidate in ("{}", "nonsense", '{"candidate": "candidate:x y z"}', '{"candidate": 7}'):
        stream.send(member(TRICKLE, member(1, candidate)))
    stream.send(member(99, b"what nobody knows yet"))
    stream.send(b"")
    print("message: malformed candidates", "alive" if stream.alive() else "dead")
    stream.sock.close()


def starve_a_slow_reader(port):
    """It pings and reads nothing, while somebody changes 60 kB of metadata again and again."""
    slow = WebSocket(port, token("slow"), receive_buffer=4096)
    grants = {"roomJoin": True, "room": "algebra", "canUpdateOwnMetadata": True}
    loud = WebSocket(port, token("loud", video=grants))
    loud.until(1)
    change = member(15, member(1, b"x" * 60_000))
    for _ in range(24):
        loud.send(change)
        loud.until(22)
    print("slow reader: others alive", loud.alive())
    loud.sock.close()
    ping = (bytes([0x89, 0x80 | 125]) + bytes(4) + bytes(125)) * 500
    try:
        for _ in range(1_000):
            slow.sock.sendall(ping)
        print("slow reader: takes 65 MB of pings")
    except OSError:
        pass
    while slow.closed is None:
        slow.receive()
    print("slow reader: closed", slow.closed)


def hold_connections(port, wanted):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    held = []
    for _ in range(min(wanted, hard - 200)):
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex(("127.0.0.1", port))
        held.append(sock)
    begun = time.monotonic()
    late = WebSocket(port, token("late"))
    joined = late.status == 101 and late.until(1) is not None
    print("half-open:", len(held), "joined", joined, "in time", time.monotonic() - begun < 5)
    for sock in held:
        sock.close()
    late.sock.close()


def main(port, connections):
    ben = Bystander(port)
    for attack in refuse_tokens, refuse_requests, refuse_messages, starve_a_slow_reader:
        attack(port)
        print("bystander after", attack.__name__, ben.notices_nothing())
    hold_connections(port, connections)
    print("bystander after hold_connections", ben.notices_nothing())


main(*map(int, sys.argv[1:]))
