"""How much CPU time all processes together have used, and which of them.

Read from Linux's ``/proc``. Elsewhere, and for servers on another machine, only this process and
those it started and saw end are known.
"""

from __future__ import annotations

import os
import resource
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import redis
from django.conf import settings
from django.db import connection

PROC = Path("/proc")
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
# Which part of the site a process is, by a word of its command line.
PARTS = {"granian": "web", "worker": "job runner", "beat": "clock"}


class Process(NamedTuple):
    """One process, with what its ended children used."""

    parent: int
    seconds: float
    started: int  # clock ticks since the machine started
    command: str


@dataclass
class Meter:
    """Measures from its making on; ``site`` is the process that started the site's parts.

    What started together with this process or later is counted from its start.
    """

    site: int
    _before: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._before = self._sample(since=_started(os.getpid()))

    def parts(self) -> dict[str, float]:
        """Return the CPU seconds of each part that can be seen, but for this process."""
        now = self._sample()
        return {name: max(0.0, used - self._before.get(name, 0.0)) for name, used in now.items()}

    def all(self, during: Mapping[str, float]) -> dict[str, float]:
        """Return the CPU seconds of everything, at the end.

        ``during`` are the ``parts()`` from before the site was stopped, if it was this process
        that started and stopped it.
        """
        ended = ended_seconds()
        if self.site == os.getpid():
            ended -= sum(during.get(name, 0.0) for name in PARTS.values())
        return {
            **during,
            **self.parts(),
            "starting and stopping": max(0.0, ended),
            "simulated crowd and requester": own_seconds(),
        }

    def _sample(self, *, since: int | None = None) -> dict[str, float]:
        """Sum up each part; with ``since``, only what had started before that tick."""
        connection.ensure_connection()
        seen = dict(processes())
        roots = {"PostgreSQL": _postgres(seen), "Redis": _redis(seen)}
        roots |= {name: pid for pid, name in _parts_of(self.site, seen)}
        return {
            name: tree_seconds(pid, seen)
            for name, pid in roots.items()
            if pid in seen and (since is None or seen[pid].started < since)
        }


def own_seconds() -> float:
    """Return what this process has used itself."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def ended_seconds() -> float:
    """Return what the processes used that this one started and saw end."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def processes() -> Iterator[tuple[int, Process]]:
    """Return every process that can be seen, by its id."""
    for folder in PROC.glob("[0-9]*"):
        try:
            # The name before the state is in brackets and may hold anything.
            facts = (folder / "stat").read_text().rpartition(")")[2].split()
            words = (folder / "cmdline").read_text(errors="replace")
        except OSError:
            continue  # it has just ended
        ticks = sum(map(int, facts[11:15]))
        yield (
            int(folder.name),
            Process(int(facts[1]), ticks / TICKS_PER_SECOND, int(facts[19]), words),
        )


def tree_seconds(root: int, seen: Mapping[int, Process]) -> float:
    """Return what a process and all its descendants have used."""
    children = defaultdict(list)
    for pid, process in seen.items():
        children[process.parent].append(pid)
    total, waiting = 0.0, [root]
    while waiting:
        pid = waiting.pop()
        total += seen[pid].seconds
        waiting += children[pid]
    return total


def _parts_of(site: int, seen: Mapping[int, Process]) -> Iterator[tuple[int, str]]:
    for pid, process in seen.items():
        if process.parent == site:
            words = process.command.split("\0")
            yield from ((pid, name) for word, name in PARTS.items() if word in words)


def _started(pid: int) -> int:
    return dict(processes()).get(pid, Process(0, 0.0, 0, "")).started


def _postgres(seen: Mapping[int, Process]) -> int:
    """Return the process id of the server: the parent of whoever serves this connection."""
    backend = seen.get(connection.connection.info.backend_pid)
    return backend.parent if backend and backend.command.startswith("postgres") else 0


def _redis(seen: Mapping[int, Process]) -> int:
    with redis.from_url(settings.REDIS_URL) as server:
        pid = int(server.info("server")["process_id"])
    return pid if pid in seen and "redis" in seen[pid].command else 0
