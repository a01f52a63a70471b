#!/usr/bin/env python3
"""An HTTP/2 server over TLS that misbehaves (RFC 9113): `http2_peer.py CERT KEY KIND`; prints `PORT n PID p`.

KIND: empty_data   answers each request and sends DATA frames of no bytes for ever
      mixed        likewise, with a byte among 60,000 of them
      priority     sends PRIORITY frames for ever, and no answer
      window       leaves the peer no room to send a body into, and no answer
      answer       a good answer: {"data":{"a":1}}
"""
import os
import socket
import ssl
import struct
import sys
import threading

HEADERS, DATA, PRIORITY, SETTINGS, WINDOW_UPDATE = 1, 0, 2, 4, 8
BODY = b'{"data":{"a":1}}'


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


FLOODS = {
    "empty_data": lambda stream: frame(HEADERS, 4, stream, b"\x88") + frame(DATA, 0, stream) * 1500,
    # one byte for the transfer now and then
    "mixed": lambda stream: frame(HEADERS, 4, stream, b"\x88") + frame(DATA, 0, stream) * 60000 + frame(DATA, 0, stream, b"x"),
    "priority": lambda stream: frame(PRIORITY, 0, stream, struct.pack(">IB", 0, 15)) * 1000,
}


def take(sock, n):
    data = b""
    while len(data) < n:
        more = sock.recv(n - len(data))
        if not more:
            raise OSError("closed")
        data += more
    return data


def serve(sock, tls, kind):
    try:
        sock = tls.wrap_socket(sock, server_side=True)
        take(sock, 24)
        room = 0 if kind == "window" else 1 << 24
        sock.sendall(frame(SETTINGS, 0, 0, struct.pack(">HI", 4, room)))
        sock.sendall(frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1 << 30)))
        while True:
            head = take(sock, 9)
            length, what, flags = struct.unpack(">I", b"\0" + head[:3])[0], head[3], head[4]
            stream = struct.unpack(">I", head[5:])[0] & 0x7FFFFFFF
            take(sock, length)
            if what == SETTINGS and not flags & 1:
                sock.sendall(frame(SETTINGS, 1, 0))
            elif what == HEADERS and kind in FLOODS:
                first = FLOODS[kind](stream)
                sock.sendall(first)
                rest = first if kind == "priority" else first[10:]
                while True:
                    sock.sendall(rest)
            elif what == DATA and flags & 1 and kind == "answer":
                sock.sendall(frame(HEADERS, 4, stream, b"\x88") + frame(DATA, 1, stream, BODY))
    except (OSError, ssl.SSLError):
        pass
    finally:
        sock.close()


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
context.set_alpn_protocols(["h2"])
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(64)
print("PORT %d PID %d" % (listener.getsockname()[1], os.getpid()), flush=True)
while True:
    accepted, _ = listener.accept()
    threading.Thread(target=serve, args=(accepted, context, sys.argv[3]), daemon=True).start()
