"""What the tests of running programs share: programs to run, and waiting for what they do."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from marketplace.embedded import processes

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
