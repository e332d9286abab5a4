"""Publishing under a wage floor: who is refused, what is set aside, what a quote says."""

from __future__ import annotations

from datetime import timedelta

import pytest

from payments import accounts, debts, ledger
from payments.errors import InsufficientFunds
from payments.ledger import Posting
from payments.models import Account, Transfer
from payments.money import Money
from tasks import answer, draft, publish
from tasks.compensation import wage
from tasks.errors import DeadlineTooShort, RewardBelowFloor
from tasks.models import Batch, Wage
from tests.factories import (
    CATS_OR_DOGS,
    NOON,
    a_worker,
    add_tasks,
    claim,
    drafted_batch,
    floor,
    fresh,
    published_batch,
    rows,
    usd,
)
from tests.tasks.compensation.paying import (
    LATER,
    crowd,
    fair,
    give,
    owner,
    reserve,
    rich,
    wallet,
)

pytestmark = pytest.mark.django_db
HOURS = timedelta(hours=2)


def publish_it(batch):
    return publish.publish(batch=batch, actor=owner(batch), now=NOON)


def test_without_a_floor_nothing_is_promised_and_nothing_set_aside():
    batch = published_batch(tasks=2)

    assert (batch.floor_minor, batch.reserve_id, batch.pilot_left) == (None, None, None)
    assert not Wage.objects.exists()


def test_a_reward_below_the_floor_is_refused_with_the_least_that_is_not():
    floor(1200)
    batch = drafted_batch(reward=usd(99), estimate_seconds=300, project=rich())

    with pytest.raises(RewardBelowFloor) as refused:
        publish_it(batch)

    error = refused.value
    assert (error.minimum, error.floor, error.seconds) == (usd(100), usd(1200), 300)
    assert fresh(batch).status == Batch.Status.DRAFT
    assert not Account.objects.filter(purpose="reserve").exists()


def test_the_least_reward_is_accepted():
    floor(1200)
    batch = publish_it(drafted_batch(reward=usd(100), estimate_seconds=300, project=rich()))

    assert (batch.floor_minor, batch.estimate_seconds) == (1200, 300)


def test_a_deadline_below_three_times_the_estimate_is_refused():
    floor(1200)
    draft = drafted_batch(
        reward=usd(100),
        estimate_seconds=300,
        assignment_duration=timedelta(seconds=899),
        project=rich(),
    )

    with pytest.raises(DeadlineTooShort) as refused:
        publish_it(draft)

    assert refused.value.seconds == 900


def test_who_names_no_estimate_is_held_to_what_the_reward_pays_for():
    floor(1200)
    batch = publish_it(drafted_batch(reward=usd(100), assignment_duration=HOURS, project=rich()))

    assert batch.estimate_seconds == 300


def test_an_implied_estimate_leaves_room_before_the_deadline():
    floor(1200)
    short = timedelta(minutes=10)
    batch = publish_it(drafted_batch(reward=usd(100), assignment_duration=short, project=rich()))

    assert batch.estimate_seconds == 200


def test_the_floor_is_the_highest_of_the_places_that_the_batch_names():
    floor(1200)
    floor(1690, jurisdiction="US-CA")
    floor(1501, jurisdiction="US")
    floor(2644, jurisdiction="AU")
    here = {"qualification": "country", "comparator": "in", "values": ["US-CA", "DE"]}
    not_there = {"qualification": "country", "comparator": "ne", "values": ["AU"]}
    draft = drafted_batch(reward=usd(200), requirements=[here, not_there], project=rich())

    assert publish_it(draft).floor_minor == 1690


def test_the_reserve_pays_the_floor_for_half_again_the_estimate_and_a_fifth_more():
    floor(1200)
    batch = fair(tasks=3, overlap=2, reward=usd(100), estimate_seconds=300)

    # 1.2 · 1200 · 450 / 3600 = 180, less the reward.
    assert batch.reserve_each_minor == 80
    assert (batch.reserve_minor, reserve(batch)) == (480, 480)
    assert batch.budget_minor == 6 * 120
    [moved] = Transfer.objects.filter(kind="set_aside").values_list("key", "amount_minor")
    assert moved == (f"set_aside:{batch.pk}:480", 480)


def test_gold_answers_have_their_part_of_the_reserve():
    floor(1200)
    batch = fair(tasks=10, gold=2, overlap=3, gold_rate=0.25, reward=usd(100), estimate_seconds=300)

    assert batch.reserve_minor == 40 * 80


def test_an_adaptive_batch_sets_aside_for_what_its_budget_pays_for_and_keeps_to_its_cap():
    floor(1200)
    batch = fair(
        tasks=2, redundancy="adaptive", cap_minor=1000, reward=usd(100), estimate_seconds=300
    )

    assert (batch.budget_minor, batch.reserve_minor) == (1000, 8 * 80)


def test_the_reserve_grows_with_an_upload():
    floor(1200)
    batch = fair(tasks=2, reward=usd(100), estimate_seconds=300)

    add_tasks(batch, rows(3))

    assert (fresh(batch).reserve_minor, reserve(batch)) == (400, 400)


def test_the_reserve_grows_with_a_raised_budget():
    floor(1200)
    batch = fair(
        tasks=2, redundancy="adaptive", cap_minor=1000, reward=usd(100), estimate_seconds=300
    )

    publish.raise_budget(batch=batch, budget=usd(1200), actor=owner(batch), now=NOON)

    assert reserve(batch) == 10 * 80


def test_an_upload_to_more_than_thirty_answers_begins_a_pilot_of_what_is_not_claimed():
    floor(1200)
    batch = fair(tasks=30, reward=usd(100), estimate_seconds=300)
    crowd(batch, 300, 300)
    answer.skip(assignment=claim(batch), now=NOON)

    add_tasks(batch, rows(1))

    assert fresh(batch).pilot_left == 28


def test_an_upload_to_a_batch_that_was_timed_begins_none():
    floor(1200)
    batch = fair(tasks=10, reward=usd(100), estimate_seconds=300)
    crowd(batch, *[300] * 10)

    add_tasks(batch, rows(100))

    assert fresh(batch).pilot_left is None


@pytest.mark.parametrize(("reward", "left"), [(100, 30), (120, None)])
def test_an_upload_begins_none_if_the_reward_pays_for_what_another_batch_took(reward, left):
    floor(1200)
    terms = {"tasks": 10, "estimate_seconds": 300}
    timed = fair(reward=usd(100), **terms)
    batch = fair(reward=usd(reward), project=timed.project, **terms)
    crowd(timed, *[360] * 10)
    wage.look_due(now=LATER)

    add_tasks(batch, rows(100))

    assert fresh(batch).pilot_left == left


def test_a_raised_budget_begins_a_pilot_too():
    floor(1200)
    batch = fair(
        tasks=20, redundancy="adaptive", cap_minor=2400, reward=usd(100), estimate_seconds=300
    )
    assert batch.pilot_left is None

    publish.raise_budget(batch=batch, budget=usd(31 * 120), actor=owner(batch), now=NOON)

    assert fresh(batch).pilot_left == 30


def test_what_an_earlier_version_took_says_nothing_of_what_is_asked_now():
    floor(1200)
    quick = fair(tasks=10, reward=usd(100), estimate_seconds=5)
    crowd(quick, *[5] * 10)
    wage.look_due(now=LATER)
    draft.revise_project(
        project=quick.project, instructions="Say why.", interface=CATS_OR_DOGS, now=LATER
    )

    with pytest.raises(RewardBelowFloor) as refused:
        fair(project=quick.project, tasks=40, reward=usd(50), estimate_seconds=600)

    assert refused.value.minimum == usd(200)
    longer = fair(project=quick.project, tasks=40, reward=usd(200), estimate_seconds=600)
    assert longer.pilot_left == 30


def test_what_is_missing_is_missing_for_both_budget_and_reserve():
    floor(1200)
    draft = drafted_batch(tasks=2, reward=usd(100), estimate_seconds=300)
    give(owner(draft), 250)

    with pytest.raises(InsufficientFunds) as refused:
        publish_it(draft)

    assert refused.value.missing == usd(2 * 120 + 2 * 80 - 250)
    assert (wallet(draft), fresh(draft).status) == (250, "draft")


def test_a_quote_names_floor_least_reward_time_and_reserve():
    floor(1200)
    draft = drafted_batch(tasks=2, reward=usd(90), estimate_seconds=300)

    quote = publish.quote(draft, now=NOON)

    assert (quote.rewards, quote.fees, quote.reserve) == (usd(180), usd(36), usd(180))
    assert (quote.total, quote.missing) == (usd(396), usd(396))
    terms = quote.terms
    assert (terms.floor, terms.minimum) == (usd(1200), usd(100))
    assert (terms.seconds, terms.source, terms.needs_pilot) == (300, "estimate", False)
    assert not Account.objects.filter(purpose="reserve").exists()


def test_a_quote_has_rewards_fees_and_reserve_of_every_answer():
    floor(1500)
    draft = drafted_batch(tasks=100, reward=usd(125), estimate_seconds=220)

    quote = publish.quote(draft, now=NOON)

    assert (quote.fees, quote.reserve, quote.total) == (usd(2500), usd(4000), usd(19_000))


def test_a_quote_of_a_published_batch_misses_nothing():
    floor(1200)
    quote = publish.quote(fair(tasks=3, reward=usd(100), estimate_seconds=300), now=NOON)

    assert (quote.missing, quote.reserve, quote.terms.source) == (usd(0), usd(240), "estimate")


def test_yen_have_no_smaller_unit():
    floor(1200, currency="JPY")
    yen = Money(100, "JPY")
    draft = drafted_batch(tasks=2, reward=yen, estimate_seconds=301, fee_basis_points=2000)
    give(owner(draft), 1000, "JPY")

    with pytest.raises(RewardBelowFloor) as refused:
        publish_it(draft)

    assert refused.value.minimum == Money(101, "JPY")


def test_what_is_owed_is_collected_first_and_missing_too():
    floor(1200)
    draft = drafted_batch(tasks=2, reward=usd(100), estimate_seconds=300)
    worker = a_worker()
    owed = Posting(
        key="top_up:before",
        kind=Transfer.Kind.TOP_UP,
        source_id=accounts.receivable(owner(draft).pk, "USD").pk,
        target_id=accounts.earnings_of(worker.user_id, "USD").pk,
        amount=usd(30),
    )
    ledger.post(owed, now=NOON)

    assert publish.quote(draft, now=NOON).missing == usd(430)
    give(owner(draft), 430)
    publish_it(draft)

    assert (wallet(draft), debts.owed(owner(draft).pk, "USD")) == (0, usd(0))
