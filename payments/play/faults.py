"""Faults to order: requests that get lost, answers that get lost, and doors that are shut."""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """What goes wrong with a request, and whether it was carried out."""

    TIMEOUT_BEFORE = "timeout_before"  # it never arrives
    TIMEOUT_AFTER = "timeout_after"  # it is carried out, the answer never arrives
    RATE_LIMIT = "rate_limit"  # 429: it is not carried out, and the client must wait
    LOCK = "lock"  # 429: an object is in use; the client is told to try again
    CONFLICT = "conflict"  # 409: the key is in use; the client tries again
    ERROR_AFTER = "error_after"  # it is carried out, but answered with 500; the key replays
    ERROR_KEPT = "error_kept"  # the same, and the key replays the 500


USUAL = (
    Fault.TIMEOUT_BEFORE,
    Fault.TIMEOUT_AFTER,
    Fault.RATE_LIMIT,
    Fault.LOCK,
    Fault.ERROR_AFTER,
)


class PlayTimeout(Exception):
    """Nobody has answered; the request may have been carried out."""


@dataclass(frozen=True, slots=True)
class _Planned:
    method: str
    path_prefix: str
    fault: Fault


class Faults:
    """Which request fails how: first those planned, then some at random."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._planned: list[_Planned] = []
        self._random = random.Random(0)  # noqa: S311 - faults are no secrets
        self._share = 0.0
        self._kinds: Sequence[Fault] = USUAL

    def fail_next(self, method: str, path_prefix: str, kind: str, times: int = 1) -> None:
        """Let the next ``times`` requests fail whose method and path fit."""
        planned = _Planned(method.lower(), path_prefix, Fault(kind))
        with self._lock:
            self._planned += [planned] * times

    def at_random(self, *, seed: int, share: float, kinds: Sequence[str] = USUAL) -> None:
        """Let a share of all requests, in [0, 1], fail from now on, each in one of ``kinds``."""
        with self._lock:
            self._random = random.Random(seed)  # noqa: S311 - as above
            self._share = share
            self._kinds = [Fault(kind) for kind in kinds]

    def draw(self, method: str, path: str) -> Fault | None:
        """Return what goes wrong with this request, if anything does."""
        with self._lock:
            for planned in self._planned:
                if planned.method == method and path.startswith(planned.path_prefix):
                    self._planned.remove(planned)
                    return planned.fault
            if self._random.random() < self._share:
                return self._random.choice(self._kinds)
            return None
