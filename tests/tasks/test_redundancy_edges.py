from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection, transaction

from tasks import (
    aggregate,
    answer,
    evidence,
    invariants,
    publish,
    redundancy,
    settle,
)
from tasks.errors import InvalidPolicy
from tasks.models import Assignment, Batch, Task
from tests.factories import (
    HOUR,
    MINUTE,
    NOON,
    a_project,
    claim,
    drafted_batch,
    fresh,
    link,
    refuse,
    rows,
    usd,
)
from tests.tasks.sessions import in_thread, locked, wait_for_a_lock
from tests.tasks.steering import adaptive, agree, crowd, decide, disagree, overlaps, work

SECOND = timedelta(seconds=1)
QUIET = redundancy.QUIET
COMMENT = [
    {"type": "choice", "name": "label", "options": ["cat", "dog"]},
    {"type": "text", "name": "comment", "required": False},
]


@pytest.fixture(autouse=True)
def nothing_is_remembered():
    evidence._remembered.clear()


def reject(assignment, now=NOON):
    refuse(
        assignment=Assignment.objects.select_related("batch__project").get(pk=assignment.pk),
        actor=assignment.batch.project.requester,
        now=now,
    )


def settle_all(batch, now):
    settle.accept_due(now=now)
    settle.pay_accepted(now=now)
    aggregate.aggregate(batch=fresh(batch), now=now)
    settle.wind_up(now=now)
    return fresh(batch).status


@pytest.mark.django_db
def test_a_look_that_died_half_way_is_not_remembered(monkeypatch):
    batch = adaptive(tasks=6)
    work(batch, crowd(2), disagree)
    hear, heard = evidence.Evidence._hear, []

    def dying(self, *args):
        if len(heard) == 5:
            raise KeyboardInterrupt
        heard.append(args)
        return hear(self, *args)

    monkeypatch.setattr(evidence.Evidence, "_hear", dying)
    with pytest.raises(KeyboardInterrupt):
        decide(batch)
    monkeypatch.undo()
    decide(batch)

    assert fresh(batch).decided_answers == 12


@pytest.mark.django_db
def test_an_answer_after_a_quiet_hour_is_looked_at_soon():
    batch = adaptive(tasks=4)
    work(batch, crowd(1), agree)
    decide(batch)
    redundancy.decide_due(now=NOON + QUIET)

    later = NOON + QUIET + MINUTE
    work(batch, crowd(1), lambda *_: "dog", now=later)

    assert redundancy.decide_due(now=later) == 4


@pytest.mark.django_db
def test_answers_every_task_is_to_have_are_waited_for_through_a_quiet_hour():
    batch = adaptive(tasks=4, auto_accept_delay=0 * HOUR)
    work(batch, crowd(1), agree)
    decide(batch)

    decide(batch, NOON + QUIET)
    settle_all(batch, NOON + QUIET)
    decide(batch, NOON + QUIET + SECOND)

    assert overlaps(batch) == [2] * 4
    assert settle_all(batch, NOON + QUIET + SECOND) == Batch.Status.OPEN


@pytest.mark.django_db
def test_while_a_batch_is_paused_silence_means_nothing():
    batch = adaptive(tasks=2)
    work(batch, crowd(2), disagree)
    assert decide(batch) == 2
    publish.pause(batch=fresh(batch), actor=batch.project.requester, now=NOON)

    decide(batch, NOON + QUIET)

    assert overlaps(batch) == [3, 3]


@pytest.mark.django_db
def test_a_slot_of_a_task_that_the_others_skipped_is_withdrawn_too():
    batch = adaptive(tasks=2, auto_accept_delay=0 * HOUR)
    one, two, three = crowd(3)
    work(batch, [one, two], disagree)
    decide(batch)
    # The third answers one task and cannot say what the other shows.
    work(batch, [three], agree, most=1)
    answer.skip(assignment=claim(batch, three), now=NOON)
    decide(batch)

    for hours in range(1, 4):
        decide(batch, NOON + hours * QUIET)
        decide(batch, NOON + hours * QUIET + SECOND)
    assert settle_all(batch, NOON + 4 * QUIET) == Batch.Status.CLOSED
    assert invariants.broken(now=NOON + 4 * QUIET) == []


@pytest.mark.django_db
def test_two_accounts_of_a_person_are_one_who_could_answer():
    batch = adaptive(tasks=2, auto_accept_delay=0 * HOUR)
    one, two, second = crowd(3)
    link(two, second)
    work(batch, [one], agree)
    work(batch, [two], lambda *_: "dog", most=1)
    work(batch, [second], lambda *_: "dog")

    decide(batch, NOON + 2 * QUIET)
    for hours in range(3, 6):
        decide(batch, NOON + hours * QUIET)
        decide(batch, NOON + hours * QUIET + SECOND)
    assert settle_all(batch, NOON + 6 * QUIET) == Batch.Status.CLOSED


@pytest.mark.django_db
def test_tasks_whose_time_is_up_do_not_stand_in_the_way_of_others():
    soon = NOON + MINUTE
    batch = adaptive(
        tasks=[*rows(3, expires_at=soon), *rows(3)], overlap=3, overlap_max=3, cap_minor=15 * 6
    )
    workers = crowd(4)
    work(batch, workers, disagree)

    opened = decide(batch, soon)

    assert opened == 3
    assert overlaps(batch) == [2, 2, 2, 3, 3, 3]


@pytest.mark.django_db
def test_a_batch_whose_only_answer_was_rejected_is_still_looked_at():
    batch = adaptive(tasks=2, overlap_min=1)
    work(batch, crowd(1), agree, most=1)
    decide(batch)
    reject(Assignment.objects.get(batch=batch))

    decide(batch, NOON + MINUTE)

    assert fresh(batch).decided_answers == 0
    assert invariants.broken(now=NOON) == []


@pytest.mark.django_db
def test_a_comment_that_nobody_leaves_asks_for_no_more_answers():
    def label_only(task, worker):
        return {"label": "cat" if task % 2 else "dog"}

    with_comment = adaptive(tasks=20, project=a_project(interface=COMMENT), overlap=8)
    without = adaptive(tasks=20, overlap=8)
    for batch, says in (with_comment, label_only), (without, label_only):
        workers = crowd(8)
        for minute in range(6):
            work(batch, workers, says, now=NOON + minute * MINUTE)
            decide(batch, NOON + minute * MINUTE)

    assert overlaps(with_comment) == overlaps(without)


@pytest.mark.django_db
def test_a_comment_of_one_worker_asks_for_no_more_answers():
    def says(task, worker):
        said = {"label": "cat" if task % 2 else "dog"}
        return said | {"comment": f"Number {task}."} if worker == 0 else said

    batch = adaptive(tasks=20, project=a_project(interface=COMMENT), overlap=8)
    workers = crowd(8)
    for minute in range(6):
        work(batch, workers, says, now=NOON + minute * MINUTE)
        decide(batch, NOON + minute * MINUTE)

    assert max(overlaps(batch)) <= 4


@pytest.mark.django_db
def test_batches_without_news_do_not_keep_others_waiting():
    idle = [adaptive(tasks=1) for _ in range(3)]
    redundancy.decide_due(now=NOON)
    batch = adaptive(tasks=3)
    work(batch, crowd(3), disagree)

    opened = sum(redundancy.decide_due(now=NOON + n * SECOND, limit=2) for n in range(1, 4))

    assert len(idle) == 3
    assert opened == 3


@pytest.mark.django_db
def test_a_batch_without_news_is_not_read_again_by_a_process_that_never_saw_it():
    batch = adaptive(tasks=5)
    work(batch, crowd(3), disagree)
    decide(batch)
    wave = fresh(batch).wave
    evidence._remembered.clear()

    decide(batch, NOON + MINUTE)

    assert evidence._remembered == {}
    assert fresh(batch).wave == wave


@pytest.mark.django_db
def test_a_rejection_and_a_new_answer_are_news_though_the_number_is_the_same():
    batch = adaptive(tasks=1, overlap_min=2)
    work(batch, crowd(2), agree)
    decide(batch)
    evidence._remembered.clear()
    reject(Assignment.objects.filter(batch=batch).first())
    work(batch, crowd(1), lambda *_: "dog", now=NOON + MINUTE)

    decide(batch, NOON + MINUTE)

    assert fresh(batch).decided_through == NOON + MINUTE


@pytest.mark.django_db
def test_slots_that_were_withdrawn_are_not_wanted_any_more():
    batch = adaptive(tasks=2)
    work(batch, crowd(2), disagree)
    decide(batch)
    decide(batch, NOON + QUIET)

    assert fresh(batch).slot_count == sum(overlaps(batch)) == 4


@pytest.mark.django_db
def test_a_budget_of_nothing_is_refused_of_an_empty_draft_too():
    draft = drafted_batch(tasks=0, redundancy="adaptive", overlap=3)

    with pytest.raises(InvalidPolicy):
        publish.raise_budget(batch=draft, budget=usd(0), actor=draft.project.requester, now=NOON)


@pytest.mark.django_db
@pytest.mark.parametrize("cents", [1, 2, 3, 5])
def test_gold_that_the_rest_cannot_pay_is_left_out_in_any_currency(cents):
    first = 4 * 2 + 3
    batch = adaptive(
        tasks=4, gold=3, gold_rate=0.2, reward=usd(1), fee_basis_points=0, cap_minor=first + cents
    )
    work(batch, crowd(4), disagree)

    opened = decide(batch)

    batch = fresh(batch)
    assert batch.reserved + batch.spent <= batch.budget_minor == first + cents
    assert opened == int(cents / 1.25)
    assert invariants.broken(now=NOON) == []


@pytest.mark.django_db(transaction=True)
def test_money_that_is_held_while_the_look_waits_for_the_batch_is_not_spent_twice():
    batch = adaptive(tasks=3, cap_minor=9 * 6)
    work(batch, crowd(4), disagree)
    failed = []

    def look():
        try:
            decide(batch)
        except Exception as error:  # noqa: BLE001
            failed.append(error)

    # What an upload does: it has the batch, and holds money until one slot is left.
    both = (
        "WITH b AS (SELECT escrow_id FROM tasks_batch WHERE id = %s FOR NO KEY UPDATE)"
        " UPDATE payments_account a SET held_minor = held_minor + 12"
        " FROM b WHERE a.id = b.escrow_id"
    )
    with locked(both, batch.pk, commit=True):
        thread = in_thread(look)
        wait_for_a_lock()
    thread.join()

    assert failed == []
    assert sum(overlaps(batch)) == 7


@pytest.mark.django_db(transaction=True)
def test_a_look_has_all_tasks_before_it_has_the_money():
    batch = adaptive(tasks=3, gold=1, gold_rate=0.5)
    work(batch, crowd(4), disagree)
    gold = Task.objects.get(batch=batch, lane=2)
    free = []

    with locked("SELECT FROM tasks_task WHERE id = %s FOR UPDATE", gold.pk):
        thread = in_thread(lambda: decide(batch))
        wait_for_a_lock()
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT id FROM payments_account WHERE id = %s FOR UPDATE SKIP LOCKED",
                [batch.escrow_id],
            )
            free = cursor.fetchall()
    thread.join()

    assert free == [(batch.escrow_id,)]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("elements", "one", "two"),
    [
        ([{"type": "ranking", "name": "q", "items": ["a", "b", "c"]}], "abc", "cba"),
        ([{"type": "number", "name": "q"}], 0, 5),
        ([{"type": "rating", "name": "q", "max": 100}], 1, 100),
        ([{"type": "text", "name": "q"}], "Ä", "ß 猫"),
        ([{"type": "choice", "name": "q", "options": ["a", "b"], "multiple": True}], ["a"], ["b"]),
        (
            [{"type": "spans", "name": "q", "of": "${image}", "labels": ["X"]}],
            [],
            [{"label": "X", "start": 0, "end": 2}],
        ),
        (
            [{"type": "masks", "name": "q", "of": "${image}", "labels": ["X"]}],
            [{"label": "X", "size": [2, 2], "counts": [1, 2, 1]}],
            [{"label": "X", "size": [2, 2], "counts": [0, 2, 2]}],
        ),
        (
            [{"type": "polygons", "name": "q", "of": "${image}", "labels": ["X"]}],
            [],
            [{"label": "X", "points": [[0.1, 0.1], [0.5, 0.1], [0.5, 0.5]]}],
        ),
        (
            [{"type": "keypoints", "name": "q", "of": "${image}", "labels": ["X"]}],
            [{"label": "X", "x": 0.5, "y": 0.5}],
            [{"label": "X", "x": 0.9, "y": 0.9}],
        ),
    ],
    ids=["ranking", "number", "rating", "text", "multiple", "spans", "masks", "polygons", "points"],
)
def test_every_kind_of_answer_steers(elements, one, two):
    batch = adaptive(tasks=1, project=a_project(interface=elements))
    said = [{"q": list(each) if elements[0]["type"] == "ranking" else each} for each in (one, two)]
    work(batch, crowd(2), lambda task, worker: said[worker])

    assert decide(batch) == 1
