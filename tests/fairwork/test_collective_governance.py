"""Fairwork 5.2: there is collective governance or bargaining."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from marketplace import floor_terms
from payments import floors
from payments.errors import VoteMissing
from payments.money import Money
from tasks.hearings import jury
from tests.factories import NOON, a_user, a_worker, floor, link
from tests.marketplace.clients import api, problem_of
from tests.workers.voting import COUNTED, cast, proposed
from workers import proposals
from workers.models import Ballot

pytestmark = pytest.mark.django_db
FIRST_DAY = date(2026, 6, 1)


def lowered(vote=None):
    """A platform floor that is lower than the one in force, proposed by one person."""
    return floors.propose(
        jurisdiction="platform", rate=Money(1000, "USD"), valid_from=FIRST_DAY, source="A vote.",
        actor_id=a_user().pk, now=NOON, proposal_id=vote,
    )  # fmt: skip


def approve(waiting):
    floor_terms.approve(floor=waiting, actor_id=a_user().pk, now=NOON)


def test_a_lower_floor_needs_a_vote_that_workers_carried():
    floor(1200)
    carried, lost, rule = proposed("floor"), proposed("floor"), proposed("rule")
    cast(carried, yes=5)
    cast(lost, yes=3, no=2)
    cast(rule, yes=5)
    proposals.close_due(now=COUNTED)

    for vote in None, lost.pk, rule.pk, 2**40:
        with pytest.raises(VoteMissing):
            approve(lowered(vote))
    approve(lowered(carried.pk))

    assert floors.in_force(currency="USD", on=FIRST_DAY) == 1000


def test_every_worker_may_open_a_vote_and_everybody_reads_what_came_of_it():
    made = (
        api(a_worker())
        .post("proposals", {"kind": "rule", "title": "Longer deadlines", "text": "Because."})
        .json()
    )
    for _ in range(5):
        given = api(a_worker()).post(f"proposals/{made['id']}/vote", {"yes": True})
        assert given.status_code == 201
    proposals.close_due(now=timezone.now() + timedelta(days=15))

    told = api(None).get(f"public/proposals/{made['id']}").json()

    assert (told["yes"], told["no"], told["outcome"]) == (5, 0, "carried")


def test_a_vote_is_cast_once_per_person_and_never_changed():
    made = api(a_worker()).post("proposals", {"kind": "rule", "title": "t", "text": "t"}).json()
    first, second = a_worker(), a_worker()
    link(first, second)
    path = f"proposals/{made['id']}/vote"
    assert api(first).post(path, {"yes": True}).status_code == 201

    assert problem_of(api(first).post(path, {"yes": False})) == (409, "ballot_cast")
    assert problem_of(api(second).post(path, {"yes": False})) == (409, "ballot_cast")
    ballot = Ballot.objects.get()
    with pytest.raises(IntegrityError, match="once_per_person"), transaction.atomic():
        Ballot.objects.create(
            proposal=ballot.proposal, person=ballot.person, is_yes=False, cast_at=NOON
        )


def test_workers_elect_the_reviewers_who_sit_on_juries():
    candidate = a_worker()
    cast(proposed("reviewer", by=candidate.user), yes=5)
    assert not jury.is_qualified(candidate, now=COUNTED)

    proposals.close_due(now=COUNTED)

    assert jury.is_qualified(candidate, now=COUNTED)
