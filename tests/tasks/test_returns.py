"""Tasks handed back because of what they are: paid when another says so, or nobody objects."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from payments import accounts
from payments.deposits import deposit
from tasks import answer, publish
from tasks.compensation import returns
from tasks.errors import IllegalTransition, ReasonMissing
from tasks.invariants import broken
from tasks.models import Assignment, Batch, Return, TopUp
from tests.factories import (
    MINUTE,
    NOON,
    a_worker,
    claim,
    drafted_batch,
    floor,
    fresh,
    link,
    may_claim,
    published_batch,
    slots,
    usd,
)
from tests.tasks.clocking import at, beat
from workers.models import Event

pytestmark = pytest.mark.django_db
Reason = Return.Reason
THREE_DAYS = timedelta(hours=72)


def fair_batch(**fields):
    """A batch with a floor of 12.00 an hour and an amount in reserve: 20 cents a minute."""
    floor()
    batch = drafted_batch(**{"tasks": 5, "reward": usd(100), **fields})
    owner = batch.project.requester
    deposit(owner_id=owner.pk, amount=usd(100_000), reference=f"for-{batch.pk}", now=NOON)
    return publish.publish(batch=batch, actor=owner, now=NOON)


def give_back(batch, code=Reason.BROKEN, *, worker=None, seconds=60, text="The image is missing."):
    return answer.skip(assignment=claim(batch, worker), reason=text, code=code, now=at(seconds))


def earned(returned):
    user = returned.assignment.worker.user_id
    return accounts.earnings_of(user, "USD").balance.minor


def statuses():
    return list(Return.objects.order_by("pk").values_list("status", flat=True))


# Handing back.


def test_a_return_with_a_code_waits_with_the_time_it_took():
    batch = fair_batch()

    made = give_back(batch, Reason.UNCLEAR, seconds=60.5)

    assert fresh(made) == made
    assert (made.batch_id, made.reason, made.text) == (
        batch.pk, "unclear", "The image is missing.",
    )  # fmt: skip
    assert (made.seconds, made.amount_minor, made.status) == (61, 21, "waiting")
    assert (made.made_at, made.due_at) == (at(60.5), at(60.5) + THREE_DAYS)
    assert made.assignment.status == Assignment.Status.SKIPPED
    assert sum(slots(batch)) == 5


def test_a_return_earns_half_of_the_reward_at_most():
    assert give_back(fair_batch(), seconds=1500).amount_minor == 50


def test_the_time_of_a_return_is_measured_as_at_a_submit():
    batch = fair_batch()
    held = claim(batch)
    beat(held, 30), beat(held, 60)

    made = answer.skip(assignment=held, code=Reason.BROKEN, now=at(600))

    assert made.seconds == 180  # 60 with beats, and two minutes of the silence


def test_whoever_changed_their_mind_leaves_no_return():
    batch = fair_batch()

    assert answer.skip(assignment=claim(batch), reason="Not for me.", now=at(60)) is None
    assert not Return.objects.exists()


def test_without_a_floor_a_return_is_worth_nothing_and_is_known_all_the_same():
    made = give_back(published_batch(tasks=1))

    assert (made.amount_minor, made.status, made.seconds) == (0, "nothing", 60)


def test_what_took_no_time_is_worth_nothing():
    assert give_back(fair_batch(), seconds=0).status == Return.Status.NOTHING


def test_what_is_no_longer_held_cannot_be_returned():
    batch = fair_batch()
    held = claim(batch)
    answer.skip(assignment=held, now=NOON)

    with pytest.raises(IllegalTransition, match="no longer yours"):
        answer.skip(assignment=held, code=Reason.BROKEN, now=NOON)
    assert not Return.objects.exists()


# Granting and paying.


def test_one_persons_word_waits():
    batch = fair_batch()
    give_back(batch)

    assert returns.settle_due(now=NOON + MINUTE) == 0
    assert statuses() == ["waiting"]


def test_a_second_person_who_says_the_same_gets_both_paid():
    batch = fair_batch()
    first, second = give_back(batch), give_back(batch, seconds=30)

    assert returns.settle_due(now=NOON + MINUTE) == 2

    assert statuses() == ["paid", "paid"]
    assert [earned(first), earned(second)] == [20, 10]
    paid = TopUp.objects.get(worker=first.assignment.worker)
    assert (paid.rule, paid.amount_minor) == ("return", 20)
    assert paid.inputs["seconds"] == 60
    assert fresh(first).decided_at == NOON + MINUTE
    assert broken(now=NOON + MINUTE) == []


def test_a_third_is_paid_at_once():
    batch = fair_batch()
    give_back(batch), give_back(batch)
    returns.settle_due(now=NOON + MINUTE)

    third = give_back(batch)

    assert returns.settle_due(now=NOON + MINUTE) == 1
    assert earned(third) == 20


def test_other_reasons_and_other_batches_do_not_back_it_up():
    batch = fair_batch()
    give_back(batch, Reason.BROKEN), give_back(batch, Reason.UNCLEAR)
    floors = batch.floor_minor
    other = published_batch(tasks=1, reward=usd(100))
    give_back(other, Reason.BROKEN)

    assert floors == 1200
    assert returns.settle_due(now=NOON + MINUTE) == 0


def test_one_person_is_one_voice_however_many_accounts_they_have():
    batch, worker, other = fair_batch(), a_worker(), a_worker()
    give_back(batch, worker=worker), give_back(batch, worker=worker), give_back(batch, worker=other)
    link(worker, other)

    assert returns.settle_due(now=NOON + MINUTE) == 0


def test_silence_for_three_days_is_consent():
    made = give_back(fair_batch())

    assert returns.settle_due(now=made.due_at - MINUTE) == 0
    assert returns.settle_due(now=made.due_at) == 1
    assert earned(made) == 20


def test_a_payment_is_made_once():
    batch = fair_batch()
    first, _ = give_back(batch), give_back(batch)

    assert [returns.settle_due(now=NOON + MINUTE) for _ in range(3)] == [2, 0, 0]
    assert earned(first) == 20


def test_a_run_takes_no_more_than_its_limit_and_the_next_goes_on():
    batch = fair_batch()
    for _ in range(3):
        give_back(batch)

    assert [returns.settle_due(now=NOON + MINUTE, limit=2) for _ in range(3)] == [2, 1, 0]


def test_what_is_worth_nothing_backs_up_what_is_not():
    batch = fair_batch()
    give_back(batch, seconds=0)
    second = give_back(batch)

    assert returns.settle_due(now=NOON + MINUTE) == 1
    assert (statuses(), earned(second)) == (["nothing", "paid"], 20)


# Refusing.


def refuse(returned, reason="The image loads here; send a screenshot."):
    actor = returned.batch.project.requester
    returns.refuse(returned=returned, reason=reason, actor=actor, now=NOON + MINUTE)


def test_the_requester_refuses_in_words_and_it_is_written_down():
    made = give_back(fair_batch())

    refuse(made)

    row = fresh(made)
    assert (row.status, row.decided_reason) == (
        "refused", "The image loads here; send a screenshot.",
    )  # fmt: skip
    assert (row.decided_by, row.decided_at) == (made.batch.project.requester, NOON + MINUTE)
    assert returns.settle_due(now=made.due_at) == 0
    told = Event.objects.get(kind="return_refused")
    assert (told.subject_id, told.data["assignment"]) == (made.batch_id, made.pk)


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_a_refusal_needs_words(reason):
    made = give_back(fair_batch())

    with pytest.raises(ReasonMissing):
        refuse(made, reason)
    assert fresh(made).status == Return.Status.WAITING


def test_only_what_waits_can_be_refused():
    batch = fair_batch()
    first, _ = give_back(batch), give_back(batch)
    returns.settle_due(now=NOON + MINUTE)

    with pytest.raises(IllegalTransition, match="not waiting"):
        refuse(first)
    assert not Event.objects.filter(kind="return_refused").exists()


def test_a_refusal_does_not_silence_the_next_who_says_the_same():
    batch = fair_batch()
    refuse(give_back(batch))
    second = give_back(batch)

    assert returns.settle_due(now=NOON + MINUTE) == 1
    assert (statuses(), earned(second)) == (["refused", "paid"], 20)


def test_the_database_refuses_a_refusal_without_a_human_or_words():
    made = give_back(fair_batch())

    with pytest.raises(IntegrityError, match="refused_by_a_human"), transaction.atomic():
        Return.objects.filter(pk=made.pk).update(status="refused", decided_reason="No.")


def test_returns_that_exhaust_the_reserve_hold_the_batch_up():
    batch = fair_batch(tasks=5, estimate_seconds=200)
    assert batch.reserve_minor == 5 * 20
    pair = [a_worker(), a_worker()]
    for begun, status in [(0, "open"), (1500, "paused")]:
        for held in [claim(batch, worker, now=at(begun)) for worker in pair]:
            answer.skip(assignment=held, code=Reason.BROKEN, now=at(begun + 1500))
        returns.settle_due(now=at(begun + 1500))
        assert fresh(batch).status == status

    assert [row.guarantee_minor for row in TopUp.objects.order_by("pk")] == [0, 0, 50, 50]
    assert fresh(batch).paused_for == "reserve_low"
    assert broken(now=NOON + MINUTE) == []


# What does harm.


def test_two_persons_who_call_it_harmful_pause_a_batch_that_did_not_warn():
    batch = fair_batch()
    give_back(batch, Reason.HARMFUL)
    returns.settle_due(now=NOON + MINUTE)
    assert fresh(batch).status == Batch.Status.OPEN

    give_back(batch, Reason.HARMFUL)
    returns.settle_due(now=NOON + MINUTE)

    assert (fresh(batch).status, fresh(batch).paused_for) == ("paused", "harmful")
    told = Event.objects.get(kind="batch_paused")
    assert (told.subject_id, told.actor, told.data) == (batch.pk, None, {"why": "harmful"})
    assert broken(now=NOON + MINUTE) == []


def test_two_persons_who_say_it_takes_longer_hold_a_batch_up():
    batch = fair_batch()
    give_back(batch, Reason.LONGER_THAN_SAID), give_back(batch, Reason.LONGER_THAN_SAID)

    returns.settle_due(now=NOON + MINUTE)

    assert (fresh(batch).status, fresh(batch).paused_for) == ("paused", "longer_than_said")


def test_a_batch_that_warned_goes_on():
    batch = fair_batch()
    for _ in range(2):
        give_back(batch, Reason.HARMFUL)
    Batch.objects.filter(pk=batch.pk).update(content_warnings=["gore"])

    returns.settle_due(now=NOON + MINUTE)

    assert fresh(batch).status == Batch.Status.OPEN


def test_after_a_pause_it_takes_two_more_persons():
    batch = fair_batch()
    give_back(batch, Reason.HARMFUL), give_back(batch, Reason.HARMFUL)
    returns.settle_due(now=at(120))
    publish.resume(batch=fresh(batch), actor=batch.project.requester, now=at(180))

    returns.settle_due(now=at(240))
    give_back(fresh(batch), Reason.HARMFUL, seconds=300)
    returns.settle_due(now=at(360))
    assert fresh(batch).status == Batch.Status.OPEN

    give_back(fresh(batch), Reason.HARMFUL, seconds=420)
    returns.settle_due(now=at(480))
    assert fresh(batch).status == Batch.Status.PAUSED


# Nobody is worse off for it.


def test_handing_back_is_never_refused_and_costs_no_claim():
    batch, worker = published_batch(tasks=30), a_worker()
    for _ in range(29):
        answer.skip(assignment=claim(batch, worker), now=NOON)

    assert may_claim(batch, worker)
