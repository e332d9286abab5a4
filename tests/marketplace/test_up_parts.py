"""The parts of the site: one that dies comes back, and none outlives its launcher."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import pytest

from marketplace import embedded
from marketplace.embedded.paths import CHECKOUT
from marketplace.up import child, errors, output, part, supervisor
from marketplace.up.part import Part
from marketplace.up.supervisor import Supervisor
from tests.marketplace.launching import (
    PRESENT,
    SLEEP,
    STUBBORN,
    WITH_CHILD,
    eventually,
    gone,
    numbers,
)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log" / "part.log"


@pytest.fixture
def supervise(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Supervisor]]:
    """Start a supervisor of programs in Python, each by its name; no pause between starts."""
    monkeypatch.setattr(part, "PAUSE_SECONDS_MIN", 0.01)
    started: list[Supervisor] = []

    def start(
        *,
        log: Path | None,
        check: Callable[[], object] = int,
        held_back: Collection[str] = (),
        **programs: str,
    ) -> Supervisor:
        parts = [
            Part(
                name=name,
                command=[sys.executable, "-c", program],
                environment=dict(os.environ),
                log=log,
            )
            for name, program in programs.items()
        ]
        started.append(Supervisor(parts, check=check, held_back=held_back))
        started[-1].start()
        return started[-1]

    yield start
    for one in started:
        one.stop()


def test_a_part_that_dies_is_started_again(log: Path, supervise: Callable[..., Supervisor]) -> None:
    supervise(log=log, web=PRESENT)
    [first] = numbers(log, lines=1)

    os.kill(first, signal.SIGKILL)

    assert numbers(log, lines=2)[1] != first
    assert gone(first)


def test_a_part_that_keeps_dying_ends_the_stack_and_says_which(
    log: Path, supervise: Callable[..., Supervisor]
) -> None:
    stack = supervise(log=log, web="raise SystemExit(3)", clock=PRESENT)

    eventually(lambda: stack.wait(0))

    assert isinstance(stack.failure, errors.PartFailed)
    assert str(stack.failure).endswith(" web")
    assert gone(numbers(log, lines=1)[0])


def test_the_pause_before_a_start_grows_with_each_quick_death(
    capsys: pytest.CaptureFixture[str], supervise: Callable[..., Supervisor]
) -> None:
    stack = supervise(log=None, web="raise SystemExit(3)")

    eventually(lambda: stack.wait(0))

    assert [line.split()[-2] for line in capsys.readouterr().out.splitlines()] == [
        "0.01",
        "0.02",
        "0.04",
        "0.08",
    ]


def test_a_part_that_was_well_may_die_any_number_of_times(
    log: Path, monkeypatch: pytest.MonkeyPatch, supervise: Callable[..., Supervisor]
) -> None:
    monkeypatch.setattr(part, "QUICK_DEATH_SECONDS", 0.0)
    monkeypatch.setattr(supervisor, "TEND_SECONDS", 0.01)

    supervise(log=log, web="print(1)")

    assert len(numbers(log, lines=8)) >= 8


def test_the_children_of_a_dead_part_die_before_it_is_started_again(
    log: Path, supervise: Callable[..., Supervisor]
) -> None:
    supervise(log=log, web=WITH_CHILD)
    leader, child = numbers(log, lines=1)

    os.kill(leader, signal.SIGKILL)
    numbers(log, lines=2)

    eventually(lambda: gone(child))


def test_stopping_ends_every_part_and_its_children(
    log: Path, supervise: Callable[..., Supervisor]
) -> None:
    stack = supervise(log=log, web=WITH_CHILD)
    started = numbers(log, lines=1)

    stack.stop()
    stack.stop()

    assert gone(started[0])
    eventually(lambda: gone(started[1]))
    assert stack.failure is None


def test_a_part_that_will_not_end_is_killed(
    log: Path, monkeypatch: pytest.MonkeyPatch, supervise: Callable[..., Supervisor]
) -> None:
    monkeypatch.setattr(supervisor, "STOP_SECONDS_MAX", 0.1)
    stack = supervise(log=log, web=STUBBORN)
    [pid] = numbers(log, lines=1)

    stack.stop()

    assert gone(pid)


def test_what_the_parts_stand_on_is_checked_meanwhile(
    log: Path, monkeypatch: pytest.MonkeyPatch, supervise: Callable[..., Supervisor]
) -> None:
    def check() -> None:
        raise embedded.EmbeddedError("no room")

    monkeypatch.setattr(supervisor, "CHECK_SECONDS", 0.0)

    stack = supervise(log=log, check=check, web=PRESENT)
    eventually(lambda: stack.wait(0))

    assert "no room" in str(stack.failure)


def test_a_part_that_is_held_back_starts_when_it_is_admitted(
    log: Path, supervise: Callable[..., Supervisor]
) -> None:
    stack = supervise(log=log, held_back=["clock"], web=PRESENT, clock=PRESENT)
    numbers(log, lines=1)
    assert stack.parts["clock"].pid is None

    stack.admit()

    started = numbers(log, lines=2)
    assert stack.parts["clock"].pid == started[1]


def test_a_supervisor_that_never_started_stops_at_once() -> None:
    Supervisor([], check=int).stop()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of a parent's death")
def test_the_parts_of_a_killed_launcher_end_too(log: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path\n"
        "from marketplace.up.part import Part; from marketplace.up.supervisor import Supervisor\n"
        f"part = Part(name='web', command=[sys.executable, '-c', {PRESENT!r}],\n"
        f"            environment=dict(os.environ), log=Path({str(log)!r}))\n"
        "Supervisor([part], check=int).start()"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=CHECKOUT) as launcher:
        [pid] = numbers(log, lines=1)

        launcher.kill()

    eventually(lambda: gone(pid))


def test_output_stands_behind_the_name_of_its_part(
    capsys: pytest.CaptureFixture[str], supervise: Callable[..., Supervisor]
) -> None:
    stack = supervise(log=None, web=f"print('ready', flush=True); {SLEEP}")
    said = ""

    def shown() -> bool:
        nonlocal said
        said += capsys.readouterr().out
        return "ready" in said

    eventually(shown)
    stack.stop()

    assert "   web | ready\n" in said


def test_a_reader_who_is_gone_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    stream = os.fdopen(writing, "w")
    monkeypatch.setattr(sys, "stdout", stream)

    output.say("anybody?")

    with pytest.raises(BrokenPipeError):
        stream.close()


def test_a_part_whose_launcher_is_gone_before_it_starts_does_not_start() -> None:
    command = [sys.executable, "-IS", child.__file__, "1", "/bin/echo", "started"]

    assert subprocess.run(command, check=False, capture_output=True).stdout == b""
