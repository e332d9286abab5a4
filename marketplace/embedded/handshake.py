"""Ask a server over its socket whether it takes orders, in its own protocol.

A bare connect says too little, as both servers listen before they have read their data back,
and a program to ask with takes ten times as long as the question.
"""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ANSWER_SECONDS_MAX = 2.0
PROTOCOL_3 = 3 << 16
GREETING = b"user\0postgres\0database\0postgres\0\0"
# Each message after the greeting is a letter and a length that counts itself.
HEADER = struct.Struct("!cI")
READY, REFUSED, GOODBYE = b"Z", b"E", b"X"
# The code of "the database system is starting up". A server with another complaint, such as too
# many clients, does run.
CANNOT_CONNECT_NOW = b"\0C57P03\0"


def postgres_answers(path: Path) -> bool:
    """Whether PostgreSQL runs; while it starts or recovers it does not."""
    try:
        with _connected(path) as server, server.makefile("rb") as replies:
            server.sendall(struct.pack("!II", len(GREETING) + 8, PROTOCOL_3) + GREETING)
            while len(header := replies.read(HEADER.size)) == HEADER.size:
                kind, size = HEADER.unpack(header)
                body = replies.read(size - 4)
                if kind == REFUSED:
                    return CANNOT_CONNECT_NOW not in b"\0" + body
                if kind == READY:
                    server.sendall(HEADER.pack(GOODBYE, 4))
                    return True
    except OSError:
        pass
    return False


def redis_answers(path: Path) -> bool:
    """Whether Redis would run a command now; while it loads its file it refuses."""
    return _ask_redis(path, b"PING\r\n").startswith(b"+PONG")


def redis_pid(path: Path) -> int | None:
    """Return the process id of the Redis behind a socket, which it tells even while it loads."""
    found = re.search(rb"\bprocess_id:(\d+)", _ask_redis(path, b"INFO server\r\n"))
    return int(found[1]) if found else None


def _ask_redis(path: Path, command: bytes) -> bytes:
    """Return the first piece of the reply, which holds it all for the short ones asked for."""
    try:
        with _connected(path) as server:
            server.sendall(command)
            return server.recv(1 << 16)
    except OSError:
        return b""


@contextmanager
def _connected(path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as server:
        server.settimeout(ANSWER_SECONDS_MAX)
        server.connect(str(path))
        yield server
