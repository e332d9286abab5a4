"""Callers of the REST API with real tokens, and short words for what comes back."""

from __future__ import annotations

import json
import re
from typing import Any

from django.test import Client

from marketplace.api import keys
from tests.factories import NOON
from workers.models import User, Worker

ROOT = "/api/v1/"
JSON = "application/json"
NDJSON = "application/x-ndjson"
CSV = "text/csv"
PROBLEM = "application/problem+json"


class Like:
    """Equals every text of a shape, so that whole bodies can be compared."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and re.fullmatch(self.pattern, other) is not None

    def __hash__(self) -> int:
        return hash(self.pattern)

    def __repr__(self) -> str:
        return f"Like({self.pattern!r})"


class Number:
    """Equals every positive whole number: the id of a row whose number does not matter."""

    def __eq__(self, other: object) -> bool:
        return type(other) is int and other > 0

    def __hash__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return "A_NUMBER"


A_NUMBER = Number()
AN_INSTANT = Like(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")
A_PSEUDONYM = Like(r"W[0-9A-F]{10}")


class Api:
    """One caller. Paths are relative to ``/api/v1/``; bodies are JSON unless they are bytes."""

    def __init__(self, token: str | None, *, errors_as_500: bool = False) -> None:
        self.token = token
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self.http = Client(headers=headers, raise_request_exception=not errors_as_500)

    def get(self, path: str, **headers: str) -> Any:
        return self.send("GET", path, **headers)

    def post(self, path: str, body: Any = None, kind: str = JSON, **headers: str) -> Any:
        return self.send("POST", path, body, kind, **headers)

    def put(self, path: str, body: Any = None, kind: str = JSON, **headers: str) -> Any:
        return self.send("PUT", path, body, kind, **headers)

    def send(
        self, method: str, path: str, body: Any = None, kind: str = JSON, **headers: str
    ) -> Any:
        """Ask; ``headers`` are written with underscores, ``idempotency_key="k"``."""
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body)
        said = {name.replace("_", "-"): value for name, value in headers.items()}
        # Django's client names no kind for an empty body.
        named = {} if body is None else {"CONTENT_TYPE": kind}
        return self.http.generic(
            method, path if path.startswith("/") else ROOT + path, raw, kind, headers=said, **named
        )

    def stream(self, path: str, body: Any, length: int | None, kind: str, **headers: str) -> Any:
        """POST what ``body`` reads; without a length it comes in chunks."""
        said = {name.replace("_", "-"): value for name, value in headers.items()}
        if length is None:
            said["transfer-encoding"] = "chunked"
        environ = {"wsgi.input": body, "CONTENT_LENGTH": str(length or ""), "CONTENT_TYPE": kind}
        return self.http.generic("POST", ROOT + path, headers=said, **environ)


def api(caller: User | Worker | None = None, *, errors_as_500: bool = False) -> Api:
    """A client of the API as ``caller``, with a token of their own; None is nobody."""
    if caller is None:
        return Api(None, errors_as_500=errors_as_500)
    user = caller.user if isinstance(caller, Worker) else caller
    return Api(keys.make(user=user, name="tests", now=NOON)[1], errors_as_500=errors_as_500)


def problem_of(response: Any) -> tuple[int, str]:
    """A refusal's status and code; fails the test unless it is a whole RFC 9457 problem."""
    assert response.headers["Content-Type"] == PROBLEM, response.content[:500]
    body = response.json()
    assert body["status"] == response.status_code
    assert body["type"] == f"/docs/errors#{body['code']}"
    assert body["title"], body["detail"]
    return response.status_code, body["code"]


def text_of(response: Any) -> str:
    """A body, streamed or not."""
    parts = response.streaming_content if response.streaming else [response.content]
    return b"".join(parts).decode()


def rows_of(response: Any) -> list[dict[str, Any]]:
    """The rows of a streamed export, JSON or NDJSON."""
    text = text_of(response)
    if response.headers["Content-Type"] == JSON:
        return list(json.loads(text))
    return [json.loads(line) for line in text.split("\n") if line]


def pages_of(client: Api, path: str, *, key: str = "results") -> list[list[dict[str, Any]]]:
    """Every page of a list, by following ``next`` to the end."""
    pages = []
    while path:
        body = client.get(path).json()
        pages.append(body[key])
        path = (body["next"] or "").replace("http://testserver", "")
    return pages
