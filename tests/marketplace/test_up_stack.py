"""The stack: its parts together, here with programs that start faster than the site's."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest

from marketplace.up import commands, errors, part
from marketplace.up.stack import Stack
from tests.marketplace.launching import SLEEP, eventually

WEB = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/healthz" else 404)
        self.end_headers()

HTTPServer(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()
"""


@pytest.fixture
def var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CROWDWRIGHT_VAR", str(tmp_path / "var"))
    return tmp_path / "var"


@pytest.fixture
def small_stack(var: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Stack]]:
    """Make a stack whose web process runs the program given, and whose others only sleep."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://db/market")
    monkeypatch.setenv("REDIS_URL", "redis://cache/0")
    monkeypatch.setattr(part, "PAUSE_SECONDS_MIN", 0.01)
    sleep = [sys.executable, "-c", SLEEP]
    made: list[Stack] = []

    def make(*, web: str) -> Stack:
        monkeypatch.setattr(
            commands, "web", lambda *, port, workers: [sys.executable, "-c", web, str(port)]
        )
        monkeypatch.setattr(commands, "runner", lambda *, processes: sleep)
        monkeypatch.setattr(commands, "clock", lambda *, name: sleep)
        made.append(Stack(name="small"))
        return made[-1]

    yield make
    for stack in made:
        stack.stop()


def test_a_stack_is_ready_when_its_web_process_answers(small_stack: Callable[..., Stack]) -> None:
    stack = small_stack(web=WEB)
    assert not stack.is_ready()

    with stack:
        assert stack.is_ready()
        assert stack.url == f"http://127.0.0.1:{stack.port}/"

    assert not stack.is_ready()


def test_the_other_parts_start_after_the_web_process(small_stack: Callable[..., Stack]) -> None:
    with small_stack(web=WEB) as stack:
        assert eventually(lambda: stack.pid("runner"))
        assert eventually(lambda: stack.pid("clock"))


def test_a_part_of_a_stack_that_is_killed_comes_back(small_stack: Callable[..., Stack]) -> None:
    with small_stack(web=WEB) as stack:
        first = stack.pid("web")

        stack.kill("web")

        eventually(lambda: stack.pid("web") not in {None, first})
        eventually(stack.is_ready)


def test_a_stack_whose_web_process_keeps_dying_does_not_start(
    var: Path, small_stack: Callable[..., Stack]
) -> None:
    stack = small_stack(web="raise SystemExit('no such module')")

    with pytest.raises(errors.StackFailed, match="web"):
        stack.start()

    assert "no such module" in (var / "log" / "small-web.log").read_text()
    assert stack.pid("runner") is None


def test_a_stack_that_gives_no_answer_in_time_does_not_start(
    monkeypatch: pytest.MonkeyPatch, small_stack: Callable[..., Stack]
) -> None:
    monkeypatch.setattr("marketplace.up.stack.READY_SECONDS_MAX", 0.1)
    stack = small_stack(web=SLEEP)

    with pytest.raises(errors.StackFailed, match="healthz gave no answer"):
        stack.start()

    assert stack.pid("web") is None


def test_waiting_for_a_stack_ends_when_it_does(small_stack: Callable[..., Stack]) -> None:
    stack = small_stack(web=WEB)
    stack.start()
    waiter = Thread(target=stack.wait)
    waiter.start()

    stack.stop()
    waiter.join(10)

    assert not waiter.is_alive()
