"""A thin client of the REST API: one caller, retries, and a key for every effect."""

from __future__ import annotations

import json
import logging
import random
import time
import uuid
from collections.abc import Mapping
from http import HTTPStatus
from types import TracebackType
from typing import Any, NamedTuple, Self

import httpx

ATTEMPTS_MAX = 6
PAUSE_SECONDS_MIN, PAUSE_SECONDS_MAX = 0.2, 5.0
TIMEOUT_SECONDS = 30.0
NDJSON = "application/x-ndjson"
# It would tell of each of thousands of requests.
logging.getLogger("httpx").setLevel(logging.WARNING)
# What goes away by itself: the site restarts, the database is busy, a limit is reached.
PASSING = {
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}


class Refused(Exception):
    """The site said no; ``code`` is its stable word for why."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status = status
        self.code = code


class Unreachable(Exception):
    """The site gave no useful answer, however often it was asked."""


class Reply(NamedTuple):
    """What came back: the JSON, or None, and when to ask again."""

    status: int
    body: Any
    retry_after_seconds: float


class Site:
    """The site at ``url``, over a pool of connections that all its callers share."""

    def __init__(self, url: str, *, transport: httpx.BaseTransport | None = None) -> None:
        self._http = httpx.Client(
            base_url=f"{url.rstrip('/')}/api/v1/", timeout=TIMEOUT_SECONDS, transport=transport
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def caller(self, token: str) -> Caller:
        """Return whoever the token belongs to."""
        return Caller(self._http, token)


class Caller:
    """One account that calls the API.

    Every method raises ``Refused`` when the site says no and ``Unreachable`` when it does not
    answer. A request whose answer got lost is sent again; its ``Idempotency-Key`` makes sure
    that it has its effect once.
    """

    def __init__(self, http: httpx.Client, token: str) -> None:
        self._http = http
        self._token = {"Authorization": f"Bearer {token}"}

    def get(self, path: str) -> Any:
        """Read one resource."""
        return _body(self._send("GET", path))

    def rows(self, path: str) -> list[dict[str, Any]]:
        """Read a list of rows as NDJSON, whole."""
        response = self._send("GET", path, headers={"Accept": NDJSON})
        # Not by splitlines(), which also splits at separators that JSON texts may hold.
        return [json.loads(line) for line in response.content.split(b"\n") if line]

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Reply:
        """Cause an effect, once."""
        return _reply(self._send("POST", path, headers=_key(), json=body or {}))

    def upload(self, path: str, lines: bytes) -> Reply:
        """Send rows as NDJSON, once."""
        headers = {**_key(), "Content-Type": NDJSON}
        return _reply(self._send("POST", path, headers=headers, content=lines))

    def _send(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **sent: Any
    ) -> httpx.Response:
        request = self._http.build_request(
            method, path, headers={**self._token, **(headers or {})}, **sent
        )
        said = ""
        for attempt in range(ATTEMPTS_MAX):
            if attempt:
                time.sleep(_pause_seconds(attempt))
            try:
                response = self._http.send(request)
            except httpx.TransportError as error:
                said = repr(error)
                continue
            if response.status_code not in PASSING:
                return _accepted(response)
            said = f"{response.status_code} {response.text:.200}"
        raise Unreachable(f"{method} {request.url} failed {ATTEMPTS_MAX} times, at last: {said}")


def _key() -> dict[str, str]:
    return {"Idempotency-Key": uuid.uuid4().hex}


def _pause_seconds(attempt: int) -> float:
    """Return how long to wait: longer each time, and different for each of many callers."""
    longest = min(PAUSE_SECONDS_MIN * 2**attempt, PAUSE_SECONDS_MAX)
    return random.uniform(longest / 2, longest)  # noqa: S311


def _accepted(response: httpx.Response) -> httpx.Response:
    if response.is_success:
        return response
    said = _body(response)
    said = said if isinstance(said, dict) else {}
    code, detail = said.get("code", "unknown"), said.get("detail", response.text[:200])
    raise Refused(response.status_code, str(code), str(detail))


def _reply(response: httpx.Response) -> Reply:
    after = response.headers.get("Retry-After", "")
    return Reply(response.status_code, _body(response), float(after) if after.isdigit() else 0.0)


def _body(response: httpx.Response) -> Any:
    try:
        return response.json() if response.content else None
    except ValueError:
        return None
