"""A TLS peer for spec/csrc/net: serves one connection, then ends.

python3 net_peer.py CERT KEY prints its port on 127.0.0.1, then accepts one connection. A WebSocket upgrade is answered with
the sub-protocol graphql-ws, and one text frame is echoed; any other request is answered with 200 and its own request line.
"""
import base64
import hashlib
import re
import socket
import ssl
import sys


def read_head(stream):
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = stream.recv(1)
        if not byte:
            return None
        head += byte
    return head.decode("latin-1")


def read_exactly(stream, n):
    data = b""
    while len(data) < n:
        piece = stream.recv(n - len(data))
        if not piece:
            raise ConnectionError
        data += piece
    return data


def echo_frame(stream):
    first, second = read_exactly(stream, 2)
    n = second & 127
    if n == 126:
        n = int.from_bytes(read_exactly(stream, 2), "big")
    mask = read_exactly(stream, 4)
    data = bytes(b ^ mask[i % 4] for i, b in enumerate(read_exactly(stream, n)))
    length = bytes([n]) if n < 126 else bytes([126]) + n.to_bytes(2, "big")
    stream.sendall(bytes([first]) + length + data)


def serve(stream):
    head = read_head(stream)
    if head is None:
        return
    key = re.search(r"(?i)^sec-websocket-key: *(\S+)", head, re.M)
    if key:
        digest = hashlib.sha1((key.group(1) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
        stream.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Protocol: graphql-ws\r\nSec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n"
        )
        echo_frame(stream)
        while stream.recv(4096):
            pass
    else:
        body = head.split("\r\n")[0].encode()
        stream.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(20)
    print(listener.getsockname()[1], flush=True)
    connection, _ = listener.accept()
    connection.settimeout(20)
    try:
        serve(context.wrap_socket(connection, server_side=True))
    except (OSError, ConnectionError):
        pass  # the client refused the certificate or left


main()
