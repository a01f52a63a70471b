#!/usr/bin/env python3
"""An HTTP proxy: CONNECT and forwarding of plain requests.

usage: proxy.py LOG [--auth USER:PASSWORD] [--refuse STATUS] [--to PORT] [--host ADDRESS]
Prints `PORT n PID p`, then serves until it is killed. LOG gets a line for everything that it was asked for:
  connect HOST:PORT, forward METHOD URL, unauthorized, refused
--auth: Basic credentials that it asks for (407); --refuse: it answers CONNECT and requests with this status;
--to: everything goes to this port of 127.0.0.1, whatever it was asked for; --host: where it listens.
"""
import base64
import os
import socket
import sys
import threading
from urllib.parse import urlsplit

log_file = open(sys.argv[1], "a", buffering=1)
options = dict(zip(sys.argv[2::2], sys.argv[3::2]))
lock = threading.Lock()


def log(text):
    with lock:
        log_file.write(text + "\n")


def pump(source, target):
    try:
        while True:
            data = source.recv(65536)
            if not data:
                break
            target.sendall(data)
    except OSError:
        pass
    for sock, how in ((target, socket.SHUT_WR), (source, socket.SHUT_RD)):
        try:
            sock.shutdown(how)
        except OSError:
            pass


def join(client, server):
    back = threading.Thread(target=pump, args=(server, client), daemon=True)
    back.start()
    pump(client, server)
    back.join()
    server.close()


def reach(host, port):
    if "--to" in options:
        host, port = "127.0.0.1", int(options["--to"])
    return socket.create_connection((host.strip("[]"), port))


def answer(client, status, headers=""):
    client.sendall(("HTTP/1.1 %d Proxy\r\n%sContent-Length: 0\r\n\r\n" % (status, headers)).encode())


def read_head(client):
    data = b""
    while b"\r\n\r\n" not in data:
        more = client.recv(65536)
        if not more:
            return None, b""
        data += more
    head, rest = data.split(b"\r\n\r\n", 1)
    return head.decode("latin-1").split("\r\n"), rest


def is_authorized(lines):
    wanted = options.get("--auth")
    if wanted is None:
        return True
    header = "proxy-authorization: basic " + base64.b64encode(wanted.encode()).decode()
    return any(line.lower() == header.lower() and line.endswith(header[27:]) for line in lines)


def forward(client, lines, rest):
    method, url, version = lines[0].split(" ", 2)
    parts = urlsplit(url)
    log("forward %s %s" % (method, url))
    path = (parts.path or "/") + ("?" + parts.query if parts.query else "")
    kept = [line for line in lines[1:] if not line.lower().startswith("proxy-")] + ["Connection: close"]
    server = reach(parts.hostname, parts.port or 80)
    server.sendall(("\r\n".join(["%s %s %s" % (method, path, version)] + kept) + "\r\n\r\n").encode("latin-1") + rest)
    join(client, server)


def serve(client):
    try:
        lines, rest = read_head(client)
        if lines is None:
            return
        if not is_authorized(lines):
            log("unauthorized")
            answer(client, 407, 'Proxy-Authenticate: Basic realm="test"\r\n')
        elif "--refuse" in options:
            log("refused")
            answer(client, int(options["--refuse"]))
        elif lines[0].startswith("CONNECT "):
            target = lines[0].split(" ")[1]
            log("connect " + target)
            host, port = target.rsplit(":", 1)
            server = reach(host, int(port))
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            server.sendall(rest)
            join(client, server)
        else:
            forward(client, lines, rest)
    except OSError as why:
        log("error %s" % type(why).__name__)
    finally:
        client.close()


address = options.get("--host", "127.0.0.1")
listener = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind((address, 0))
listener.listen(64)
print("PORT %d PID %d" % (listener.getsockname()[1], os.getpid()), flush=True)
while True:
    accepted, _ = listener.accept()
    threading.Thread(target=serve, args=(accepted,), daemon=True).start()
