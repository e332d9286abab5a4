"""Where output goes: to the terminal, a part's behind its name, or to a file."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from threading import Lock, Thread
from typing import IO

NAME_WIDTH = 6
one_line_at_a_time = Lock()


def say(text: str, *, name: str = "") -> None:
    """Print ``text`` at once, behind the name of the part that says it."""
    line = f"{name:>{NAME_WIDTH}} | {text}\n" if name else f"{text}\n"
    # Whoever read may be gone, as at the other end of a pipe; the site goes on.
    with one_line_at_a_time, suppress(OSError):
        sys.stdout.write(line)
        sys.stdout.flush()


def relay(name: str, lines: IO[bytes]) -> Thread:
    """Print each line as it comes, until its last writer is gone."""
    thread = Thread(target=_relay, args=(name, lines), name=f"output of {name}", daemon=True)
    thread.start()
    return thread


def open_log(path: Path) -> IO[bytes]:
    """Open a log file to append to."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("ab")


def _relay(name: str, lines: IO[bytes]) -> None:
    with lines:
        for line in lines:
            say(line.decode(errors="replace").rstrip("\n"), name=name)
