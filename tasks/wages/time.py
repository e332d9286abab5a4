"""Working time: what counts as work between claim and submit, and how much of it is paid for.

Only the server's clock is read. The page sends beats while somebody works; a silence of more
than ``IDLE_SECONDS`` is a break, of which that much still counts. Seconds count on from any
origin and may have fractions; what is measured is whole seconds, rounded up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import ceil
from typing import NamedTuple

IDLE_SECONDS = 120
WORKERS_MIN = 5  # from whom on their times replace the estimate
COVERAGE_MIN = 0.8  # of the time, for beats to vouch for it
TIMES_VOUCHED = 3  # of the reference, paid for at most when beats vouch for the time
TIMES_UNVOUCHED = 2
MILLISECONDS = 3  # decimals: what is smaller is the dust of adding fractions


class Clock(NamedTuple):
    """One assignment's time so far. It fits in a row: of beats only sums are kept."""

    started: float
    latest: float  # of start and beats
    active_seconds: float = 0  # until ``latest``, breaks cut
    covered_seconds: float = 0  # until ``latest``, breaks left out
    beats: int = 0


class Worked(NamedTuple):
    seconds: int
    coverage: float  # share of the elapsed time that beats vouch for, 0 to 1


def start(at: float) -> Clock:
    """Return the clock of an assignment claimed at ``at``."""
    return Clock(started=at, latest=at)


def beat(clock: Clock, at: float) -> Clock:
    """Return the clock after a beat received at ``at``.

    One from before the claim is ignored; one that another has overtaken adds no time.
    """
    if at < clock.started:
        return clock
    return _moved(clock, at)._replace(beats=clock.beats + 1)


def finish(clock: Clock, at: float, reported_seconds: int | None = None) -> Worked:
    """Return the time worked when the answer arrives at ``at``.

    Without a beat all of the elapsed time counts: broken telemetry must not cost the worker.
    What the worker reports can lengthen the measured time by half, within the elapsed time;
    it never shortens it.
    """
    ended = _moved(clock, at)
    elapsed = ended.latest - ended.started
    whole = _whole(elapsed)
    if not ended.beats or not elapsed:
        seconds, coverage = whole, 0.0
    else:
        seconds, coverage = _whole(ended.active_seconds), ended.covered_seconds / elapsed
    if reported_seconds is not None:
        seconds = max(seconds, min(reported_seconds, whole, -(-3 * seconds // 2)))
    return Worked(seconds, coverage)


def _moved(clock: Clock, at: float) -> Clock:
    gap = max(at - clock.latest, 0)
    return clock._replace(
        latest=clock.latest + gap,
        active_seconds=clock.active_seconds + min(gap, IDLE_SECONDS),
        covered_seconds=clock.covered_seconds + (gap if gap <= IDLE_SECONDS else 0),
    )


def reference_seconds(by_worker: Mapping[int, Sequence[int]], estimate: int) -> int:
    """Return a job's reference time: the median of its workers' medians, rounded up.

    So one worker's many answers weigh no more than another's few. ``by_worker`` holds the
    times of all submitted answers, rejected ones too; fewer than ``WORKERS_MIN`` workers with
    a time give ``estimate``.
    """
    # Doubled medians of doubled medians: halves and quarters stay whole numbers.
    medians = [_twice_median(times) for times in by_worker.values() if times]
    if len(medians) < WORKERS_MIN:
        return estimate
    return -(-_twice_median(medians) // 4)


def _twice_median(values: Sequence[int]) -> int:
    ordered = sorted(values)
    return ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]


def payable_seconds(seconds: int, coverage: float, reference: int, limit: int) -> int:
    """Return how much of one answer's time the floor is owed for.

    At most a multiple of the ``reference``, the higher one where beats vouch for the time,
    and at most the job's time ``limit``.
    """
    times = TIMES_VOUCHED if coverage >= COVERAGE_MIN else TIMES_UNVOUCHED
    return min(seconds, times * reference, limit)


def payable_total(work: Iterable[Worked], reference: int, limit: int) -> int:
    """Return how much of one worker's time in a job the floor is owed for.

    The sum over their answers; or all of the time, if that is more, up to the lower multiple
    of the ``reference`` for each answer. So one hard task among many is paid in full, while
    taking long on every answer gains nothing beyond ``payable_seconds``.
    """
    work = list(work)
    each = sum(payable_seconds(*one, reference, limit) for one in work)
    taken = sum(min(one.seconds, limit) for one in work)
    return max(each, min(taken, TIMES_UNVOUCHED * reference * len(work)))


def _whole(seconds: float) -> int:
    return ceil(round(seconds, MILLISECONDS))
