"""The launcher: parts that die come back, and no part outlives it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest

from marketplace import embedded
from marketplace.embedded import processes
from marketplace.embedded.paths import CHECKOUT
from marketplace.up import __main__ as command_line
from marketplace.up import commands, errors, output, part, pidfile, running, services, supervisor
from marketplace.up.part import Part
from marketplace.up.stack import free_port
from marketplace.up.supervisor import Supervisor

SLEEP = "import time; time.sleep(60)"
# Shows its number, then sleeps.
PRESENT = f"import os; print(os.getpid(), flush=True); {SLEEP}"
# Starts a child that sleeps, and shows both numbers.
WITH_CHILD = (
    "import os, subprocess, sys; "
    f"child = subprocess.Popen([sys.executable, '-c', {SLEEP!r}]); "
    f"print(os.getpid(), child.pid, flush=True); {SLEEP}"
)
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {PRESENT}"


@pytest.fixture
def var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CROWDWRIGHT_VAR", str(tmp_path / "var"))
    return tmp_path / "var"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log" / "part.log"


@pytest.fixture
def supervise(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Supervisor]]:
    """Start a supervisor of programs in Python, each by its name; no pause between starts."""
    monkeypatch.setattr(part, "PAUSE_SECONDS_MIN", 0.01)
    started: list[Supervisor] = []

    def start(
        *, log: Path | None, check: Callable[[], object] = int, **programs: str
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
        started.append(Supervisor(parts, check=check))
        started[-1].start()
        return started[-1]

    yield start
    for one in started:
        one.stop()


def eventually(question: Callable[[], object], *, seconds: float = 10) -> object:
    """Return the first answer that is true."""
    deadline = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
    return answer


def numbers(log: Path, *, lines: int) -> list[int]:
    """Return the numbers in a log, once it has so many lines."""

    def written() -> list[str]:
        text = log.read_text() if log.exists() else ""
        return text.split() if text.count("\n") >= lines else []

    return [int(word) for word in eventually(written)]  # type: ignore[attr-defined]


def gone(pid: int) -> bool:
    return not processes.is_running(pid)


# Parts


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


# What the parts are run with


def test_command_lines_hold_nothing_secret(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "hush")
    monkeypatch.setenv("DATABASE_URL", "postgresql://hush@db/market")

    lines = [
        commands.web(port=1, workers=1),
        commands.runner(processes=1),
        commands.clock(name="x"),
    ]

    assert "hush" not in str(lines)
    assert commands.environment(port=1)["SECRET_KEY"] == "hush"


def test_the_environment_sets_the_counts_and_arguments_go_before_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WEB_WORKERS", "5")
    monkeypatch.setenv("JOB_PROCESSES", "6")

    assert "--workers 5 " in " ".join(commands.web(port=1, workers=None))
    assert "--workers 3 " in " ".join(commands.web(port=1, workers=3))
    assert "-c 6 " in " ".join(commands.runner(processes=None))


def test_the_site_knows_its_address_unless_it_was_given_one(
    var: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SITE_URL", raising=False)
    assert commands.environment(port=81)["SITE_URL"] == "http://127.0.0.1:81"

    monkeypatch.setenv("SITE_URL", "https://example.com")
    assert commands.environment(port=81)["SITE_URL"] == "https://example.com"


def test_servers_of_ones_own_are_not_replaced(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://db/market")
    monkeypatch.setenv("REDIS_URL", "redis://cache/0")

    services.start_services()

    assert not var.exists()


def test_a_database_that_cannot_be_brought_up_to_date_is_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://db/market")
    monkeypatch.setenv("REDIS_URL", "redis://cache/0")
    monkeypatch.setattr(services, "manage", lambda *words: [sys.executable, "-c", "import nowhere"])

    with pytest.raises(errors.MigrationFailed):
        services.prepare()


# Ports


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_taken_port_gives_way_to_the_next(taken_port: int) -> None:
    free = free_port()

    assert free_port(taken_port, free) == free
    assert free_port(taken_port) != taken_port


def test_a_port_that_was_asked_for_is_not_replaced(
    taken_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORT", str(taken_port))
    with pytest.raises(errors.PortTaken, match=str(taken_port)):
        command_line.wanted_port()

    free = free_port()
    monkeypatch.setenv("PORT", str(free))
    assert command_line.wanted_port() == free


def test_the_first_port_is_8000_or_near(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PORT", raising=False)

    assert command_line.wanted_port() >= 8000


# One site per state


def test_nothing_runs_where_nothing_was_started(var: Path) -> None:
    assert running() is None


def test_the_running_site_tells_its_process_and_address(var: Path) -> None:
    with pidfile.held(71) as tell:
        assert running() == (71, "")
        tell("http://127.0.0.1:8000/")
        assert running() == (71, "http://127.0.0.1:8000/")
        tell("")
        assert running() == (71, "")

    assert running() is None


@pytest.mark.parametrize(
    ("url", "where"), [("http://here/", "http://here/"), ("", "still starting")]
)
def test_a_second_start_says_where_the_first_is(
    var: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    url: str,
    where: str,
) -> None:
    monkeypatch.setattr(pidfile, "PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(sys, "argv", ["up"])
    monkeypatch.setattr(command_line, "ENDINGS", ())

    with pidfile.held(71) as tell:
        tell(url)
        command_line.main()

    said = capsys.readouterr().out
    assert said.startswith("Crowdwright is already running here.")
    assert where in said


def test_stopping_where_nothing_runs_says_so(
    var: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["up", "stop"])

    command_line.main()

    assert capsys.readouterr().out == "Nothing was running.\n"


def test_a_site_that_does_not_end_is_reported(
    var: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(command_line, "STOP_SECONDS_MAX", 0.1)
    monkeypatch.setattr(sys, "argv", ["up", "stop"])
    with subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE) as site:
        assert site.stdout is not None
        site.stdout.readline()
        with pidfile.held(site.pid), pytest.raises(SystemExit, match=str(site.pid)):
            command_line.main()
        site.kill()


# The real thing


@pytest.fixture
def own_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """State of its own, and an environment that does not look like a test's."""
    monkeypatch.setenv("CROWDWRIGHT_VAR", str(tmp_path / "var"))
    monkeypatch.setenv("WEB_WORKERS", "1")
    monkeypatch.setenv("JOB_PROCESSES", "1")
    for name in ("PYTEST_VERSION", "PYTEST_CURRENT_TEST", "DATABASE_URL", "REDIS_URL", "PORT"):
        monkeypatch.delenv(name, raising=False)
    handlers = {ending: signal.getsignal(ending) for ending in command_line.ENDINGS}
    yield
    for ending, handler in handlers.items():
        signal.signal(ending, handler)
    monkeypatch.setenv("CROWDWRIGHT_VAR", str(tmp_path / "var"))
    embedded.stop()
    shutil.rmtree(tmp_path / "var")


def part_pids() -> dict[str, int]:
    """Return the process ids of the parts this process has started, by their names."""
    words = {"granian": "web", "worker": "runner", "beat": "clock"}
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        pid = int(folder.name)
        command = processes.command_of(pid).split()
        if command[2:3] in (["granian"], ["celery"]) and os.getsid(pid) == pid:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            names = [name for word, name in words.items() if word in command]
            if parent == os.getpid():
                found[names[0]] = pid
    return found


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}healthz", timeout=5) as reply:
            return bool(reply.read() == b"ok\n")
    except OSError:
        return False


@pytest.mark.usefixtures("own_site")
@pytest.mark.skipif(sys.platform != "linux", reason="finds the parts in /proc")
def test_the_site_comes_up_survives_a_killed_web_process_and_goes_down(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    seen: dict[str, object] = {}

    def visit() -> None:
        try:
            eventually(lambda: (running() or (0, ""))[1], seconds=120)
            url = running().url
            before = part_pids()
            seen["answers"] = answers(url)

            os.kill(before["web"], signal.SIGKILL)
            eventually(lambda: part_pids().get("web") not in {None, before["web"]}, seconds=60)
            seen["answers again"] = eventually(lambda: answers(url), seconds=60)
            seen["pids"] = {*before.values(), *part_pids().values()}
        finally:
            # As `make down` does; only while the launcher listens for it.
            if signal.getsignal(signal.SIGTERM) is command_line.leave:
                os.kill(os.getpid(), signal.SIGTERM)

    visitor = Thread(target=visit)
    visitor.start()
    monkeypatch.setattr(sys, "argv", ["up"])
    with pytest.raises(SystemExit) as end:
        command_line.main()
    visitor.join()

    assert end.value.code == 0
    assert seen["answers"]
    assert seen["answers again"]
    assert len(seen["pids"]) == 4
    eventually(lambda: all(gone(pid) for pid in seen["pids"]))
    assert "Crowdwright is running at http://127.0.0.1:" in capfd.readouterr().out
    assert running() is None
