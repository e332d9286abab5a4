"""The launcher: what it runs, where, and that a state has one site at a time."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from marketplace import embedded
from marketplace.embedded import processes
from marketplace.up import __main__ as command_line
from marketplace.up import commands, errors, pidfile, running, services
from marketplace.up.stack import free_port
from tests.marketplace.launching import STUBBORN, eventually, gone


@pytest.fixture
def var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CROWDWRIGHT_VAR", str(tmp_path / "var"))
    return tmp_path / "var"


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
            eventually(lambda: len(part_pids()) == 3)
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
