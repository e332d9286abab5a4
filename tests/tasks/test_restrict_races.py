"""Jobs and humans at once: one restriction of a kind, and no cursor that a pause does not reach."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from tasks import distribute
from tasks.alone import RULES, SUSPECT
from tasks.checks import flags, restrict, suspicion
from tasks.errors import IllegalTransition, Paused
from tasks.invariants import broken
from tasks.models import Flag, Restriction
from tests.factories import (
    NOON,
    a_project,
    a_requester,
    a_worker,
    never_gold,
    published_batch,
)
from tests.payments.books import at_once
from tests.tasks.restricting import restrictions, ruled_batch, say
from tests.tasks.sessions import in_thread, locked, wait_for_a_lock
from workers.models import Event

pytestmark = pytest.mark.django_db(transaction=True)


def failed(**fields):
    batch, worker = ruled_batch("default", gold=30, **fields), a_worker()
    return batch, worker, say(batch, worker, ["dog"] * 10, gold=True)


def test_of_eight_runs_at_once_one_makes_each_restriction():
    _, worker, end = failed()

    made = at_once([partial(restrict.apply_due, now=end)] * 8)

    assert sum(made) == 3
    assert restrictions(worker) == [("limit", 2), ("more_gold", 0.3), ("pause", 24)]
    assert Event.objects.filter(kind="restriction_made").count() == 3
    assert broken(now=end) == []


def test_of_eight_runs_at_once_one_ends_what_is_over():
    _, worker, end = failed()
    restrict.apply_due(now=end)

    ended = at_once([partial(restrict.lift_ended, now=end + timedelta(days=1))] * 8)

    assert sum(ended) == 1
    assert restrictions(worker) == [("limit", 2), ("more_gold", 0.3)]
    assert broken(now=end) == []


def test_of_a_human_and_the_clock_one_ends_a_pause():
    batch, _, end = failed()
    restrict.apply_due(now=end)
    pause, later = Restriction.objects.get(kind="pause"), end + timedelta(days=1)

    said, ended = at_once(
        [
            partial(restrict.lift, restriction=pause, actor=batch.project.requester, now=later),
            partial(restrict.lift_ended, now=later),
        ]
    )

    assert (said, ended) == (None, 0) or (isinstance(said, IllegalTransition) and ended == 1)
    assert broken(now=later) == []


def test_a_first_claim_waits_for_a_pause_that_is_being_made():
    project = a_project(requester=a_requester())
    other = published_batch(tasks=3, project=project)
    _, worker, end = failed(project=project)
    outcome = []

    def come():
        try:
            distribute.claim(batch_id=other.pk, worker=worker, now=end, draw=never_gold)
        except Paused as error:
            outcome.append(error)

    # Somebody holds the worker; the pause and then the claim queue behind them.
    with locked("SELECT FROM workers_worker WHERE id = %s FOR NO KEY UPDATE", worker.pk):
        pausing = in_thread(partial(restrict.apply_due, now=end))
        wait_for_a_lock()
        claiming = in_thread(come)
        wait_for_a_lock(waiters=2)
    pausing.join()
    claiming.join()

    assert len(outcome) == 1
    assert broken(now=end) == []


def test_of_two_who_decide_at_once_one_does():
    batch, worker = ruled_batch(), a_worker()
    flags.raise_flag(
        worker_id=worker.pk, batch_id=batch.pk, kind="gold", sentence="s", evidence={}, now=NOON
    )
    flag, human = Flag.objects.get(), a_requester()

    outcomes = at_once(
        [
            partial(verb, flag=Flag.objects.get(pk=flag.pk), reason="r", actor=human, now=NOON)
            for verb in (flags.dismiss, flags.uphold) * 3
        ]
    )

    assert [type(each) for each in outcomes].count(IllegalTransition) == 5
    assert Event.objects.filter(kind__startswith="flag_", actor=human).count() == 1


def test_a_question_asked_at_once_is_asked_once():
    batch, worker = ruled_batch(), a_worker()
    asking = partial(
        flags.raise_flag,
        worker_id=worker.pk,
        batch_id=batch.pk,
        kind="ring",
        sentence="s",
        evidence={},
        now=NOON,
    )

    assert sorted(at_once([asking] * 6)) == [False] * 5 + [True]


@pytest.mark.parametrize(
    ("work", "run"),
    [(RULES, restrict.apply_due), (SUSPECT, suspicion.flag_suspects)],
    ids=["rules", "suspicion"],
)
def test_a_batch_that_another_run_has_in_hand_is_left_to_it(work, run):
    batch, _, end = failed()

    with locked("SELECT pg_advisory_lock(%s, %s)", work, batch.pk):
        assert run(now=end) == 0

    assert not Restriction.objects.exists()
    assert not Flag.objects.exists()
