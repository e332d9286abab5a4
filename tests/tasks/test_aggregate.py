from __future__ import annotations

import pytest
from django.db import transaction

from tasks import aggregate, settle
from tasks import answer as answers
from tasks.models import Assignment, Consensus, Report
from tests.factories import (
    HOUR,
    NOON,
    a_project,
    a_worker,
    claim,
    drafted_batch,
    fresh,
    refuse,
    rejected,
    submitted,
)
from tests.tasks.combining import LATER, SECOND, consensus, majority_batch, work
from tests.tasks.sessions import in_thread, locked, wait_for_a_lock

pytestmark = pytest.mark.django_db


# The consensus.


def test_answers_become_a_consensus_per_task():
    batch = majority_batch(tasks=2)
    for label in "cat", "dog", "cat", "dog":
        submitted(batch, label)

    assert aggregate.aggregate_due(now=LATER) == 1

    assert consensus(batch) == [("cat", 2 / 3, 3), ("dog", 1.0, 1)]
    row = Consensus.objects.first()
    assert (row.name, row.method, row.aggregated_at) == ("label", "majority_vote", LATER)
    assert set(Assignment.objects.values_list("aggregated_at", flat=True)) == {LATER}
    assert fresh(batch).aggregated_at == LATER


def test_a_new_answer_replaces_the_consensus():
    batch = majority_batch(tasks=1)
    submitted(batch, "dog")
    aggregate.aggregate_due(now=LATER)
    for label in "cat", "cat":
        submitted(batch, label)

    aggregate.aggregate_due(now=LATER + HOUR)

    assert consensus(batch) == [("cat", 2 / 3, 3)]
    assert Consensus.objects.get().aggregated_at == LATER + HOUR


def test_without_new_answers_nothing_is_computed():
    batch = majority_batch(tasks=1)
    claim(batch)
    assert aggregate.aggregate_due(now=LATER) == 0

    submitted(batch)
    assert aggregate.aggregate_due(now=LATER) == 1
    assert aggregate.aggregate_due(now=LATER + HOUR) == 0


def test_an_answer_that_was_accepted_before_it_was_aggregated_counts_before_the_batch_closes():
    batch = majority_batch(tasks=1, overlap=1)
    waiting = fresh(submitted(batch))
    settle.accept(assignment=waiting, actor=batch.project.requester, now=NOON)
    settle.pay_accepted(now=NOON)
    settle.wind_up(now=NOON)
    assert fresh(batch).status == "open"

    assert aggregate.aggregate_due(now=LATER) == 1

    assert consensus(batch) == [("cat", 1.0, 1)]
    assert settle.wind_up(now=LATER) == 1


def test_a_rejected_answer_does_not_count():
    batch = majority_batch(tasks=1)
    rejected(batch, "dog")
    submitted(batch, "cat")

    aggregate.aggregate_due(now=LATER)

    assert consensus(batch) == [("cat", 1.0, 1)]


def test_after_a_rejection_the_consensus_is_that_of_the_others():
    batch = majority_batch(tasks=1)
    first = [submitted(batch, label) for label in ("dog", "cat", "dog")]
    aggregate.aggregate_due(now=LATER)
    assert consensus(batch) == [("dog", 2 / 3, 3)]

    refuse(assignment=fresh(first[0]), actor=batch.project.requester, now=LATER)
    assert consensus(batch) == []
    aggregate.aggregate_due(now=LATER + HOUR)

    assert consensus(batch) == [("cat", 0.5, 2)]


def test_when_all_answers_to_a_task_are_rejected_it_has_no_consensus():
    batch = majority_batch(tasks=1)
    waiting = fresh(submitted(batch))
    aggregate.aggregate_due(now=LATER)

    refuse(assignment=waiting, actor=batch.project.requester, now=LATER)

    assert aggregate.aggregate_due(now=LATER + HOUR) == 0
    assert consensus(batch) == []


def test_gold_measures_and_gets_no_consensus_of_its_own():
    batch = majority_batch(tasks=1, gold=1, gold_rate=0.5)
    work(batch, a_worker(), lambda number: "dog", count=2, gold=True)

    aggregate.aggregate_due(now=LATER)

    assert [value for value, *_ in consensus(batch)] == ["dog"]
    assert Report.objects.get(batch=batch).data["elements"]["label"]["gold_accuracy"] == {
        "estimate": 0.25,
        "low": 0.0,
        "high": pytest.approx(0.8, abs=0.2),
        "answers": 1,
    }


def test_each_element_has_a_consensus_of_its_own():
    interface = [
        {"type": "choice", "name": "seen", "options": ["cat", "dog", "bird"], "multiple": True},
        {"type": "text", "name": "note", "required": False},
    ]
    batch = majority_batch(tasks=1, project=a_project(interface=interface))
    for said in (
        {"seen": ["dog", "cat"], "note": "Two of them"},
        {"seen": ["cat", "dog"]},
        {"seen": ["cat"], "note": "two of them"},
    ):
        held = claim(batch)
        answers.submit(assignment_id=held.pk, worker=held.worker, answer=said, now=NOON)

    aggregate.aggregate_due(now=LATER)

    found = {row.name: (row.value, row.method, row.answers) for row in Consensus.objects.all()}
    assert found == {
        "seen": (["cat", "dog"], "majority_vote", 3),
        "note": ("Two of them", "text_majority", 2),
    }


def test_batches_are_aggregated_each_by_itself():
    one, other = majority_batch(tasks=1), majority_batch(tasks=1)
    submitted(one, "cat")
    submitted(other, "dog")
    quiet, draft = majority_batch(tasks=1), drafted_batch(tasks=1)

    assert aggregate.aggregate_due(now=LATER) == 2

    assert [consensus(batch) for batch in (one, other, quiet, draft)] == [
        [("cat", 1.0, 1)],
        [("dog", 1.0, 1)],
        [],
        [],
    ]


# When.


def test_a_batch_rests_for_four_seconds_after_it_was_aggregated():
    batch = majority_batch(tasks=1)
    submitted(batch)
    aggregate.aggregate_due(now=LATER)
    submitted(batch)

    assert aggregate.aggregate_due(now=LATER + 4 * SECOND - SECOND / 1000) == 0
    assert aggregate.aggregate_due(now=LATER + 4 * SECOND) == 1


def test_only_so_many_batches_are_aggregated_in_one_run():
    for _ in range(3):
        submitted(majority_batch(tasks=1))

    assert [aggregate.aggregate_due(now=LATER, limit=2) for _ in range(3)] == [2, 1, 0]


@pytest.mark.django_db(transaction=True)
def test_while_one_run_has_a_batch_in_hand_another_leaves_it_alone():
    batch = majority_batch(tasks=1)
    submitted(batch)

    with locked("SELECT pg_advisory_lock(%s, %s)", aggregate.AGGREGATE, batch.pk):
        assert aggregate.aggregate_due(now=LATER) == 0
        assert not aggregate.aggregate(batch=batch, now=LATER)
    assert consensus(batch) == []
    assert fresh(batch).aggregated_at is None

    assert aggregate.aggregate_due(now=LATER) == 1


@pytest.mark.django_db(transaction=True)
def test_an_answer_that_comes_while_a_run_computes_is_left_for_the_next():
    batch = majority_batch(tasks=1)
    submitted(batch, "dog")
    aggregate.aggregate_due(now=LATER)
    submitted(batch, "cat")

    with transaction.atomic():
        list(Consensus.objects.select_for_update())  # the run waits here with its result
        running = in_thread(lambda: aggregate.aggregate_due(now=LATER + HOUR))
        wait_for_a_lock()
        late = submitted(batch, "cat")
    running.join()

    assert consensus(batch) == [("cat", 0.5, 2)]
    assert fresh(late).aggregated_at is None
    assert aggregate.aggregate_due(now=LATER + 2 * HOUR) == 1
    assert consensus(batch) == [("cat", 2 / 3, 3)]


@pytest.mark.django_db(transaction=True)
def test_a_rejection_while_a_run_computes_is_not_forgotten():
    batch = majority_batch(tasks=1)
    wrong, _ = submitted(batch, "dog"), submitted(batch, "cat")
    aggregate.aggregate_due(now=LATER)
    submitted(batch, "dog")

    with transaction.atomic():
        list(Consensus.objects.select_for_update())  # the run waits here with its result
        running = in_thread(lambda: aggregate.aggregate_due(now=LATER + HOUR))
        wait_for_a_lock()
        refuse(assignment=fresh(wrong), actor=batch.project.requester, now=LATER)
    running.join()
    aggregate.aggregate_due(now=LATER + 2 * HOUR)

    assert consensus(batch) == [("cat", 0.5, 2)]
