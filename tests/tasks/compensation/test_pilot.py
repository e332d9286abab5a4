"""The first answers of a larger batch, and what follows when they take longer than was said."""

from __future__ import annotations

import pytest

from payments.errors import InsufficientFunds, RequesterFrozen
from payments.models import Dispute, Funding, WageFloor
from tasks import answer, publish, settle
from tasks.compensation import pilot, wage
from tasks.errors import RewardBelowFloor
from tasks.models import Batch
from tests.factories import NOON, a_worker, claim, drafted_batch, floor, fresh, link, usd
from tests.tasks.compensation.paying import (
    EVEN_LATER,
    LATER,
    accept_and_pay,
    crowd,
    earned,
    fair,
    give,
    nothing_is_broken,
    owner,
    rich,
    said,
    wage_of,
    worked,
)

pytestmark = pytest.mark.django_db

AS_SAID = [300] * 10
LONGER = [360] * 10


def a_batch(**fields):
    if not WageFloor.objects.exists():
        floor(1200)
    return fair(**{"tasks": 40, "reward": usd(100), "estimate_seconds": 300, **fields})


def resume(batch, now=EVEN_LATER):
    publish.resume(batch=fresh(batch), actor=owner(batch), now=now)


def raise_to(batch, cents):
    publish.raise_reward(batch=fresh(batch), reward=usd(cents), actor=owner(batch), now=LATER)


def test_a_batch_of_more_than_thirty_answers_begins_with_a_pilot():
    assert a_batch(tasks=31).pilot_left == 30


def test_a_smaller_one_has_none():
    assert a_batch(tasks=30).pilot_left is None


def test_nine_answers_decide_nothing():
    batch = a_batch()
    crowd(batch, *[300] * 9)

    assert pilot.look_due(now=LATER) == 0
    assert fresh(batch).pilot_left is not None


def test_a_pilot_that_took_what_was_said_lets_the_batch_go_on_with_a_reserve_that_fits():
    batch = a_batch()
    crowd(batch, *AS_SAID)

    assert (pilot.look_due(now=LATER), pilot.look_due(now=LATER)) == (1, 0)

    batch = fresh(batch)
    # 1.2 · 1200 · 300 / 3600 = 120, less the reward; before it was 80 for each answer.
    assert (batch.status, batch.pilot_left, batch.reserve_each_minor) == ("open", None, 20)
    assert batch.reserve_minor == 40 * 80
    nothing_is_broken()


def test_ten_answers_of_four_workers_wait_until_the_pilot_is_over():
    batch = a_batch()
    workers = [a_worker() for _ in range(4)]
    for worker in workers:
        for _ in range(3):
            worked(batch, worker, seconds=300)
    assert pilot.look_due(now=LATER) == 0
    held = claim(batch, workers[0])
    Batch.objects.filter(pk=batch.pk).update(pilot_left=0)

    assert pilot.look_due(now=LATER) == 0
    answer.skip(assignment=held, now=LATER)
    Batch.objects.filter(pk=batch.pk).update(pilot_left=0)
    assert pilot.look_due(now=LATER) == 1


def test_accounts_of_one_person_are_one_worker():
    batch = a_batch()
    one, *others = crowd(batch, *[300] * 5)
    for other in others:
        link(one, other)
        worked(batch, other, seconds=300)
    worked(batch, one, seconds=300)

    assert pilot.look_due(now=LATER) == 0


def test_pilots_that_nobody_works_on_keep_no_other_waiting():
    a_batch()
    batch = a_batch()
    crowd(batch, *AS_SAID)

    assert pilot.look_due(now=LATER, limit=1) == 1
    assert fresh(batch).pilot_left is None


def test_a_pilot_that_is_used_up_with_too_few_times_asks_for_more():
    batch = a_batch()
    crowd(batch, *[300] * 7)
    Batch.objects.filter(pk=batch.pk).update(pilot_left=1)
    held = claim(batch)
    pilot.look_due(now=LATER)
    assert fresh(batch).pilot_left == 0

    answer.submit(assignment_id=held.pk, worker=held.worker, answer={"label": "cat"}, now=LATER)
    assert (pilot.look_due(now=LATER), fresh(batch).pilot_left) == (0, 2)
    crowd(batch, 300, 300, now=LATER)

    assert pilot.look_due(now=EVEN_LATER) == 1


def test_a_pilot_that_took_longer_holds_the_batch_up_and_says_what_would_do():
    batch = a_batch()
    crowd(batch, *LONGER)

    assert (pilot.look_due(now=LATER), pilot.look_due(now=LATER)) == (1, 0)

    batch = fresh(batch)
    assert (batch.status, batch.paused_for) == ("paused", "reward_below_floor")
    assert said(batch, "batch_paused") == [
        {"why": "reward_below_floor", "minimum_minor": 120, "seconds": 360}
    ]
    nothing_is_broken()


def test_it_goes_on_once_the_reward_is_raised():
    batch = a_batch()
    crowd(batch, *LONGER)
    pilot.look_due(now=LATER)

    with pytest.raises(RewardBelowFloor) as refused:
        resume(batch)
    assert refused.value.minimum == usd(120)
    raise_to(batch, 120)
    resume(batch)

    batch = fresh(batch)
    assert (batch.status, batch.paused_for, batch.pilot_left) == ("open", "", None)
    nothing_is_broken()


def test_a_raise_that_is_still_too_low_is_refused_at_the_resume():
    batch = a_batch()
    crowd(batch, *LONGER)
    pilot.look_due(now=LATER)
    raise_to(batch, 119)

    with pytest.raises(RewardBelowFloor):
        resume(batch)

    assert fresh(batch).status == "paused"


def test_a_reserve_that_the_wallet_cannot_pay_for_holds_the_batch_up_until_it_can():
    batch = a_batch(project=rich(40 * 200))
    # The eighth of ten bounds the median: 1.2 · 1200 · 1000 / 3600 - 100 = 300 for each of 40.
    crowd(batch, *[300] * 7, 1000, 1000, 1000)

    pilot.look_due(now=LATER)

    assert (fresh(batch).status, fresh(batch).paused_for) == ("paused", "funds")
    assert said(batch, "batch_paused") == [{"why": "funds", "missing_minor": 40 * 220}]
    with pytest.raises(InsufficientFunds):
        resume(batch)
    assert fresh(batch).status == "paused"
    give(owner(batch), 40 * 220)
    resume(batch)
    assert (fresh(batch).status, fresh(batch).reserve_minor) == ("open", 40 * 300)
    nothing_is_broken()


def test_what_a_batch_was_measured_to_take_counts_for_the_next_of_its_project():
    batch = a_batch()
    crowd(batch, *LONGER)
    wage.look_due(now=LATER)
    terms = {"project": batch.project, "tasks": 40, "estimate_seconds": 60}
    draft = drafted_batch(reward=usd(119), **terms)

    with pytest.raises(RewardBelowFloor) as refused:
        publish.publish(batch=draft, actor=owner(batch), now=LATER)

    assert (refused.value.minimum, refused.value.seconds) == (usd(120), 360)
    enough = fair(reward=usd(120), **terms)
    assert (enough.pilot_left, enough.estimate_seconds) == (None, 360)


def test_a_batch_that_ends_during_its_pilot_is_paid_like_any_other():
    batch = a_batch()
    workers = crowd(batch, 360, 360, 360, 360, 360)
    publish.close(batch=fresh(batch), actor=owner(batch), now=NOON)
    accept_and_pay(batch)

    settle.wind_up(now=LATER)

    assert fresh(batch).status == "closed"
    assert [earned(each) for each in workers] == [120] * 5
    nothing_is_broken()


def test_a_reserve_that_will_not_pay_for_what_is_under_way_holds_the_batch_up():
    batch = a_batch(tasks=30)
    # The reserve has 30 · 80 = 2400, and eleven answers are owed 233 each: 2563.
    crowd(batch, *[1000] * 10)
    claim(batch)

    assert wage.look_due(now=LATER) == 1

    # 234 for each of ten, and as much for 20 more, less what is there.
    assert (fresh(batch).status, fresh(batch).paused_for) == ("paused", "reserve_low")
    [why] = said(batch, "batch_paused")
    assert why == {"why": "reserve_low", "left_minor": 2400, "missing_minor": 30 * 234 - 2400}
    resume(batch)
    assert (fresh(batch).status, fresh(batch).reserve_minor) == ("open", 30 * 234)
    nothing_is_broken()


def test_a_look_without_new_answers_reads_nothing():
    batch = a_batch()
    crowd(batch, *AS_SAID)
    assert wage.look_due(now=LATER) == 1
    first = wage_of(batch)

    assert wage.look_due(now=EVEN_LATER) == 0

    assert wage_of(batch).computed_at == first.computed_at
    assert (first.workers, first.answers, first.reference_seconds) == (10, 10, 300)


def test_who_has_a_disputed_payment_publishes_nothing():
    draft = drafted_batch(project=rich())
    funding = Funding.objects.create(
        owner=owner(draft), amount_minor=500, currency="USD", created_at=NOON
    )
    Dispute.objects.create(funding=funding, dispute_id="dp_1", amount_minor=500, opened_at=NOON)

    with pytest.raises(RequesterFrozen):
        publish.publish(batch=draft, actor=owner(draft), now=NOON)

    assert fresh(draft).status == "draft"


def test_nor_resumes_what_they_paused_themselves():
    batch = a_batch()
    publish.pause(batch=batch, actor=owner(batch), now=NOON)
    funding = Funding.objects.create(
        owner=owner(batch), amount_minor=500, currency="USD", created_at=NOON
    )
    Dispute.objects.create(funding=funding, dispute_id="dp_1", amount_minor=500, opened_at=NOON)

    with pytest.raises(RequesterFrozen):
        resume(batch)

    assert fresh(batch).status == "paused"


def test_a_disputed_payment_pauses_what_its_requester_has_open_until_the_bank_has_decided():
    batch, other = a_batch(), fair(reward=usd(100))
    funding = Funding.objects.create(
        owner=owner(batch), amount_minor=500, currency="USD", created_at=NOON
    )
    dispute = Dispute.objects.create(
        funding=funding, dispute_id="dp_1", amount_minor=500, opened_at=NOON
    )

    assert (publish.pause_frozen(now=NOON), publish.pause_frozen(now=NOON)) == (1, 0)

    assert (fresh(batch).status, fresh(batch).paused_for) == ("paused", "dispute")
    assert fresh(other).status == "open"
    with pytest.raises(RequesterFrozen):
        resume(batch)
    dispute.status, dispute.closed_at = Dispute.Status.WON, LATER
    dispute.save()
    resume(batch)
    assert (fresh(batch).status, fresh(batch).paused_for) == ("open", "")
