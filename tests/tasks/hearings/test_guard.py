from __future__ import annotations

import pytest

from tasks import settle
from tasks.errors import IllegalTransition, Involved, ReasonMissing
from tasks.hearings import rejections
from tasks.invariants import broken
from tests.factories import (
    NOON,
    a_project,
    fresh,
    published_batch,
    refuse,
    submitted,
)
from tests.tasks.hearings.hearing import (
    DAY,
    LATER,
    admin,
    earned,
    money,
    owner,
    refused,
    waiting_for_a_human,
)

pytestmark = pytest.mark.django_db


def test_of_a_batchs_first_twenty_answers_the_sixth_rejection_waits_for_a_human():
    batch = published_batch(tasks=7)

    made = waiting_for_a_human(batch)

    row = fresh(made.assignment)
    assert (row.status, row.accept_due_at) == ("submitted", LATER + 14 * DAY)
    assert (made.decision, made.appeal_until) == (None, None)
    assert money(batch)[0] == 7 * 6
    assert broken(now=LATER) == []
    with pytest.raises(IllegalTransition, match="waits for a human already"):
        refuse(assignment=row, actor=owner(batch), now=LATER)


def test_after_a_batchs_first_twenty_answers_only_the_latest_two_hundred_count():
    batch = published_batch(tasks=41)
    kept = [submitted(batch).pk for _ in range(20)]
    settle.accept_all(batch=batch, assignment_ids=kept, actor=owner(batch), now=NOON)

    made = [refused(batch) for _ in range(20)]
    elsewhere = published_batch(tasks=1, project=a_project(requester=owner(batch)))

    assert {each.status for each in made} == {"open"}
    assert refused(batch).status == "waiting"
    assert refused(elsewhere).status == "waiting"
    assert refused(published_batch(tasks=1)).status == "open"


def test_a_human_confirms_with_words_and_the_week_to_appeal_begins():
    batch = published_batch(tasks=6)
    made, human = waiting_for_a_human(batch), admin()

    rejections.confirm(rejection=made, words=" It is a dog. ", actor=human, now=LATER + DAY)

    row = fresh(made)
    assert (row.status, row.confirmed_by, row.appeal_until) == ("open", human, LATER + 8 * DAY)
    assert (row.decision.made_by, row.decision.evidence["confirmed"]) == (human, "It is a dog.")
    assert (row.assignment.status, row.assignment.decided_by) == ("rejected", owner(batch))
    assert broken(now=LATER + DAY) == []


def test_a_human_declines_and_the_answer_is_paid():
    batch = published_batch(tasks=6)
    made, human = waiting_for_a_human(batch), admin()

    rejections.decline(rejection=made, words="It is a cat.", actor=human, now=LATER)
    settle.pay_accepted(now=LATER)

    row = fresh(made)
    assert (row.status, row.final_at, row.assignment.status) == ("declined", LATER, "accepted")
    assert earned(row.assignment.worker) == 5
    assert broken(now=LATER) == []


@pytest.mark.parametrize("verb", [rejections.confirm, rejections.decline])
def test_who_looks_has_no_part_in_it_says_why_and_comes_once(verb):
    batch = published_batch(tasks=6)
    made = waiting_for_a_human(batch)

    with pytest.raises(Involved):
        verb(rejection=made, words="Mine.", actor=owner(batch), now=LATER)
    with pytest.raises(Involved):
        verb(rejection=made, words="Mine.", actor=made.assignment.worker.user, now=LATER)
    with pytest.raises(ReasonMissing):
        verb(rejection=made, words=" ", actor=admin(), now=LATER)
    verb(rejection=made, words="So.", actor=admin(), now=LATER)
    with pytest.raises(IllegalTransition):
        verb(rejection=made, words="Again.", actor=admin(), now=LATER)


@pytest.mark.parametrize("how", ["accept", "accept_all", "in time"])
def test_an_answer_whose_rejection_waits_can_be_accepted_and_is_when_no_human_comes(how):
    batch = published_batch(tasks=6)
    made = waiting_for_a_human(batch)
    now = LATER + 14 * DAY

    if how == "accept":
        settle.accept(assignment=fresh(made.assignment), actor=owner(batch), now=now)
    elif how == "accept_all":
        settle.accept_all(batch=batch, assignment_ids=None, actor=owner(batch), now=now)
    else:
        assert settle.accept_due(now=now - DAY) == 0
        assert settle.accept_due(now=now) == 1

    row = fresh(made)
    assert (row.status, row.final_at, row.assignment.status) == ("declined", now, "accepted")
