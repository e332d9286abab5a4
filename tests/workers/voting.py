"""Proposals, voters and offices, for tests."""

from __future__ import annotations

from datetime import timedelta

from tests.factories import HOUR, NOON, a_worker
from workers import offices, proposals
from workers.models import Office, Proposal, Worker

VOTE = timedelta(days=14)
COUNTED = NOON + HOUR + VOTE


def proposed(kind="rule", by=None, **said):
    """A proposal opened an hour after the accounts of ``a_worker`` were."""
    proposer = by or a_worker().user
    words = {"title": "Shorter forms", "text": "Because they are long.", **said}
    return proposals.propose(
        proposed_by=proposer, kind=Proposal.Kind(kind), now=NOON + HOUR, **words
    )


def cast(proposal: Proposal, *, yes: int = 0, no: int = 0) -> list[Worker]:
    """So many new persons vote; they are returned."""
    voters = [a_worker() for _ in range(yes + no)]
    for number, voter in enumerate(voters):
        proposals.vote(proposal=proposal, voter=voter, is_yes=number < yes, now=NOON + HOUR)
    return voters


def in_office(worker: Worker, kind: Office.Kind) -> Office:
    """The worker holds this office from noon on, for a year."""
    proposal = Proposal.objects.create(
        kind=kind, title="Elect me", text="I listen.", candidate=worker, proposed_by=worker.user,
        opened_at=NOON - VOTE, closes_at=NOON, yes=0, no=0, outcome="carried", counted_at=NOON,
    )  # fmt: skip
    return offices.begin(proposal=proposal, now=NOON)
