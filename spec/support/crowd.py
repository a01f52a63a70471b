"""Many subscribers of one mutation, each event of each of them counted: for spec/e2e and spec/soak.

python3 crowd.py CONFIG.json connects to an `appsync serve` with a mutation `tick(n: Int!, pad: String)` that feeds a
subscription field `onTick` of the fields n and pad, and prints one line of JSON. The configuration:

  port, key, pid     of the server
  sockets, each      how many connections, and how many subscriptions on each
  paced, burst       how many mutations wait for their last event, and how many don't
  pad                bytes in each event
  slow               how many more connections subscribe once and stop reading
  slow_max           how many mutations follow at most until the server has cut all of these

The result: the seconds that it took to subscribe, the milliseconds from sending a mutation to its last event (median and
worst), events per second of the burst, the server's microseconds of processor time for each event, how many events came, how many were missing, out of order or wrong, how many slow
connections were cut, and the server's resident memory in KiB with all subscribed, after all events, and at its highest.
"""
import base64
import json
import os
import resource
import selectors
import socket
import sys
import time

config = json.load(open(sys.argv[1]))
MASK = b"\0\0\0\0"
GIVE_UP_S = 120


def resident(name):
    for line in open("/proc/%d/status" % config["pid"]):
        if line.startswith(name + ":"):
            return int(line.split()[1])
    return 0


def processor_s():
    fields = open("/proc/%d/stat" % config["pid"]).read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def connect(small=False):
    stream = socket.socket()
    if small:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stream.connect(("127.0.0.1", config["port"]))
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return stream


def text_frame(message):
    data = json.dumps(message).encode()
    head = bytes([0x81])
    if len(data) < 126:
        head += bytes([0x80 | len(data)])
    else:
        head += bytes([0x80 | 126]) + len(data).to_bytes(2, "big")
    return head + MASK + data


class Subscriber:
    def __init__(self, small=False):
        self.stream = connect(small)
        self.buffer = bytearray()
        self.expected = {}
        self.n_acks = 0
        self.problems = []

    def upgrade(self):
        header = base64.urlsafe_b64encode(json.dumps({"host": "h", "x-api-key": config["key"]}).encode()).decode()
        self.stream.sendall((
            "GET /graphql/realtime HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "Sec-WebSocket-Protocol: graphql-ws, header-%s\r\n\r\n" % header.rstrip("=")).encode())
        while b"\r\n\r\n" not in self.buffer:
            self.buffer += self.stream.recv(4096) or sys.exit("the server hung up at the handshake")
        end = self.buffer.index(b"\r\n\r\n") + 4
        if not self.buffer.startswith(b"HTTP/1.1 101"):
            sys.exit("no upgrade: " + self.buffer[:end].decode())
        del self.buffer[:end]

    def start(self, n):
        data = json.dumps({"query": "subscription { onTick { n pad } }", "variables": {}})
        frames = text_frame({"type": "connection_init"})
        for i in range(n):
            name = "s%d" % i
            self.expected[name] = 1
            frames += text_frame({"id": name, "type": "start", "payload": {
                "data": data, "extensions": {"authorization": {"host": "h", "x-api-key": config["key"]}}}})
        self.stream.sendall(frames)

    def take(self):
        """The number of events that were there; None at the end of the stream."""
        try:
            data = self.stream.recv(262144)
        except BlockingIOError:
            return 0
        except ConnectionError:
            return None
        if not data:
            return None
        self.buffer += data
        n_events, at, buffer = 0, 0, self.buffer
        while len(buffer) - at >= 2:
            n, head = buffer[at + 1], 2
            if n == 126:
                n, head = int.from_bytes(buffer[at + 2:at + 4], "big"), 4
            elif n == 127:
                n, head = int.from_bytes(buffer[at + 2:at + 10], "big"), 10
            if len(buffer) - at < head + n:
                break
            n_events += self.message(buffer[at] & 15, bytes(buffer[at + head:at + head + n]))
            at += head + n
        del buffer[:at]
        return n_events

    def message(self, opcode, payload):
        if opcode != 1:
            self.problems.append("frame of opcode %d" % opcode)
            return 0
        message = json.loads(payload)
        kind = message["type"]
        if kind == "start_ack":
            self.n_acks += 1
        elif kind == "data":
            event = message["payload"]["data"]["onTick"]
            wanted = self.expected[message["id"]]
            if event["n"] != wanted or len(event["pad"]) != config["pad"]:
                self.problems.append("%s: %d instead of %d" % (message["id"], event["n"], wanted))
            self.expected[message["id"]] = event["n"] + 1
            return 1
        elif kind not in ("ka", "connection_ack"):
            self.problems.append(payload.decode())
        return 0


class Crowd:
    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.n_events = 0
        self.n_lost = 0
        self.members = [Subscriber() for _ in range(config["sockets"])]
        for member in self.members:
            member.upgrade()
            member.start(config["each"])
            member.stream.setblocking(False)
            self.selector.register(member.stream, selectors.EVENT_READ, member)
        self.n_all = config["sockets"] * config["each"]
        self.until(lambda: sum(member.n_acks for member in self.members) >= self.n_all)

    def step(self, timeout):
        for key, _ in self.selector.select(timeout):
            n = key.data.take()
            if n is None:
                self.n_lost += 1
                self.selector.unregister(key.fileobj)
            else:
                self.n_events += n

    def until(self, test):
        give_up = time.monotonic() + GIVE_UP_S
        while not test() and self.n_lost == 0 and time.monotonic() < give_up:
            self.step(1)


class Mutator:
    def __init__(self):
        self.stream = connect()
        self.n = 0
        self.buffer = b""

    def send(self, pad):
        self.n += 1
        query = "mutation($n: Int!, $pad: String) { tick(n: $n, pad: $pad) { n pad } }"
        body = json.dumps({"query": query, "variables": {"n": self.n, "pad": "x" * pad}})
        self.stream.sendall(("POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nx-api-key: %s\r\nContent-Type: application/json\r\n"
                             "Content-Length: %d\r\n\r\n%s" % (config["key"], len(body), body)).encode())

    def take(self):
        while True:
            head, mark, rest = self.buffer.partition(b"\r\n\r\n")
            if mark:
                at = head.lower().index(b"content-length:") + 15
                n = int(head[at:].split(b"\r\n")[0])
                if len(rest) >= n:
                    self.buffer = rest[n:]
                    return b'"errors"' not in rest[:n]
            self.buffer += self.stream.recv(262144) or sys.exit("the server hung up on a mutation")


def overflow(crowd, mutator, result):
    slow = [Subscriber(small=True) for _ in range(config["slow"])]
    for one in slow:
        one.upgrade()
        one.start(1)
        while one.n_acks == 0:
            one.take()
    crowd.n_events = 0
    n_sent, open_before = 0, sockets_of_server()
    while n_sent < config["slow_max"] and open_before - sockets_of_server() < len(slow):
        mutator.send(config["pad"])
        mutator.take()
        n_sent += 1
        crowd.until(lambda: crowd.n_events >= n_sent * crowd.n_all)
    result["slow_events"] = n_sent
    result["slow_cut"] = open_before - sockets_of_server()
    result["overflow_missing"] = n_sent * crowd.n_all - crowd.n_events


def sockets_of_server():
    folder, n = "/proc/%d/fd/" % config["pid"], 0
    for name in os.listdir(folder):
        try:
            n += os.readlink(folder + name).startswith("socket:")
        except FileNotFoundError:
            pass
    return n


def main():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    result, began = {}, time.monotonic()
    crowd, mutator = Crowd(), Mutator()
    result["subscribe_s"] = time.monotonic() - began
    result["rss_subscribed"] = resident("VmRSS")
    times, processor = [], processor_s()
    for i in range(config["paced"]):
        began = time.monotonic()
        mutator.send(config["pad"])
        crowd.until(lambda: crowd.n_events >= (i + 1) * crowd.n_all)
        times.append(time.monotonic() - began)
        mutator.take()
    began, n_before = time.monotonic(), crowd.n_events
    for _ in range(config["burst"]):
        mutator.send(config["pad"])
        mutator.take()
        crowd.step(0)
    wanted = (config["paced"] + config["burst"]) * crowd.n_all
    crowd.until(lambda: crowd.n_events >= wanted)
    result["burst_per_s"] = (crowd.n_events - n_before) / (time.monotonic() - began)
    result["events"], result["missing"] = crowd.n_events, wanted - crowd.n_events
    result["us_each"] = (processor_s() - processor) * 1e6 / max(1, crowd.n_events)
    result["rss_events"] = resident("VmRSS")
    if config["slow"] > 0:
        overflow(crowd, mutator, result)
    times.sort()
    result["median_ms"] = times[len(times) // 2] * 1000 if times else 0
    result["worst_ms"] = times[-1] * 1000 if times else 0
    result["lost"] = crowd.n_lost
    problems = [problem for member in crowd.members for problem in member.problems]
    result["problems"] = len(problems)
    result["problem"] = problems[0] if problems else ""
    result["rss_end"], result["rss_highest"] = resident("VmRSS"), resident("VmHWM")
    print(json.dumps(result))


main()
