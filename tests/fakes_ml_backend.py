"""A model's server on this machine: real HTTP, and as rude as a test wants it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class FakeBackend:
    """Speaks Label Studio's ML-backend protocol.

    A classifier that says "cat" of everything, until ``answers`` holds something else for a
    path: a body as bytes, a value to be sent as JSON, or a function that does it all itself.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {
            "/health": {"status": "UP", "model_class": "Cats"},
            "/setup": {"model_version": "cats-1"},
            "/webhook": {"result": {}, "status": "ok"},
        }
        self.status: dict[str, int] = {}
        self.headers: dict[str, str] = {}
        self.asked: list[tuple[str, str, Any]] = []  # method, path, body
        self.received: list[dict[str, str]] = []  # headers
        self.until_the_end = threading.Event()
        self.url = ""

    def reply(self, request: BaseHTTPRequestHandler) -> None:
        length = int(request.headers.get("Content-Length", 0))
        body = json.loads(request.rfile.read(length)) if length else None
        self.asked.append((request.command, request.path, body))
        self.received.append(dict(request.headers))
        answer = self.answers.get(request.path, {} if request.path != "/predict" else _cats(body))
        if callable(answer):
            answer(request)
            return
        content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        request.send_response(self.status.get(request.path, 200))
        for name, value in self.headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)


def _cats(body: Any) -> dict[str, Any]:
    said = {"from_name": "label", "to_name": "image-1", "type": "choices"}
    result = [{**said, "value": {"choices": ["cat"]}}]
    prediction = {"result": result, "score": 0.9, "model_version": "cats-1"}
    return {"results": [prediction for _ in body["tasks"]]}


@contextmanager
def running() -> Iterator[FakeBackend]:
    """Serve on a free port of 127.0.0.1 until the end of the block."""
    backend = FakeBackend()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                backend.reply(self)
            except OSError:  # the client has hung up, as it should on a rude server
                self.close_connection = True

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    backend.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield backend
    finally:
        backend.until_the_end.set()
        server.shutdown()
        server.server_close()
        thread.join()
