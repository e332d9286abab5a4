"""Doubtful tasks are asked again, of workers who are qualified; what they say decides."""

from __future__ import annotations

from functools import partial

import pytest

from payments.errors import CurrencyMismatch, InsufficientFunds
from payments.money import Money
from tasks import publish, settle
from tasks.errors import IllegalTransition
from tasks.invariants import broken
from tasks.models import Batch, Consensus, Review, Task
from tasks.reviews import experts, review
from tests.factories import NOON, a_worker, fresh, may_claim, usd
from tests.payments.books import at_once
from tests.tasks.asking import requiring
from tests.tasks.reviewing import (
    LATER,
    combine,
    consensus_of,
    disputed,
    fixed,
    funded,
    owner,
    put_up,
    said,
    say,
    task_ids,
    waiting,
)
from tests.workers.make import a_qualification_type
from workers import qualify
from workers.errors import InvalidRequirement, NotQualified
from workers.models import Skill

pytestmark = pytest.mark.django_db


def ask(batch, kind, **how):
    asked = {
        "review_ids": None,
        "limit": 100,
        "requirements_json": requiring(kind),
        "reward": usd(20),
        "fee_basis_points": 2000,
        "overlap": 1,
        "draw": lambda bits: 7,
    }
    return experts.ask_experts(batch=batch, actor=owner(batch), now=NOON, **{**asked, **how})


@pytest.fixture
def kind():
    return a_qualification_type()


@pytest.fixture
def expert(kind):
    worker = a_worker()
    qualify.grant(type=kind, worker=worker, now=NOON, actor=None)
    return worker


def doubted(count=1, **fields):
    """A fixed batch with ``count`` waiting reviews, and money for experts."""
    batch = disputed(count, make=fixed, **fields)
    funded(batch, 1_000)
    put_up(batch)
    return batch


def answer_all(made, worker, label):
    count = made.task_count
    say(made, worker, *[label] * count)
    combine(made)


def test_experts_get_copies_in_an_open_paid_batch_of_the_same_version(kind):
    batch = doubted(2)

    made = ask(batch, kind, overlap=2)

    assert (made.status, made.project, made.version) == ("open", batch.project, batch.version)
    assert (made.reward_minor, made.fee_minor, made.overlap) == (20, 4, 2)
    assert (made.task_count, made.slot_count, made.budget_minor) == (2, 4, 4 * 24)
    inputs = [
        list(Task.objects.filter(batch=each).order_by("pk").values_list("input__data", flat=True))
        for each in (batch, made)
    ]
    assert sorted(map(str, inputs[0])) == sorted(map(str, inputs[1]))
    assert {row.expert_task.batch for row in waiting(batch)} == {made}
    assert said("experts_asked", batch) == [{"experts": made.pk, "reviews": 2}]
    assert broken(now=NOON) == []


def test_only_the_qualified_are_handed_the_copies(kind, expert):
    made = ask(doubted(), kind)

    with pytest.raises(NotQualified):
        may_claim(made, a_worker())
    assert may_claim(made, expert)


def test_experts_who_disagree_with_the_crowd_fix_the_task(kind, expert):
    batch = doubted()
    made = ask(batch, kind)
    answer_all(made, expert, "dog")

    assert [experts.collect_experts(now=LATER) for _ in range(2)] == [1, 0]

    row = Review.objects.get()
    assert (row.status, row.value, row.reviewer) == ("fixed", {"label": "dog"}, None)
    assert row.note == f"Decided by experts in batch {made.pk}."
    found = consensus_of(row.task_id)
    assert (found.value, found.source, found.confidence) == ("dog", "review", 1)
    assert broken(now=NOON) == []


def test_experts_who_agree_with_the_crowd_confirm_it(kind, expert):
    batch = doubted()
    answer_all(ask(batch, kind), expert, "cat")

    experts.collect_experts(now=LATER)

    row = Review.objects.get()
    assert (row.status, row.value) == ("accepted", {"label": "cat"})
    assert Skill.objects.filter(source=Skill.Source.REVIEW).count() == 2


def test_experts_who_disagree_among_themselves_are_as_sure_as_they_are(kind, expert):
    batch = doubted()
    other = a_worker()
    qualify.grant(type=kind, worker=other, now=NOON, actor=None)
    made = ask(batch, kind, overlap=2)
    Batch.objects.filter(pk=made.pk).update(aggregation="majority_vote")
    say(made, expert, "dog")
    say(made, other, "cat")
    combine(fresh(made))

    experts.collect_experts(now=LATER)

    assert consensus_of(task_ids(batch)[0]).confidence == 0.5


def test_nothing_is_decided_before_all_experts_have_answered(kind, expert):
    batch = doubted()
    made = ask(batch, kind, overlap=2)
    say(made, expert, "dog")
    combine(made)

    assert experts.collect_experts(now=LATER) == 0
    assert fresh(waiting(batch)[0]).status == "waiting"


def test_an_answer_that_is_not_combined_is_waited_for(kind, expert):
    batch = doubted()
    made = ask(batch, kind)
    say(made, expert, "dog")

    assert experts.collect_experts(now=LATER) == 0


def test_a_reviewer_may_be_quicker_than_the_experts(kind, expert):
    batch = doubted()
    made = ask(batch, kind)
    review.fix(review=waiting(batch)[0], value="cat", reviewer=owner(batch), now=NOON)
    answer_all(made, expert, "dog")

    assert experts.collect_experts(now=LATER) == 0
    assert consensus_of(task_ids(batch)[0]).value == "cat"


def test_a_task_that_experts_have_is_not_given_to_others(kind):
    batch = doubted()
    ask(batch, kind)

    for how in {}, {"review_ids": [row.pk for row in waiting(batch)]}:
        with pytest.raises(IllegalTransition, match="Experts can be asked"):
            ask(batch, kind, **how)


def test_copies_that_nobody_answered_may_be_asked_again(kind, expert):
    batch = doubted()
    first = ask(batch, kind)
    publish.close(batch=first, actor=owner(batch), now=NOON)
    settle.wind_up(now=NOON)

    second = ask(batch, kind)
    answer_all(second, expert, "dog")

    assert experts.collect_experts(now=LATER) == 1
    assert Review.objects.get().expert_task.batch == second


def test_the_least_certain_are_asked_first(kind):
    batch = doubted(3)
    for task, confidence in zip(task_ids(batch), [0.5, 0.3, 0.4], strict=True):
        Review.objects.filter(task=task).update(confidence=confidence)

    ask(batch, kind, limit=2)

    asked = Review.objects.exclude(expert_task=None).values_list("confidence", flat=True)
    assert sorted(asked) == [0.3, 0.4]


def test_a_decided_review_of_the_named_ones_stops_all(kind):
    batch = doubted(2)
    first, second = waiting(batch)
    review.fix(review=first, value="cat", reviewer=owner(batch), now=NOON)

    with pytest.raises(IllegalTransition):
        ask(batch, kind, review_ids=[first.pk, second.pk])

    assert Batch.objects.count() == 1


@pytest.mark.parametrize(
    "asked", [[], [{"qualification": "country", "comparator": "eq", "values": ["US"]}]]
)
def test_whoever_comes_is_no_expert(kind, asked):
    with pytest.raises(InvalidRequirement, match="expert"):
        ask(doubted(), kind, requirements_json=asked)


def test_experts_are_paid_in_the_batchs_currency(kind):
    with pytest.raises(CurrencyMismatch):
        ask(doubted(), kind, reward=Money(20, "EUR"))


def test_an_empty_wallet_asks_nobody(kind):
    batch = disputed(make=fixed)
    put_up(batch)

    with pytest.raises(InsufficientFunds):
        ask(batch, kind)

    assert Batch.objects.count() == 1
    assert waiting(batch)[0].expert_task is None


def test_who_wrote_the_task_is_not_asked_about_it(kind, expert):
    batch = doubted()
    Task.objects.filter(batch=batch).update(author_id=expert.user.person_id)

    made = ask(batch, kind)

    assert not may_claim(made, expert)


def test_a_review_with_experts_is_not_overtaken(kind):
    batch = disputed()
    funded(batch, 100)
    review.queue_due(now=NOON)
    ask(batch, kind)
    Consensus.objects.update(confidence=0.99)

    review.queue_due(now=LATER)

    assert len(waiting(batch)) == 1


@pytest.mark.django_db(transaction=True)
def test_runs_at_once_decide_each_review_once(kind, expert):
    batch = doubted(5)
    answer_all(ask(batch, kind), expert, "dog")

    outcomes = at_once([partial(experts.collect_experts, now=LATER)] * 4)

    assert sum(outcomes) == Review.objects.filter(status="fixed").count() == 5
    assert len(said("review_decided", batch)) == 5


@pytest.mark.django_db(transaction=True)
def test_of_two_who_ask_experts_at_once_one_asks(kind):
    batch = doubted(3)
    funded(batch, 1_000)

    outcomes = at_once([partial(ask, batch, kind)] * 2)

    assert sum(isinstance(each, IllegalTransition) for each in outcomes) == 1
    assert Batch.objects.count() == 2
    assert broken(now=NOON) == []
