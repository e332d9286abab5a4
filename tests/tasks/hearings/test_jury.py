from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from tasks import settle
from tasks.errors import InvalidRejection, NotAJuror, VoteTooLate
from tasks.hearings import appeals, jury
from tasks.invariants import broken
from tasks.models import Appeal, Batch, Juror, Task
from tests.factories import (
    NOON,
    WHY,
    a_worker,
    accepted,
    claim,
    fresh,
    link,
    published_batch,
)
from tests.payments.books import at_once
from tests.tasks.hearings.hearing import (
    AFTER,
    DAY,
    LATER,
    WORDS,
    admin,
    appealed,
    earned,
    juror,
    owner,
    pay_all,
    votes,
)
from workers import blocks, standing
from workers.models import Block, Worker

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def ids(worker, now=LATER):
    return [case.id for case in jury.cases_for(worker, now=now)]


def join(appeal, worker, now=LATER):
    return jury.join(appeal_id=appeal.pk, worker=worker, now=now)


def vote(appeal, worker, choice="overturn", now=LATER, reason=WORDS):
    return jury.vote(
        appeal_id=appeal.pk, worker=worker, vote=Juror.Vote(choice), reason=reason, now=now
    )


# Who sits on a jury.


def test_ten_accepted_answers_or_an_election_make_a_juror():
    appeal = appealed(published_batch(tasks=1))
    busy, elected, new = a_worker(), juror(), a_worker()
    batch = published_batch(tasks=10)
    for _ in range(9):
        accepted(batch, worker=busy)
    assert ids(busy) == []
    accepted(batch, worker=busy)

    assert (ids(busy), ids(elected), ids(new)) == ([appeal.pk], [appeal.pk], [])
    with pytest.raises(NotAJuror):
        join(appeal, new)


def test_neither_suspended_workers_nor_those_whose_term_is_over_are_jurors():
    appeal = appealed(published_batch(tasks=1))
    suspended, former = juror(), juror()
    standing.suspend(worker=suspended, reason="Copied.", now=NOON, actor=admin())
    former.offices.update(until=LATER)

    assert (ids(Worker.objects.get(pk=suspended.pk)), ids(former)) == ([], [])
    with pytest.raises(NotAJuror):
        join(appeal, former)


def no_part(appeal):
    return juror()


def appellants_other_account(appeal):
    worker = juror()
    link(worker, appeal.rejection.assignment.worker)
    return worker


def requesters_other_account(appeal):
    worker = juror()
    worker.user.person = owner(appeal.rejection.assignment.batch).person
    worker.user.save()
    return worker


def blocked(appeal, direction):
    worker, requester = juror(), owner(appeal.rejection.assignment.batch)
    blocks.block(requester=requester, worker=worker, direction=direction, now=NOON, actor=requester)
    return worker


def knows_the_task(appeal):
    worker, task = juror(), appeal.rejection.assignment.task
    Task.objects.filter(pk=task.pk).update(overlap=2, remaining_overlap=1, is_open=True)
    claim(task.batch, worker)
    return worker


def wrote_the_task(appeal):
    worker = juror()
    Task.objects.update(author_id=worker.user.person_id)
    return worker


def sits_there(appeal):
    worker = juror()
    join(appeal, worker)
    vote(appeal, worker)
    return worker


def sits_there_with_another_account(appeal):
    other, worker = juror(), juror()
    join(appeal, other)
    worker.user.person = other.user.person
    worker.user.save()
    return worker


def blocked_by_the_requester(appeal):
    return blocked(appeal, direction=Block.Direction.REQUESTER)


def blocked_the_requester(appeal):
    return blocked(appeal, direction=Block.Direction.WORKER)


def would_be_disturbed(appeal):
    Batch.objects.update(content_warnings=["gore"])
    return juror()


@pytest.mark.parametrize(
    "who",
    [
        appellants_other_account,
        requesters_other_account,
        blocked_by_the_requester,
        blocked_the_requester,
        knows_the_task,
        wrote_the_task,
        sits_there,
        sits_there_with_another_account,
        would_be_disturbed,
    ],
    ids=lambda who: who.__name__,
)
def test_who_has_a_part_in_a_case_neither_sees_nor_joins_it(who):
    appeal = appealed(published_batch(tasks=1))
    assert ids(no_part(appeal)) == [appeal.pk]

    worker = who(appeal)

    assert ids(worker) == []
    with pytest.raises(Appeal.DoesNotExist):
        join(appeal, worker)


def test_a_lifted_block_and_content_agreed_to_are_no_reason():
    appeal = appealed(published_batch(tasks=1))
    Batch.objects.update(content_warnings=["gore"])
    worker = blocked(appeal, Block.Direction.WORKER)
    Worker.objects.filter(pk=worker.pk).update(content=["gore", "hate"])
    Block.objects.update(lifted_at=LATER)

    assert ids(Worker.objects.get(pk=worker.pk)) == [appeal.pk]


def test_a_case_is_shown_without_a_name_or_number_of_anybody():
    appeal = appealed(published_batch(tasks=1))

    [case] = jury.cases_for(juror(), now=LATER)

    assert case == jury.Case(
        id=appeal.pk,
        instructions="Say which animal you see.",
        interface=case.interface,
        input={"image": "0.png"},
        answer={"label": "cat"},
        code="wrong_or_empty",
        reason=WHY,
        instruction="Say which animal you see.",
        message="It is a cat.",
        jury_until=LATER + 5 * DAY,
        pay_minor=5,
        currency="USD",
    )


# Seats.


def test_three_sit_and_a_fourth_finds_no_seat_until_an_hour_is_over():
    appeal = appealed(published_batch(tasks=1))
    seated = [juror() for _ in range(3)]
    taken = [join(appeal, worker) for worker in seated]
    late = juror()

    assert [each.seat for each in taken] == [1, 2, 3]
    assert ids(late) == []
    with pytest.raises(Appeal.DoesNotExist):
        join(appeal, late)
    assert ids(late, LATER + HOUR) == [appeal.pk]
    assert join(appeal, late, LATER + HOUR).seat == 1
    with pytest.raises(Appeal.DoesNotExist):
        vote(appeal, seated[0], now=LATER + HOUR)
    assert broken(now=LATER) == []


def test_who_joins_again_keeps_the_seat_and_after_the_hour_gets_another():
    appeal, worker = appealed(published_batch(tasks=1)), juror()

    first, again = join(appeal, worker), join(appeal, worker, LATER + HOUR / 2)
    [case] = jury.seats_of(worker, now=LATER)

    assert (first, case.id) == (again, appeal.pk)
    with pytest.raises(VoteTooLate):
        vote(appeal, worker, now=LATER + HOUR)
    assert jury.seats_of(worker, now=LATER + HOUR) == []
    assert join(appeal, worker, LATER + HOUR).pk != first.pk


def test_a_seat_ends_with_the_jurys_time():
    appeal, worker = appealed(published_batch(tasks=1)), juror()

    seat = join(appeal, worker, appeal.jury_until - HOUR / 2)

    assert seat.leave_at == appeal.jury_until
    with pytest.raises(Appeal.DoesNotExist):
        join(appeal, juror(), appeal.jury_until)


# Votes.


def test_nobody_votes_without_a_seat_or_reasons_or_twice():
    appeal, worker = appealed(published_batch(tasks=1)), juror()

    with pytest.raises(Appeal.DoesNotExist):
        vote(appeal, worker)
    join(appeal, worker)
    with pytest.raises(InvalidRejection, match="20 characters"):
        vote(appeal, worker, reason="  It is a cat.      ")
    vote(appeal, worker)
    with pytest.raises(VoteTooLate):
        vote(appeal, worker, "uphold")


@pytest.mark.parametrize(
    ("choices", "outcome"),
    [
        (["overturn", "overturn"], "overturned"),
        (["uphold", "uphold"], "upheld"),
        (["overturn", "uphold", "overturn"], "overturned"),
        (["uphold", "overturn", "uphold"], "upheld"),
    ],
)
def test_two_equal_votes_decide_at_once(choices, outcome):
    appeal = appealed(published_batch(tasks=1))

    votes(appeal, *choices[:-1])
    assert fresh(appeal).status == "open"
    votes(appeal, choices[-1])

    row = fresh(appeal)
    assert (row.status, row.outcome, row.decided_by) == ("decided", outcome, None)
    assert row.answer.count(WORDS) == len(choices)
    assert row.rejection.status == ("overturned" if outcome == "overturned" else "final")
    assert broken(now=LATER) == []
    assert ids(juror()) == []


def test_one_against_one_is_no_decision():
    appeal = appealed(published_batch(tasks=1))

    votes(appeal, "overturn", "uphold")

    assert fresh(appeal).status == "open"


def test_who_was_reading_while_it_was_decided_may_still_vote_and_is_paid():
    appeal, slow = appealed(published_batch(tasks=1)), juror()
    join(appeal, slow)
    votes(appeal, "overturn", "overturn")

    vote(appeal, slow, "uphold")

    assert fresh(appeal).outcome == "overturned"
    pay_all(now=LATER)
    assert earned(slow) == 5
    assert broken(now=LATER) == []


@pytest.mark.django_db(transaction=True)
def test_of_eight_who_join_at_once_three_find_a_seat():
    appeal = appealed(published_batch(tasks=1))
    workers = [juror() for _ in range(8)]

    outcomes = at_once([partial(join, appeal, worker) for worker in workers])

    seats = [each.seat for each in outcomes if isinstance(each, Juror)]
    assert sorted(seats) == [1, 2, 3]
    assert sum(isinstance(each, Appeal.DoesNotExist) for each in outcomes) == 5


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "choices", [["overturn"] * 3, ["overturn", "uphold", "uphold"]], ids=["agree", "split"]
)
def test_jurors_who_vote_at_once_decide_once(choices):
    appeal = appealed(published_batch(tasks=1))
    workers = [juror() for _ in range(3)]
    for worker in workers:
        join(appeal, worker)

    outcomes = at_once(
        [
            *[partial(vote, appeal, *each) for each in zip(workers, choices, strict=True)],
            partial(appeals.escalate_due, now=AFTER),
            partial(settle.pay_accepted, now=LATER),
        ]
    )

    assert all(isinstance(each, Juror) for each in outcomes[:3]), outcomes
    row = fresh(appeal)
    assert row.status in {"decided", "human"}
    if row.status == "decided":
        assert row.outcome == ("overturned" if choices[1] == "overturn" else "upheld")
    pay_all()
    assert [earned(worker) for worker in workers] == [5, 5, 5]
    assert broken(now=LATER) == []
