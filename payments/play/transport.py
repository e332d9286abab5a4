"""The way from stripe-python to play money: no sockets, and no waits between attempts.

Importing this module imports ``stripe``, which takes its time: import it where it is used.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import stripe

from payments.play.faults import PlayTimeout
from payments.play.server import PlayServer

KEY = "sk_test_play_money"


class PlayClient(stripe.HTTPClient):
    """What ``stripe.StripeClient(…, http_client=…)`` sends its requests through."""

    name = "play"

    def __init__(self, server: PlayServer) -> None:
        super().__init__()
        self._server = server

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        try:
            answer = self._server.request(method, url, headers or {}, post_data)
        except PlayTimeout as error:
            message = "The request to play money timed out."
            raise stripe.APIConnectionError(message, should_retry=True) from error  # type: ignore[no-untyped-call]
        return json.dumps(answer.body), answer.status, {"request-id": "req_play", **answer.headers}

    def _sleep_time_seconds(self, num_retries: int) -> float:
        return 0

    def close(self) -> None:
        """Do nothing: there is no connection."""


def client(server: PlayServer, *, retries: int = 2) -> stripe.StripeClient:
    """Return a client of the real SDK that talks to ``server``; it repeats up to ``retries``."""
    return stripe.StripeClient(KEY, http_client=PlayClient(server), max_network_retries=retries)
