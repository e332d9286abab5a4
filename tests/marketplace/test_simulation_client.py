from __future__ import annotations

import json

import httpx
import pytest

from marketplace.simulation import client
from marketplace.simulation.client import Refused, Site, Unreachable


class Script:
    """A site that answers from a list, and remembers what it was asked."""

    def __init__(self, *answers) -> None:
        self.answers = list(answers)
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture(autouse=True)
def _hurry(monkeypatch):
    monkeypatch.setattr(client, "PAUSE_SECONDS_MAX", 0.001)


def caller(script: Script) -> client.Caller:
    return Site("http://site/", transport=httpx.MockTransport(script)).caller("cw_token")


def busy() -> httpx.Response:
    return httpx.Response(503, json={"code": "unavailable"})


def test_a_call_goes_to_the_api_with_the_token():
    script = Script(httpx.Response(200, json={"id": 7}))

    assert caller(script).get("batches/7") == {"id": 7}

    assert str(script.asked[0].url) == "http://site/api/v1/batches/7"
    assert script.asked[0].headers["Authorization"] == "Bearer cw_token"


def test_an_effect_is_asked_for_again_with_the_same_key():
    script = Script(busy(), httpx.ReadTimeout("slow"), httpx.Response(201, json={"id": 1}))

    reply = caller(script).post("batches/7/claim")

    assert (reply.status, reply.body) == (201, {"id": 1})
    assert len({request.headers["Idempotency-Key"] for request in script.asked}) == 1
    assert len(script.asked) == 3


def test_two_effects_have_two_keys():
    script = Script(httpx.Response(200, json={}), httpx.Response(200, json={}))
    site = caller(script)

    site.post("batches/7/publish")
    site.post("batches/7/publish")

    assert len({request.headers["Idempotency-Key"] for request in script.asked}) == 2


def test_a_site_that_stays_away_is_unreachable():
    script = Script(*[httpx.ConnectError("refused")] * client.ATTEMPTS_MAX)

    with pytest.raises(Unreachable, match="refused"):
        caller(script).get("work")


def test_a_refusal_is_not_repeated_and_says_why():
    script = Script(httpx.Response(402, json={"code": "insufficient_funds", "detail": "Short."}))

    with pytest.raises(Refused, match="402 insufficient_funds: Short"):
        caller(script).post("batches/7/publish")

    assert len(script.asked) == 1


def test_an_error_page_is_a_refusal_too():
    script = Script(httpx.Response(500, text="<h1>Server Error</h1>"))

    with pytest.raises(Refused, match="500 unknown: <h1>Server Error"):
        caller(script).post("batches/7/publish")


def test_nothing_to_do_says_when_to_ask_again():
    script = Script(httpx.Response(204, headers={"Retry-After": "4"}))

    reply = caller(script).post("batches/7/claim")

    assert reply == (204, None, 4.0)


def test_rows_are_read_line_by_line_whatever_they_hold():
    rows = [{"text": "one\u2028line"}, {"text": "two"}]
    body = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    script = Script(httpx.Response(200, content=body.encode()))

    assert caller(script).rows("batches/7/results") == rows

    assert script.asked[0].headers["Accept"] == "application/x-ndjson"


def test_an_upload_is_ndjson():
    script = Script(httpx.Response(201, json={"tasks": 1}))

    assert caller(script).upload("batches/7/tasks", b'{"a": 1}\n').body == {"tasks": 1}

    assert script.asked[0].headers["Content-Type"] == "application/x-ndjson"
    assert script.asked[0].content == b'{"a": 1}\n'
