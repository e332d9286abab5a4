"""The statements measure what the rules in ``tasks.wages.time`` say, whatever is sent when."""

from __future__ import annotations

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks import clock_sql
from tasks.wages import time
from tests.factories import a_worker, claim, published_batch
from tests.tasks.clocking import at, beat, submit

pytestmark = pytest.mark.django_db
EXAMPLES = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

# Milliseconds, in eighths of a second: those are exact in binary, and so are their sums.
gaps = st.one_of(
    st.integers(0, 320),
    st.sampled_from([79, 80, 81, 959, 960, 961]),  # about 10 s and 120 s
    st.integers(800, 3_200),
).map(lambda eighths: 125 * eighths)
reports = st.none() | st.integers(0, 2_000)


def counted(moments):
    """Those that are not within ten seconds of the one before."""
    kept = []
    for moment in moments:
        if not kept or moment - kept[-1] >= clock_sql.BEAT_REST_SECONDS * 1000:
            kept.append(moment)
    return kept


def by_the_rules(start, beats, end, reported=None):
    clock = time.start(start / 1000)
    for each in beats:
        clock = time.beat(clock, each / 1000)
    return time.finish(clock, end / 1000, reported)


def running(gaps):
    """The moments after these gaps."""
    moments, now = [], 0
    for gap in gaps:
        now += gap
        moments.append(now)
    return moments


@EXAMPLES
@given(st.lists(gaps, max_size=8), gaps, reports)
def test_one_assignment_is_measured_as_the_rules_say(between, rest, reported):
    moments = running(between)
    end = (moments[-1] if moments else 0) + rest
    with transaction.atomic():
        held = claim(published_batch(tasks=1))
        for moment in moments:
            beat(held, moment / 1000)
        done = submit(held, end / 1000, reported=reported)
        transaction.set_rollback(True)

    expected = by_the_rules(0, counted(moments), end, reported)
    assert done.worked_seconds == expected.seconds
    assert done.coverage == pytest.approx(expected.coverage, abs=1e-6)


@EXAMPLES
@given(st.lists(st.tuples(gaps, st.integers(0, 2), st.booleans()), min_size=1, max_size=10))
def test_several_at_a_time_are_measured_one_after_another(steps):
    """Each step is a beat or a submit of one of three assignments, held since the start."""
    now, started, ended = 0, 0, 0
    beats = {which: [] for which in range(3)}
    expected, found = {}, {}
    with transaction.atomic():
        batch, worker = published_batch(tasks=3), a_worker()
        held = [claim(batch, worker) for _ in range(3)]
        for gap, which, ends in steps:
            now += gap
            if which in found:
                continue
            if ends:
                done = submit(held[which], now / 1000)
                found[which] = (done.worked_seconds, done.coverage)
                later = [each for each in counted(beats[which]) if each >= started]
                expected[which] = by_the_rules(started, later, now)
                started = ended = now
            else:
                beat(held[which], now / 1000)
                beats[which].append(now)
        transaction.set_rollback(True)

    for which, (seconds, coverage) in found.items():
        assert seconds == expected[which].seconds
        assert coverage == pytest.approx(expected[which].coverage, abs=1e-6)
    # Nobody works more than the time that passed; each time is rounded up by less than a second.
    assert sum(seconds for seconds, _ in found.values()) <= ended / 1000 + len(found)


def test_the_golden_vector():
    held = claim(published_batch(tasks=1))
    for each in [*range(15, 151, 15), 500, 515]:
        beat(held, each)

    done = submit(held, 600)

    assert done.submitted_at == at(600)
    assert (done.worked_seconds, round(done.coverage, 4)) == (370, 0.4167)
