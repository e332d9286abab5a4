"""Votes of the workers: one ballot per person, a quorum, an outcome that everybody can check."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F

from tests.factories import HOUR, NOON, a_requester, a_user, a_worker, fresh, link
from tests.workers.voting import COUNTED, cast, in_office, proposed
from workers import offices, proposals, standing
from workers.errors import (
    BallotCast,
    InvalidProposal,
    NotInOffice,
    NoVote,
    VoteClosed,
    WorkersOnly,
)
from workers.models import Event, Office, Proposal, User

pytestmark = pytest.mark.django_db


def vote(proposal, voter, is_yes=True, now=NOON + HOUR):
    return proposals.vote(proposal=proposal, voter=voter, is_yes=is_yes, now=now)


def staff():
    user = a_user()
    User.objects.filter(pk=user.pk).update(is_staff=True)
    return fresh(user)


@pytest.mark.parametrize(
    ("kind", "yes", "no", "electorate", "outcome"),
    [
        ("rule", 3, 2, 10, "carried"),
        ("rule", 3, 1, 10, "lost"),  # four ballots are too few
        ("rule", 3, 3, 10, "lost"),  # a tie
        ("rule", 4, 1, 100, "carried"),  # one in twenty
        ("rule", 5, 0, 101, "lost"),  # that would be six
        ("rule", 6, 0, 101, "carried"),
        ("floor", 4, 2, 10, "carried"),  # two thirds
        ("floor", 3, 2, 10, "lost"),
        ("rule", 0, 0, 0, "lost"),
    ],
)
def test_the_rule_is_the_one_that_is_stated(kind, yes, no, electorate, outcome):
    said = proposals.outcome_of(kind=kind, yes=yes, no=no, electorate=electorate)

    assert said == outcome


def test_a_proposal_is_counted_once_when_its_time_is_over():
    proposal = proposed()
    cast(proposal, yes=4, no=1)

    assert proposals.close_due(now=COUNTED - timedelta(seconds=1)) == 0
    assert proposals.close_due(now=COUNTED) == 1
    assert proposals.close_due(now=COUNTED) == 0

    row = fresh(proposal)
    assert (row.yes, row.no, row.outcome, row.counted_at) == (4, 1, "carried", COUNTED)
    assert Event.objects.get(kind="proposal_counted").data["electorate"] == 6


def test_a_carried_floor_is_one_of_that_kind_only():
    lowered, rule = proposed("floor"), proposed("rule")
    cast(lowered, yes=5)
    cast(rule, yes=5)

    assert not proposals.carried(lowered.pk, "floor")
    proposals.close_due(now=COUNTED)

    assert proposals.carried(lowered.pk, "floor")
    assert not proposals.carried(rule.pk, "floor")
    assert not proposals.carried(2**62, "floor")


def test_a_ballot_is_final():
    proposal, voter = proposed(), a_worker()
    vote(proposal, voter, is_yes=True)

    with pytest.raises(BallotCast):
        vote(proposal, voter, is_yes=False)

    assert [ballot.is_yes for ballot in proposal.ballots.all()] == [True]


def test_a_person_with_two_accounts_has_one_ballot():
    proposal, first, second = proposed(), a_worker(), a_worker()
    link(first, second)
    vote(proposal, first)

    with pytest.raises(BallotCast):
        vote(proposal, second)


def test_an_account_opened_for_the_vote_has_none():
    proposal, late = proposed(), a_worker()
    type(late).objects.filter(pk=late.pk).update(created_at=F("created_at") + HOUR)

    with pytest.raises(NoVote):
        vote(proposal, late)


def test_a_suspended_worker_has_no_vote_and_others_are_outsiders():
    proposal, suspended, both = proposed(), a_worker(), a_user(worker=True, requester=True)
    standing.suspend(worker=suspended, reason="Spam.", now=NOON, actor=a_requester())

    with pytest.raises(NoVote):
        vote(proposal, suspended)
    with pytest.raises(WorkersOnly):
        vote(proposal, both.worker)


def test_nobody_votes_once_the_time_is_over():
    proposal = proposed()

    with pytest.raises(VoteClosed):
        vote(proposal, a_worker(), now=COUNTED)


def test_no_event_tells_how_or_that_somebody_voted():
    proposal = proposed()
    cast(proposal, yes=1)

    event = Event.objects.get(kind="ballot_cast")

    assert (event.actor, event.data) == (None, {})


def test_an_election_gives_its_candidate_the_office_for_a_year():
    candidate = a_worker()
    proposal = proposed("reviewer", by=candidate.user)
    cast(proposal, yes=5)
    proposals.close_due(now=COUNTED)

    (office,) = offices.current(now=COUNTED)

    assert (office.worker, office.kind) == (candidate, Office.Kind.REVIEWER)
    assert offices.holds(candidate, Office.Kind.REVIEWER, now=COUNTED)
    assert not offices.holds(candidate, Office.Kind.REPRESENTATIVE, now=COUNTED)
    assert not offices.holds(candidate, Office.Kind.REVIEWER, now=COUNTED + offices.TERM)


def test_an_election_that_was_lost_gives_nothing():
    candidate = a_worker()
    cast(proposed("representative", by=candidate.user), yes=2, no=3)
    proposals.close_due(now=COUNTED)

    with pytest.raises(NotInOffice):
        offices.check_holds(candidate, Office.Kind.REPRESENTATIVE, now=COUNTED)


def test_a_closed_account_holds_no_office():
    worker = a_worker()
    in_office(worker, Office.Kind.REPRESENTATIVE)
    standing.close(worker=worker, reason="Left.", now=NOON, actor=worker.user)

    assert not offices.holds(worker, Office.Kind.REPRESENTATIVE, now=NOON)


def test_staff_propose_rules_and_floors_and_stand_in_no_election():
    assert proposed("floor", by=staff()).candidate is None

    with pytest.raises(WorkersOnly):
        proposed("representative", by=staff())


def test_a_requester_proposes_nothing():
    for user in a_requester(), a_user(worker=True, requester=True):
        with pytest.raises(WorkersOnly):
            proposed(by=user)


@pytest.mark.parametrize(
    "said",
    [
        {"title": " "},
        {"title": "x" * 201},
        {"text": "\n"},
        {"open_for": timedelta(days=7, microseconds=-1)},
        {"open_for": timedelta(days=60, microseconds=1)},
    ],
    ids=str,
)
def test_a_proposal_that_lacks_something_is_refused(said):
    with pytest.raises(InvalidProposal):
        proposed(**said)

    assert not Proposal.objects.exists()


def test_one_person_has_three_votes_open_at_most():
    user = a_worker().user
    for _ in range(3):
        proposed(by=user)

    with pytest.raises(InvalidProposal, match="3 votes open"):
        proposed(by=user)
