"""Short words for the clock of assignments. Times are seconds after noon."""

from __future__ import annotations

from datetime import timedelta

from tasks import answer
from tests.factories import NOON, fresh

EVERY_15_SECONDS = range(15, 151, 15)
COME_BACK = [*EVERY_15_SECONDS, 500, 515]  # a silence of 350 s in between


def at(seconds):
    return NOON + timedelta(seconds=seconds)


def beat(held, seconds, *, visible=True):
    return answer.beat(assignment_id=held.pk, worker=held.worker, visible=visible, now=at(seconds))


def submit(held, seconds, *, reported=None):
    """Submit and return the assignment as it then is."""
    answer.submit(
        assignment_id=held.pk,
        worker=held.worker,
        answer="cat",
        reported_seconds=reported,
        now=at(seconds),
    )
    return fresh(held)


def worked(held, beats, end, *, reported=None):
    """The time measured of one assignment with these beats: seconds and coverage."""
    for each in beats:
        beat(held, each)
    done = submit(held, end, reported=reported)
    return done.worked_seconds, done.coverage
