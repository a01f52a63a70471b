"""Stands before a server and is there, or isn't: for the soaks of nginx.

flapping.py PORT CONTROL passes connections on to that port of 127.0.0.1, and prints `PORT n`. On CONTROL, a unix socket, each line
is a mode, answered by `ok`:

  up      all is passed on
  refuse  nobody listens; what was open is reset
  reset   what was open is reset, and so is what is accepted
  silent  nothing is passed on, of what is open and of what is accepted
  torn    answers are reset after so many bytes: TORN
  cut     what was open is reset; then as `up`
"""
import os
import selectors
import socket
import struct
import sys

TORN = 150
CHUNK = 65536
FULL = 1 << 20  # of what one side has not taken yet; the other one isn't read meanwhile

upstream, control_path = int(sys.argv[1]), sys.argv[2]
selector = selectors.DefaultSelector()
mode = "up"
pairs = set()
listener = None
# Bound and never listening: nobody else gets the port while nobody listens.
holder = socket.socket()
holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
holder.bind(("127.0.0.1", 0))
address = holder.getsockname()


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


class End:
    """One of a pair's two sockets: what is to be written to it, and whether it has more to read."""

    def __init__(self, sock, pair, is_server):
        self.sock, self.pair, self.is_server = sock, pair, is_server
        self.out, self.is_read_up, self.is_shut, self.n_read, self.mask = b"", False, False, 0, 0
        sock.setblocking(False)

    def handle(self, mask):
        try:
            if mask & selectors.EVENT_WRITE:
                self.out = self.out[self.sock.send(self.out):]
            if mask & selectors.EVENT_READ:
                self.read()
        except BlockingIOError:
            pass
        except OSError:
            self.pair.end()
        self.pair.look()

    def read(self):
        data = self.sock.recv(CHUNK)
        self.n_read += len(data)
        self.is_read_up = not data
        if self.is_server and mode == "torn" and self.n_read > TORN:
            self.other.sock.send(data[:TORN])
            raise ConnectionResetError
        self.other.out += data

    def look(self):
        if self.other.is_read_up and not self.out and not self.is_shut:
            self.is_shut = True
            try:
                self.sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass
        wanted = 0
        if mode != "silent":
            wanted |= selectors.EVENT_WRITE if self.out else 0
            wanted |= 0 if self.is_read_up or len(self.other.out) > FULL else selectors.EVENT_READ
        if wanted == self.mask:
            return
        if not self.mask:
            selector.register(self.sock, wanted, self.handle)
        elif not wanted:
            selector.unregister(self.sock)
        else:
            selector.modify(self.sock, wanted, self.handle)
        self.mask = wanted


class Pair:
    def __init__(self, client):
        server = socket.socket()
        server.setblocking(False)
        server.connect_ex(("127.0.0.1", upstream))
        self.ends = [End(client, self, False), End(server, self, True)]
        self.ends[0].other, self.ends[1].other = self.ends[1], self.ends[0]
        pairs.add(self)
        self.look()

    def look(self):
        if self not in pairs:
            return
        for end in self.ends:
            end.look()
        if all(end.is_shut for end in self.ends):
            self.end()

    def end(self):
        if self not in pairs:
            return
        pairs.discard(self)
        for end in self.ends:
            if end.mask:
                selector.unregister(end.sock)
            reset(end.sock)


def accept(_):
    client, _ = listener.accept()
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if mode == "reset":
        reset(client)
    else:
        Pair(client)


def listen(wanted):
    global listener
    if wanted and not listener:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
        selector.register(listener, selectors.EVENT_READ, accept)
    elif listener and not wanted:
        selector.unregister(listener)
        listener.close()
        listener = None


def change(wanted):
    global mode
    mode = "up" if wanted == "cut" else wanted
    listen(mode != "refuse")
    for pair in list(pairs):
        if wanted in ("refuse", "reset", "cut"):
            pair.end()
        else:
            pair.look()


def obey(connection):
    def read(_):
        line = connection.recv(CHUNK).decode().strip()
        if not line:
            selector.unregister(connection)
            connection.close()
            return
        change(line)
        connection.sendall(b"ok\n")

    return read


def accept_control(_):
    connection, _ = control.accept()
    selector.register(connection, selectors.EVENT_READ, obey(connection))


control = socket.socket(socket.AF_UNIX)
control.bind(control_path)
control.listen(4)
selector.register(control, selectors.EVENT_READ, accept_control)
listen(True)
print("PORT %d" % address[1], flush=True)
os.chdir("/")
while True:
    for key, mask in selector.select():
        if key.fileobj.fileno() >= 0:
            key.data(mask)
