#!/usr/bin/env python3
"""A byte-scripted TCP/TLS peer: it says exactly what a test tells it to, right or wrong.

usage: peer.py SCRIPT.json LOG
SCRIPT: {"tls": {"cert":, "key":, "ca":}?, "host": "::"?, "port": n?, "connections": [[step, …], …], "repeat": true?}
The nth connection runs the nth list of steps; with "repeat" later ones run the last list again, else they are closed.
One that is closed again before it has said anything (a client that only looks up an address) isn't counted.
Prints `PORT n PID p`, then serves until it is killed. LOG gets a line for everything that was seen.

Steps, each a list whose first item is its name:
  expect TEXT            read until TEXT has come
  request                read one HTTP request, body included; its first line goes to the log
  send TEXT              write bytes (latin-1)
  send_slowly TEXT N MS  N bytes at a time, MS milliseconds apart
  flood TEXT N           write TEXT N times
  http STATUS HEADERS BODY   an HTTP response with Content-Length; HEADERS is an object
  gzip PREFIX N SUFFIX   an HTTP response with a body of PREFIX, N times 'x' and SUFFIX, compressed
  half_close, close, reset   shut down writing; close; close with RST
  wait                   until the other side closes
  ws_accept PROTOCOL     answer the upgrade (null: choose none)
  ws_expect TEXT         read frames until one has TEXT in it; the log gets its text
  ws_pong                read frames until a pong
  ws_start               read frames until a start or subscribe; remembers its id
  ws_send TEXT           a text frame; %ID% is the id remembered last, %ID1% the first one, …, %N% the number of the connection
  ws_flood TEXT N        TEXT N times, %I% is 1, 2, …; the log tells once when the other side doesn't read for 100 ms
  ws_press TEXT N        the same, but until the other side didn't read for 100 ms, and N times more
  ws_fill TEXT           TEXT again and again, %I% as above, until the other side does not read for 500 ms
  ws_fragments TEXT N    a text message in fragments of N bytes
  ws_frame OPCODE TEXT   a frame of any kind
  ws_big PREFIX N SUFFIX a text message of PREFIX, N times 'x', SUFFIX
  ws_close CODE REASON   a close frame
  log TEXT               a line for the log
In the body of `http`, in its headers and in the texts of `ws_send` and `ws_close`, %HEADERS% is the last request's head
and %FRAME% the frame that was read last, both as in a string of JSON.
"""
import base64
import gzip
import hashlib
import itertools
import json
import os
import select
import socket
import ssl
import struct
import sys
import threading
import time

script = json.load(open(sys.argv[1]))
log_file = open(sys.argv[2], "a", buffering=1)
lock = threading.Lock()


def log(text):
    with lock:
        log_file.write(text.replace("\r", "\\r").replace("\n", "\\n") + "\n")


class Gone(Exception):
    """The other side has closed."""


class Connection:
    def __init__(self, sock, number):
        self.sock, self.number = sock, number
        self.buffer, self.sub_ids = b"", []
        self.key, self.seen = "", {"%HEADERS%": "", "%FRAME%": ""}

    def fill(self):
        data = self.sock.recv(65536)
        if not data:
            raise Gone()
        self.buffer += data

    def until(self, mark):
        while mark not in self.buffer:
            self.fill()
        at = self.buffer.index(mark) + len(mark)
        taken, self.buffer = self.buffer[:at], self.buffer[at:]
        return taken

    def take(self, n):
        while len(self.buffer) < n:
            self.fill()
        taken, self.buffer = self.buffer[:n], self.buffer[n:]
        return taken

    def expect(self, text):
        self.until(text.encode("latin-1"))

    def request(self):
        head = self.until(b"\r\n\r\n").decode("latin-1")
        lines = head.split("\r\n")
        headers = {l.split(":", 1)[0].lower(): l.split(":", 1)[1].strip() for l in lines[1:] if ":" in l}
        body = self.take(int(headers.get("content-length", "0")))
        self.key = headers.get("sec-websocket-key", self.key)
        self.seen["%HEADERS%"] = json.dumps(head)[1:-1]
        log("request %d %s" % (self.number, lines[0]))
        for name, value in headers.items():
            log("header %d %s: %s" % (self.number, name, value))
        log("body %d %s" % (self.number, body.decode("latin-1")))

    def send(self, text):
        self.sock.sendall(text.encode("latin-1"))

    def send_slowly(self, text, size, ms):
        data = text.encode("latin-1")
        for at in range(0, len(data), size):
            self.sock.sendall(data[at : at + size])
            time.sleep(ms / 1000.0)

    def flood(self, text, times):
        data = text.encode("latin-1")
        for _ in range(times):
            self.sock.sendall(data)

    def echo(self, text):
        for name, value in self.seen.items():
            text = text.replace(name, value)
        return text

    def http(self, status, headers, body):
        body = self.echo(body)
        lines = ["HTTP/1.1 %d Scripted" % status, "Content-Length: %d" % len(body.encode("utf-8"))]
        lines += ["%s: %s" % (name, self.echo(value)) for name, value in headers.items()]
        self.sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body.encode("utf-8"))

    def gzip(self, prefix, times, suffix):
        body = gzip.compress(prefix.encode() + b"x" * times + suffix.encode())
        head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
        self.sock.sendall(head.encode() + body)

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)

    def close(self):
        raise Gone()

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Gone()

    def wait(self):
        while True:
            self.fill()

    def ws_accept(self, protocol):
        self.request()
        digest = hashlib.sha1((self.key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
        text = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        text += "Sec-WebSocket-Accept: %s\r\n" % base64.b64encode(digest).decode()
        if protocol is not None:
            text += "Sec-WebSocket-Protocol: %s\r\n" % protocol
        self.send(text + "\r\n")

    def read_frame(self):
        first, second = self.take(2)
        length = second & 127
        if length == 126:
            (length,) = struct.unpack(">H", self.take(2))
        elif length == 127:
            (length,) = struct.unpack(">Q", self.take(8))
        mask = self.take(4) if second & 128 else b"\0\0\0\0"
        data = bytes(b ^ mask[i & 3] for i, b in enumerate(self.take(length)))
        opcode = first & 15
        if opcode == 8:
            log("close %d %s" % (self.number, struct.unpack(">H", data[:2])[0] if len(data) > 1 else "-"))
            raise Gone()
        if opcode == 10:
            log("pong %d %s" % (self.number, data.decode("latin-1")))
        self.seen["%FRAME%"] = json.dumps(data.decode("utf-8", "replace"))[1:-1]
        return opcode, data.decode("utf-8", "replace")

    def ws_pong(self):
        while self.read_frame()[0] != 10:
            pass

    def ws_expect(self, text):
        while True:
            _, data = self.read_frame()
            log("frame %d %s" % (self.number, data))
            if text in data:
                return data

    def ws_start(self):
        while True:
            _, data = self.read_frame()
            log("frame %d %s" % (self.number, data))
            message = json.loads(data)
            if message.get("type") in ("start", "subscribe"):
                self.sub_ids.append(message["id"])
                return

    def fill_in(self, text):
        for i, sub_id in enumerate(self.sub_ids):
            text = text.replace("%%ID%d%%" % (i + 1), sub_id)
        text = self.echo(text.replace("%ID%", self.sub_ids[-1] if self.sub_ids else ""))
        return text.replace("%N%", str(self.number)).encode("utf-8")

    def frame(self, opcode, data, fin=True):
        head = bytes([(128 if fin else 0) | opcode])
        if len(data) < 126:
            head += bytes([len(data)])
        elif len(data) < 65536:
            head += bytes([126]) + struct.pack(">H", len(data))
        else:
            head += bytes([127]) + struct.pack(">Q", len(data))
        self.sock.sendall(head + data)

    def ws_send(self, text):
        self.frame(1, self.fill_in(text))

    def flood_frames(self, text, times, after_block):
        filled = self.fill_in(text)
        is_blocked = False
        for i in itertools.count(1):
            if not is_blocked and not select.select([], [self.sock], [], 0.1)[1]:
                is_blocked = True
                log("blocked %d at %d" % (self.number, i))
                times = i + after_block - 1 if after_block else times
            if times and i > times:
                return
            self.frame(1, filled.replace(b"%I%", str(i).encode()))

    def ws_flood(self, text, times):
        self.flood_frames(text, times, None)

    def ws_press(self, text, after_block):
        self.flood_frames(text, None, after_block)

    def ws_fill(self, text):
        filled = self.fill_in(text)
        self.sock.settimeout(0.5)
        try:
            for i in itertools.count(1):
                self.frame(1, filled.replace(b"%I%", str(i).encode()))
        except socket.timeout:
            log("blocked %d at %d" % (self.number, i))
        self.sock.settimeout(None)

    def ws_fragments(self, text, size):
        data = self.fill_in(text)
        pieces = [data[at : at + size] for at in range(0, len(data), size)]
        for i, piece in enumerate(pieces):
            self.frame(1 if i == 0 else 0, piece, i == len(pieces) - 1)

    def ws_frame(self, opcode, text):
        self.frame(opcode, text.encode("latin-1"))

    def ws_big(self, prefix, size, suffix):
        self.frame(1, self.fill_in(prefix) + b"x" * size + suffix.encode("utf-8"))

    def ws_close(self, code, reason):
        self.frame(8, struct.pack(">H", code) + self.echo(reason).encode("utf-8")[:123])

    def log(self, text):
        log(text)

    def run(self, steps):
        try:
            for step in steps:
                getattr(self, step[0])(*step[1:])
            log("done %d" % self.number)
        except (Gone, OSError) as why:
            log("gone %d %s" % (self.number, type(why).__name__))
        finally:
            self.sock.close()


names = {}  # what each TLS client named


def context():
    options = script.get("tls")
    if not options:
        return None
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(options["cert"], options["key"])
    if options.get("ca"):
        made.load_verify_locations(options["ca"])
        made.verify_mode = ssl.CERT_REQUIRED
    made.sni_callback = lambda sock, name, _: names.__setitem__(sock, name or "-")
    return made


def serve(sock, tls):
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        if not sock.recv(1, socket.MSG_PEEK):
            sock.close()
            return
    except OSError:
        sock.close()
        return
    number, steps = choose()
    if steps is None:
        log("surplus %d" % number)
        sock.close()
        return
    if tls:
        try:
            sock = tls.wrap_socket(sock, server_side=True)
        except (ssl.SSLError, OSError) as why:
            log("tls %d %s" % (number, getattr(why, "reason", why)))
            sock.close()
            return
    log("connection %d server name %s" % (number, names.pop(sock, "-")))
    Connection(sock, number).run(steps)


count = 0


def choose():
    """The number of a new connection and its steps."""
    global count
    lists = script["connections"]
    with lock:
        count += 1
        number = count
    if number > len(lists) and not script.get("repeat"):
        return number, None
    return number, lists[min(number, len(lists)) - 1]


host = script.get("host", "127.0.0.1")
listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
if host == "::":
    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
listener.bind((host, script.get("port", 0)))
listener.listen(128)
print("PORT %d PID %d" % (listener.getsockname()[1], os.getpid()), flush=True)
tls_context = context()
while True:
    accepted, _ = listener.accept()
    threading.Thread(target=serve, args=(accepted, tls_context), daemon=True).start()
