from __future__ import annotations

from functools import partial

import pytest

from tasks import aggregate, settle
from tasks.errors import IllegalTransition, Involved, ReasonMissing
from tasks.hearings import appeals, jury, rejections
from tasks.invariants import broken
from tasks.models import Appeal, Assignment, Consensus
from tests.factories import fresh, published_batch, refuse, slots, submitted
from tests.payments.books import at_once
from tests.tasks.hearings.hearing import (
    AFTER,
    DAY,
    LATER,
    WORDS,
    admin,
    appealed,
    earned,
    floored_batch,
    money,
    owner,
    pay_all,
    refused,
    rich,
    votes,
    waiting_for_a_human,
    wallet,
)
from workers.models import Event

pytestmark = pytest.mark.django_db
Outcome = Appeal.Outcome


def test_one_call_within_the_week_brings_a_hearing_with_deadlines():
    made = refused(published_batch(tasks=1))
    now = made.appeal_until - DAY / 10**6

    appeal = appeals.appeal(rejection=made, message="", now=now)

    assert (appeal.status, fresh(made).status) == ("open", "appealed")
    assert (appeal.jury_until, appeal.due_at) == (now + 5 * DAY, now + 7 * DAY)
    assert Event.objects.get(kind="rejection_appealed").actor == made.assignment.worker.user
    assert rejections.finish_due(now=now + 30 * DAY) == 0
    assert broken(now=now) == []


def test_after_the_week_nothing_can_be_appealed_whether_or_not_a_job_has_run():
    made = refused(published_batch(tasks=1))

    with pytest.raises(IllegalTransition, match="The time to appeal ended"):
        appeals.appeal(rejection=made, message="", now=made.appeal_until)
    rejections.finish_due(now=made.appeal_until)
    with pytest.raises(IllegalTransition, match="final"):
        appeals.appeal(rejection=made, message="", now=made.appeal_until)


def test_what_waits_for_a_human_is_not_appealed():
    made = waiting_for_a_human(published_batch(tasks=6))

    with pytest.raises(IllegalTransition, match="waiting"):
        appeals.appeal(rejection=made, message="", now=LATER)


@pytest.mark.django_db(transaction=True)
def test_of_eight_appeals_at_once_one_is_heard():
    made = refused(published_batch(tasks=1))

    outcomes = at_once([partial(appeals.appeal, rejection=fresh(made), message="", now=LATER)] * 8)

    assert sum(isinstance(each, IllegalTransition) for each in outcomes) == 7
    assert Appeal.objects.count() == 1


# A human decides.


def test_who_wants_a_human_gets_one_at_once():
    appeal = appealed(published_batch(tasks=1), wants_human=True)

    assert appeal.status == "human"


def test_an_appeal_that_no_jury_decided_in_five_days_comes_to_a_human():
    appeal = appealed(published_batch(tasks=1))
    votes(appeal, "overturn", "uphold")

    assert appeals.escalate_due(now=appeal.jury_until - DAY / 10**6) == 0
    assert appeals.escalate_due(now=appeal.jury_until) == 1
    assert appeals.escalate_due(now=appeal.jury_until) == 0

    assert fresh(appeal).status == "human"
    assert broken(now=appeal.jury_until) == []


@pytest.mark.parametrize("outcome", Outcome.values)
def test_a_human_answers_in_words_that_are_kept(outcome):
    appeal, human = appealed(published_batch(tasks=1), wants_human=True), admin()

    made = appeals.decide_by_human(
        appeal=appeal, outcome=Outcome(outcome), answer=f" {WORDS} ", actor=human, now=LATER + DAY
    )

    row = fresh(appeal)
    assert (row.status, row.outcome, row.answer) == ("decided", outcome, WORDS)
    assert (row.decided_by, row.decided_at) == (human, LATER + DAY)
    assert made.kind == ("overturn" if outcome == "overturned" else "uphold")
    assert (made.made_by, made.reasons) == (human, WORDS)
    assert made.answers == row.rejection.decision
    assert broken(now=LATER + DAY) == []
    with pytest.raises(IllegalTransition):
        appeals.decide_by_human(
            appeal=appeal, outcome=Outcome.UPHELD, answer=WORDS, actor=human, now=LATER
        )


def test_a_human_has_no_part_in_it_and_comes_only_when_called():
    before_a_jury = appealed(published_batch(tasks=1))
    appeal = appealed(published_batch(tasks=1), wants_human=True)
    decide = partial(appeals.decide_by_human, outcome=Outcome.UPHELD, now=LATER)

    with pytest.raises(IllegalTransition):
        decide(appeal=before_a_jury, answer=WORDS, actor=admin())
    with pytest.raises(ReasonMissing):
        decide(appeal=appeal, answer="\n", actor=admin())
    for party in (
        owner(appeal.rejection.assignment.batch),
        appeal.rejection.assignment.worker.user,
    ):
        with pytest.raises(Involved):
            decide(appeal=appeal, answer=WORDS, actor=party)
    assert fresh(appeal).status == "human"


def test_who_confirmed_a_rejection_does_not_decide_its_appeal():
    made, human = waiting_for_a_human(published_batch(tasks=6)), admin()
    rejections.confirm(rejection=made, words="A dog.", actor=human, now=LATER)
    appeal = appeals.appeal(rejection=made, message="", wants_human=True, now=LATER)

    with pytest.raises(Involved):
        appeals.decide_by_human(
            appeal=appeal, outcome=Outcome.UPHELD, answer=WORDS, actor=human, now=LATER
        )


# The money after each outcome, to the cent: reward 100, fee 20, 90 seconds at 1200 an hour.


def decided(batch, outcome, *, effort_paid=True):
    made = refused(batch, seconds=90)
    if effort_paid:
        rejections.pay_efforts(now=LATER)
    appeal = appeals.appeal(rejection=made, message="", wants_human=True, now=LATER)
    appeals.decide_by_human(
        appeal=appeal, outcome=outcome, answer=WORDS, actor=admin(), now=LATER + DAY
    )
    assert broken(now=LATER + DAY) == []
    pay_all(now=LATER + DAY)
    assert broken(now=LATER + DAY) == []
    return fresh(made)


def a_floored_batch(cents=0):
    batch = floored_batch(reference=240)
    return rich(batch, cents) if cents else batch


@pytest.mark.parametrize("effort_paid", [True, False])
def test_overturned_the_worker_has_the_whole_reward_and_the_platform_its_fee(effort_paid):
    batch = a_floored_batch()

    made = decided(batch, Outcome.OVERTURNED, effort_paid=effort_paid)

    assert (made.status, made.assignment.status) == ("overturned", "accepted")
    assert (earned(made.assignment.worker), money(batch)) == (100, (0, 0, 120))
    assert (slots(batch), fresh(batch).slot_count) == ([0], 1)
    assert made.effort_minor == made.assignment.effort_minor == (30 if effort_paid else 0)


@pytest.mark.parametrize("effort_paid", [True, False])
def test_upheld_the_worker_keeps_the_pay_for_the_time_and_the_rest_is_free(effort_paid):
    batch = a_floored_batch()

    made = decided(batch, Outcome.UPHELD, effort_paid=effort_paid)

    assert (made.status, made.assignment.status) == ("final", "rejected")
    assert (earned(made.assignment.worker), money(batch)) == (30, (0, 90, 30))
    assert slots(batch) == [0]  # 90 do not hold another answer's 120


def test_upheld_with_money_in_the_wallet_the_difference_comes_from_there():
    batch = a_floored_batch()
    made = refused(batch, seconds=90)
    appeal = appeals.appeal(rejection=made, message="", wants_human=True, now=LATER)
    rich(batch, 50)

    appeals.decide_by_human(
        appeal=appeal, outcome=Outcome.UPHELD, answer=WORDS, actor=admin(), now=LATER
    )

    assert (slots(batch), wallet(batch), money(batch)) == ([1], 20, (150, 0, 0))
    assert broken(now=LATER) == []


def test_overturned_where_nobody_has_the_replacement_yet_it_is_taken_back():
    batch = a_floored_batch(cents=130)

    made = decided(batch, Outcome.OVERTURNED)

    assert made.reopened
    assert (slots(batch), money(batch)) == ([0], (0, 120, 120))


def test_overturned_where_somebody_answered_instead_both_are_paid():
    batch = a_floored_batch(cents=130)
    made = refused(batch, seconds=90)
    other = submitted(batch)
    appeal = appeals.appeal(rejection=made, message="", wants_human=True, now=LATER)

    appeals.decide_by_human(
        appeal=appeal, outcome=Outcome.OVERTURNED, answer=WORDS, actor=admin(), now=LATER
    )
    settle.accept(assignment=fresh(other), actor=owner(batch), now=LATER)
    pay_all(now=LATER)

    assert (earned(made.assignment.worker), earned(other.worker)) == (100, 100)
    assert (money(batch), fresh(batch).slot_count) == ((0, 0, 240), 2)
    assert broken(now=LATER) == []


def test_the_whole_reward_may_have_been_paid_for_the_time():
    batch = floored_batch(reward=25, reference=240)
    made = refused(batch, seconds=240)
    rejections.pay_efforts(now=LATER)
    appeal = appeals.appeal(rejection=made, message="", wants_human=True, now=LATER)
    appeals.decide_by_human(
        appeal=appeal, outcome=Outcome.OVERTURNED, answer=WORDS, actor=admin(), now=LATER
    )

    pay_all(now=LATER)

    assert (earned(made.assignment.worker), money(batch)) == (25, (0, 0, 30))
    assert broken(now=LATER) == []


def test_an_overturned_answer_counts_in_the_consensus_again():
    batch = rich(published_batch(tasks=1, overlap=2, aggregation="majority_vote"))
    first, _ = [fresh(submitted(batch, label)) for label in ("cat", "cat")]
    made = refuse(assignment=first, actor=owner(batch), now=LATER)
    aggregate.aggregate_due(now=LATER)
    assert Consensus.objects.get().answers == 1
    appeal = appeals.appeal(rejection=made, message="", wants_human=True, now=LATER)

    appeals.decide_by_human(
        appeal=appeal, outcome=Outcome.OVERTURNED, answer=WORDS, actor=admin(), now=LATER
    )
    aggregate.aggregate_due(now=AFTER)

    assert Consensus.objects.get().answers == 2
    assert broken(now=LATER) == []


@pytest.mark.django_db(transaction=True)
def test_a_human_paying_and_wind_up_at_once_lose_no_cent():
    batches = [a_floored_batch(cents=260) for _ in range(3)]
    heard = [
        appeals.appeal(
            rejection=refused(batch, seconds=90), message="", wants_human=True, now=LATER
        )
        for batch in batches
    ]
    decide = partial(appeals.decide_by_human, answer=WORDS, actor=admin(), now=LATER)

    outcomes = at_once(
        [
            partial(decide, appeal=each, outcome=outcome)
            for each, outcome in zip(
                heard * 2, [Outcome.OVERTURNED, Outcome.UPHELD] * 3, strict=True
            )
        ]
        + [partial(rejections.pay_efforts, now=LATER)] * 3
        + [partial(settle.pay_accepted, now=LATER)] * 3
        + [partial(settle.wind_up, now=LATER)] * 2
    )

    refusals = [each for each in outcomes if isinstance(each, Exception)]
    assert [type(each) for each in refusals] == [IllegalTransition] * 3
    pay_all(now=LATER)
    assert broken(now=LATER) == []
    assert not Assignment.objects.unpaid().exists()
    assert jury.pay_jurors(now=LATER) == 0
