from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import Sum

from payments.errors import InsufficientFunds
from tasks import aggregate as aggregation
from tasks import (
    answer,
    distribute,
    draft,
    escrow,
    evidence,
    invariants,
    publish,
    redundancy,
    settle,
)
from tasks.errors import BudgetTooSmall, IllegalTransition, InvalidPolicy
from tasks.models import Assignment, Batch, Task
from tasks.models.task import WAVES_FROM
from tests.factories import (
    HOUR,
    MINUTE,
    NOON,
    a_project,
    a_worker,
    add_tasks,
    claim,
    drafted_batch,
    fresh,
    published_batch,
    refuse,
    rows,
    usd,
)
from tests.tasks.publishing import give

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


def adaptive(**policy):
    return published_batch(**{"redundancy": "adaptive", "overlap": 5, "overlap_min": 2, **policy})


def crowd(count):
    return [a_worker() for _ in range(count)]


def work(batch, workers, says, *, now=NOON):
    """Let each worker claim and answer whatever there is; ``says(task number, worker number)``."""
    ids = Task.objects.filter(batch=batch).order_by("pk").values_list("pk", flat=True)
    order = {pk: place for place, pk in enumerate(ids)}
    done = 0
    for number, worker in enumerate(workers):
        while True:
            handout = distribute.claim(
                batch_id=batch.pk, worker=worker, now=now, draw=lambda: 0.999
            )
            if not handout.assignments:
                break
            given = handout.assignments[0]
            label = says(order[given.task_id], number)
            answer.submit(assignment_id=given.id, worker=worker, answer=label, now=now)
            done += 1
    return done


def overlaps(batch):
    return list(Task.objects.filter(batch=batch).order_by("pk").values_list("overlap", flat=True))


def decide(batch, now=NOON):
    return redundancy.decide_batch(batch=batch, now=now)


def test_a_batch_opens_with_the_minimum_and_brings_its_whole_budget():
    batch = fresh(adaptive(tasks=4, fee_basis_points=0))

    assert overlaps(batch) == [2, 2, 2, 2]
    assert batch.budget_minor == 4 * 5 * 5
    assert batch.reserved == 4 * 2 * 5
    assert invariants.broken(now=NOON) == []


def test_money_goes_to_the_tasks_on_which_workers_disagree():
    batch = adaptive(tasks=40, cap_minor=125 * 6, rule="spend")
    workers = crowd(8)

    def says(task, worker):
        # One task in eight is one on which everybody guesses.
        side = task % 2 if task % 8 else (task // 8 + worker) % 2
        return "cat" if side else "dog"

    for round_ in range(12):
        now = NOON + round_ * MINUTE
        work(batch, workers, says, now=now)
        decide(batch, now)

    asked = overlaps(batch)
    disputed = [asked[n] for n in range(0, 40, 8)]
    agreed = [asked[n] for n in range(40) if n % 8]
    assert disputed == [4] * 5
    assert agreed == [3] * 35
    assert invariants.broken(now=NOON + HOUR) == []


def test_nothing_is_opened_while_no_answer_is_new():
    batch = adaptive(tasks=10)
    work(batch, crowd(3), lambda task, worker: "cat" if worker % 2 else "dog")

    assert decide(batch) > 0
    assert decide(batch) == 0


def test_a_slot_that_is_open_or_claimed_is_waited_for():
    batch = adaptive(tasks=1)
    one, two = crowd(2)
    work(batch, [one], lambda *_: "cat")
    claim(batch, two)

    assert decide(batch) == 0
    assert overlaps(batch) == [2]


def test_the_budget_is_never_exceeded_and_what_is_left_goes_back():
    batch = adaptive(tasks=10, cap_minor=25 * 6, fee_basis_points=2000, auto_accept_delay=0 * HOUR)
    workers = crowd(15)

    for round_ in range(20):
        now = NOON + round_ * MINUTE
        work(batch, workers, lambda task, worker: "cat" if (task + worker) % 2 else "dog", now=now)
        decide(batch, now)
        aggregation.aggregate(batch=batch, now=now)
        settle.accept_due(now=now)
        settle.pay_accepted(now=now)
        settle.wind_up(now=now)
        assert invariants.broken(now=now, late=HOUR) == []

    batch = fresh(batch)
    assert Assignment.objects.filter(batch=batch).count() == 25
    assert batch.status == Batch.Status.CLOSED
    assert batch.spent == 25 * 6 == batch.budget_minor - batch.refunded_minor


def test_a_batch_does_not_close_before_the_last_answers_were_looked_at():
    batch = adaptive(tasks=3, auto_accept_delay=0 * HOUR)
    work(batch, crowd(4), lambda task, worker: "cat" if worker % 2 else "dog")
    settle.accept_due(now=NOON)
    settle.pay_accepted(now=NOON)
    aggregation.aggregate(batch=batch, now=NOON)

    settle.wind_up(now=NOON)
    assert fresh(batch).status == Batch.Status.OPEN

    assert decide(batch) == 3
    settle.wind_up(now=NOON)
    assert fresh(batch).status == Batch.Status.OPEN


def test_a_late_answer_opens_a_task_again():
    batch = adaptive(tasks=20, overlap=8)
    one, two, slow = crowd(3)

    def says(task, worker):
        return "cat" if task % 2 else "dog"

    work(batch, [one], says)
    late = claim(batch, slow)
    work(batch, [two, *crowd(2)], says)
    decide(batch)
    work(batch, crowd(3), says)
    decide(batch)
    known = Task.objects.get(pk=late.task_id).overlap

    answer.submit(assignment_id=late.pk, worker=slow, answer="cat", now=NOON + MINUTE)
    decide(batch, NOON + MINUTE)

    assert Task.objects.get(pk=late.task_id).overlap == known + 1


def test_reopened_tasks_lie_ahead_of_every_worker():
    batch = adaptive(tasks=3)
    workers = crowd(5)
    work(batch, workers, lambda task, worker: "cat" if worker % 2 else "dog")
    decide(batch)

    positions = Task.objects.filter(batch=batch).values_list("position", flat=True)
    assert all(position >= WAVES_FROM for position in positions)
    assert work(batch, workers, lambda *_: "cat") == 3


def test_a_task_that_every_worker_has_answered_waits_for_nobody_once_no_one_new_comes():
    batch = adaptive(tasks=2)
    give(batch, 100)
    one, two = crowd(2)
    work(batch, [one, two], lambda task, worker: "cat" if worker else "dog")
    add_tasks(batch, rows(1))
    later = NOON + evidence.NEWCOMERS
    work(batch, [one, two], lambda *_: "cat", now=later)

    assert decide(batch, later) == 0

    add_tasks(batch, rows(1))
    work(batch, crowd(1), lambda *_: "cat", now=later)
    assert decide(batch, later) >= 2


def test_slots_that_nobody_here_can_take_are_withdrawn_after_a_quiet_hour():
    batch = adaptive(tasks=2)
    work(batch, crowd(2), lambda task, worker: "cat" if worker else "dog")
    assert decide(batch) == 2
    held = fresh(batch).reserved

    assert decide(batch, NOON + HOUR - SECOND) == 0
    assert overlaps(batch) == [3, 3]
    decide(batch, NOON + HOUR)

    assert overlaps(batch) == [2, 2]
    assert fresh(batch).reserved == held - 2 * 6
    assert invariants.broken(now=NOON) == []


def test_a_rejected_answer_no_longer_counts():
    batch = adaptive(tasks=1, overlap_min=2)
    workers = crowd(4)
    work(batch, workers[:2], lambda *_: "cat")
    decide(batch)
    refused = Assignment.objects.filter(batch=batch).first()
    refuse(
        assignment=Assignment.objects.select_related("batch__project").get(pk=refused.pk),
        actor=batch.project.requester,
        now=NOON,
    )

    decide(batch, NOON + SECOND)
    assert fresh(batch).decided_answers == 1


def test_gold_grows_with_what_is_opened():
    batch = adaptive(tasks=20, gold=2, gold_rate=0.2)
    before = Task.objects.filter(batch=batch, lane=2).aggregate(n=Sum("overlap"))["n"]
    work(batch, crowd(4), lambda task, worker: "cat" if (task + worker) % 2 else "dog")
    decide(batch)

    after = Task.objects.filter(batch=batch, lane=2).aggregate(n=Sum("overlap"))["n"]
    assert after == escrow.gold_overlap(fresh(batch)) * 2 > before
    assert invariants.broken(now=NOON) == []


def test_a_cap_below_the_first_answers_is_refused_with_what_is_missing():
    with pytest.raises(BudgetTooSmall) as refused:
        adaptive(tasks=10, cap_minor=10 * 6)

    assert refused.value.missing == usd(60)


def test_raising_the_budget_lets_more_be_asked():
    batch = adaptive(tasks=5, cap_minor=10 * 6)
    workers = crowd(6)
    says = lambda task, worker: "cat" if (task + worker) % 2 else "dog"  # noqa: E731
    work(batch, workers, says)
    assert decide(batch) == 0
    owner = batch.project.requester

    with pytest.raises(InsufficientFunds):
        publish.raise_budget(batch=batch, budget=usd(90), actor=owner, now=NOON)
    give(batch, 30)
    publish.raise_budget(batch=batch, budget=usd(90), actor=owner, now=NOON)

    assert decide(batch) == 5
    assert fresh(batch).budget_minor == 90
    assert invariants.broken(now=NOON) == []


def test_a_budget_can_only_be_raised_and_only_where_redundancy_is_adaptive():
    batch = adaptive(tasks=5, cap_minor=20 * 6)
    owner = batch.project.requester

    with pytest.raises(InvalidPolicy):
        publish.raise_budget(batch=batch, budget=usd(1), actor=owner, now=NOON)
    fixed = published_batch(tasks=1)
    with pytest.raises(IllegalTransition):
        publish.raise_budget(batch=fixed, budget=usd(100), actor=fixed.project.requester, now=NOON)


def test_tasks_added_to_a_capped_batch_must_fit_into_its_cap():
    batch = adaptive(tasks=5, cap_minor=12 * 6)

    add_tasks(batch, rows(1))
    with pytest.raises(BudgetTooSmall):
        add_tasks(batch, rows(1))
    assert fresh(batch).task_count == 6


def test_the_quote_of_an_adaptive_draft_is_the_most_it_may_cost():
    draft_ = drafted_batch(tasks=10, redundancy="adaptive", overlap=5)

    assert publish.quote(draft_, now=NOON).total.minor == 10 * 5 * 6


@pytest.mark.parametrize(
    "policy",
    [
        {"overlap_min": 4, "overlap_max": 3},
        {"overlap": 2, "overlap_min": 3},
        {"redundancy": "fixed", "cap_minor": 500},
    ],
)
def test_a_policy_that_contradicts_itself_is_refused(policy):
    with pytest.raises(InvalidPolicy):
        draft.create_batch(
            project=a_project(),
            reward=usd(1),
            fee_basis_points=0,
            policy=draft.Policy(**{"redundancy": "adaptive", **policy}),
            now=NOON,
        )


def test_evidence_that_is_lost_is_read_again(monkeypatch):
    batch = adaptive(tasks=12)
    workers = crowd(6)
    says = lambda task, worker: "cat" if (task * worker) % 3 else "dog"  # noqa: E731
    work(batch, workers, says)
    decide(batch)
    work(batch, workers, says, now=NOON + MINUTE)
    kept = evidence._remembered[batch.pk]
    kept.refresh()
    anew = evidence.Evidence(fresh(batch))
    anew.refresh()

    assert anew.answers == kept.answers
    assert (
        anew.view([], now=NOON).state.answers.tolist()
        == kept.view([], now=NOON).state.answers.tolist()
    )


def test_a_paused_batch_is_still_looked_at_and_a_closing_one_is_not():
    batch = adaptive(tasks=3)
    owner = batch.project.requester
    work(batch, crowd(4), lambda task, worker: "cat" if worker % 2 else "dog")
    publish.pause(batch=batch, actor=owner, now=NOON)

    assert redundancy.decide_due(now=NOON) == 3

    publish.close(batch=fresh(batch), actor=owner, now=NOON)
    assert redundancy.decide_due(now=NOON) == 0
