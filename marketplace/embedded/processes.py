"""Processes: start one that outlives its starter, look at one, wait for one to end."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from marketplace.embedded.errors import ServerFailed, ServerStayed

START_SECONDS_MAX = 60.0
STOP_SECONDS_MAX = 30.0
# The server logs a refusal for each early question, so the questions become rarer.
POLL_SECONDS_MIN, POLL_SECONDS_MAX = 0.01, 0.25
LOG_CHARACTERS_SHOWN = 2000
# Secrets of the starter must not live on in the environment of a server that outlives it, and
# PG*, LANG and the like would change the server.
KEPT_VARIABLES = {"HOME", "LD_LIBRARY_PATH", "PATH", "TMPDIR"}
# The shell starts the server in the background and ends, so the server is nobody's child: it
# cannot become its starter's zombie, and Python does not wait for it.
IN_BACKGROUND = 'log=$1; shift; "$@" </dev/null >>"$log" 2>&1 & echo $!'
PROC = Path("/proc")
DEAD = {"", "X", "Z"}


class Process(NamedTuple):
    """A server's process, and where its log stood before it: earlier runs wrote there too."""

    pid: int
    log: Path
    log_bytes_before: int = 0

    def said(self) -> str:
        """Return the end of what it has logged."""
        if not self.log.exists():
            return ""
        text = self.log.read_bytes()[self.log_bytes_before :].decode(errors="replace")
        return text[-LOG_CHARACTERS_SHOWN:]


def run(command: Sequence[str], *, text: str = "") -> None:
    """Run a program of the servers' to its end, with ``text`` as its input.

    Raises:
        ServerFailed: it says so.
    """
    done = subprocess.run(  # noqa: S603  (nothing of the command comes from outside)
        command,
        input=text,
        check=False,
        cwd="/",
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        raise ServerFailed(f"{done.stdout}")


def launch(command: Sequence[str], *, log: Path) -> Process:
    """Start ``command`` detached, in a session of its own and in ``/``."""
    log.parent.mkdir(parents=True, exist_ok=True)
    log_bytes = log.stat().st_size if log.exists() else 0
    started = subprocess.run(  # noqa: S603  (nothing of the command comes from outside)
        ["/bin/sh", "-c", IN_BACKGROUND, "sh", str(log), *command],
        check=True,
        cwd="/",
        env=_environment(),
        start_new_session=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return Process(int(started.stdout), log, log_bytes)


def wait_until_ready(ready: Callable[[], bool], process: Process) -> None:
    """Wait until the server that ``process`` is to become answers.

    Raises:
        ServerFailed: it died, or took more than a minute.
    """
    give_up_at = time.monotonic() + START_SECONDS_MAX
    pause_seconds = POLL_SECONDS_MIN
    while not ready():
        if not is_running(process.pid) or time.monotonic() > give_up_at:
            raise ServerFailed(f"{process.log}:\n{process.said()}")
        time.sleep(pause_seconds)
        pause_seconds = min(2 * pause_seconds, POLL_SECONDS_MAX)


def end(pid: int, *, by: signal.Signals, within_seconds: float = STOP_SECONDS_MAX) -> None:
    """Signal a process and wait until it is gone.

    Raises:
        ServerStayed: it is still there at the end of its time.
    """
    os.kill(pid, by)
    give_up_at = time.monotonic() + within_seconds
    while is_running(pid):
        if time.monotonic() > give_up_at:
            raise ServerStayed(pid)
        time.sleep(POLL_SECONDS_MIN)


def is_running(pid: int) -> bool:
    """Whether a process lives; a zombie does not."""
    if not PROC.is_dir():
        return _listed("stat", pid)[:1] not in DEAD
    try:
        # The name before the state is in brackets and may hold anything.
        state = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in DEAD


def command_of(pid: int) -> str:
    """Return a process's command line; nothing for a zombie or one that is gone."""
    if not PROC.is_dir():
        return _listed("args", pid)
    try:
        words = (PROC / str(pid) / "cmdline").read_text(errors="replace")
    except OSError:
        return ""
    return words.replace("\0", " ")


def _listed(column: str, pid: int) -> str:
    """Ask where the kernel has no folder of processes, as on macOS."""
    listing = subprocess.run(  # noqa: S603  (the only variable parts are ours)
        ["/bin/ps", "-o", f"{column}=", "-p", str(pid)], check=False, capture_output=True, text=True
    )
    return listing.stdout.strip()


def _environment() -> dict[str, str]:
    return {"LC_ALL": "C"} | {k: v for k, v in os.environ.items() if k in KEPT_VARIABLES}
