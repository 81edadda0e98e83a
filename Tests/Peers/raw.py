"""HTTP, WebSockets and LiveKit's messages by hand, on the standard library alone: what no SDK would send."""

import base64
import hashlib
import hmac
import json
import os
import socket
import struct
import time

KEY, SECRET = os.environ.get("LIVEKIT_API_KEY", "devkey"), os.environ.get("LIVEKIT_API_SECRET", "secret")


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(identity="eve", room="algebra", secret=None, key=None, algorithm="HS256", **claims):
    grant = {"roomJoin": True, "room": room} if room is not None else {"roomJoin": True}
    body = {
        "iss": key or KEY, "sub": identity, "nbf": int(time.time()) - 5,
        "exp": int(time.time()) + 600, "video": grant, **claims}
    signed = ".".join(
        b64(json.dumps(part).encode()) for part in ({"alg": algorithm, "typ": "JWT"}, body))
    digest = hmac.new((secret or SECRET).encode(), signed.encode(), hashlib.sha256).digest()
    return signed + "." + (b64(digest) if algorithm != "none" else "")


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def http(port, request, body=b""):
    """The status and body of an answer; the request line and fields as they are."""
    with connect(port) as sock:
        sock.sendall(request.encode() + b"\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        answer = b""
        while more := sock.recv(65536):
            answer += more
    head, _, rest = answer.partition(b"\r\n\r\n")
    return (int(head.split()[1]) if head else None), rest.decode(errors="replace")


class WebSocket:
    """A signalling stream; `status` is 101 where it was accepted, `refusal` what was said otherwise."""

    def __init__(self, port, bearer, query="", receive_buffer=None, head=""):
        self.sock = socket.socket()
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(10)
        self.sock.connect(("127.0.0.1", port))
        self.sock.sendall((
            f"GET /rtc?access_token={bearer}{query} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{head}\r\n").encode())
        self.buffer = b""
        while b"\r\n\r\n" not in self.buffer:
            self.buffer += self.sock.recv(4096)
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        self.status = int(head.split()[1])
        self.closed = None

    def send(self, payload, opcode=2):
        size = len(payload)
        head = bytes([0x80 | opcode])
        if size < 126:
            head += bytes([0x80 | size])
        elif size < 65536:
            head += bytes([0x80 | 126]) + struct.pack(">H", size)
        else:
            head += bytes([0x80 | 127]) + struct.pack(">Q", size)
        # A mask of zeros leaves the payload as it is.
        self.sock.sendall(head + bytes(4) + payload)

    def read(self, count):
        while len(self.buffer) < count:
            more = self.sock.recv(65536)
            if not more:
                raise ConnectionError
            self.buffer += more
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def receive(self):
        """The next message, or None once it is closed; pings are answered."""
        while True:
            try:
                first, size = self.read(2)
                if size == 126:
                    size = struct.unpack(">H", self.read(2))[0]
                elif size == 127:
                    size = struct.unpack(">Q", self.read(8))[0]
                payload = self.read(size)
            except OSError:
                self.closed = self.closed or "lost"
                return None
            if first & 15 == 8:
                self.closed = struct.unpack(">H", payload[:2])[0] if payload else 1005
                return None
            if first & 15 == 9:
                self.send(payload, 10)
            elif first & 15 == 2:
                return payload

    def until(self, field):
        """The first message that is this member of SignalResponse; None where it closes before."""
        while (message := self.receive()) is not None:
            if fields(message)[:1] == [field]:
                return message
        return None

    def alive(self):
        """Whether a ping is still answered."""
        try:
            self.send(member(16, varint(1, int(time.time()))))
        except OSError:
            return False
        return self.until(20) is not None


# Protocol buffers: as much as is needed.


def number(value):
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def varint(field, value):
    return number(field << 3) + number(value)


def member(field, payload):
    payload = payload.encode() if isinstance(payload, str) else payload
    return number(field << 3 | 2) + number(len(payload)) + payload


def fields(message):
    """The numbers of a message's fields of bytes."""
    found, at = [], 0

    def take():
        nonlocal at
        value, shift = 0, 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(message):
        tag = take()
        found.append(tag >> 3)
        if tag & 7 == 2:
            size = take()
            at += size
        elif tag & 7 == 0:
            take()
        else:
            break
    return found
