"""Proposals: workers vote on rules, on a lower wage floor, and on who speaks for them.

One ballot per person, final. The rule, stated before the vote and the same for everybody:

- There is a quorum: at least ``QUORUM_LEAST`` ballots, and those of one in ``QUORUM_ONE_IN``
  persons who may vote when it is counted.
- A proposal is carried by more yes than no; one for a lower floor by at least two thirds yes.
  A tie is lost.
- An election carried gives its candidate the office for a year.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from workers import events, names, offices
from workers.errors import (
    BallotCast,
    InvalidName,
    InvalidProposal,
    NoVote,
    VoteClosed,
    WorkersOnly,
)
from workers.membership import check_member, other_side
from workers.models import Ballot, Proposal, User, Worker

QUORUM_LEAST = 5  # ballots
QUORUM_ONE_IN = 20  # persons who may vote
SHORTEST, LONGEST = timedelta(days=7), timedelta(days=60)  # of a vote
OPEN_MOST = 3  # proposals one person has before the others at a time
ELECTIONS = (Proposal.Kind.REPRESENTATIVE, Proposal.Kind.REVIEWER)


@transaction.atomic
def propose(
    *,
    proposed_by: User,
    kind: Proposal.Kind,
    title: str,
    text: str,
    open_for: timedelta = timedelta(days=14),
    now: datetime,
) -> Proposal:
    """Open a vote. Whoever proposes an election stands in it themselves.

    Workers may propose anything, the operator's staff a rule or a lower floor. Raises
    ``WorkersOnly`` for everybody else, and ``InvalidProposal`` saying what is missing.
    """
    worker = proposed_by.worker_or_none
    if worker is not None and not proposed_by.is_staff:
        check_member(worker)
    elif not proposed_by.is_staff or kind in ELECTIONS:
        raise WorkersOnly
    _check(proposed_by, title, text, open_for, now)
    made = Proposal.objects.create(
        kind=kind,
        title=names.valid_name(title, limit=200),
        text=text,
        candidate=worker if kind in ELECTIONS else None,
        proposed_by=proposed_by,
        opened_at=now,
        closes_at=now + open_for,
    )
    _record("proposal_opened", made, proposed_by, now, {"kind": kind})
    return made


@transaction.atomic
def vote(*, proposal: Proposal, voter: Worker, is_yes: bool, now: datetime) -> Ballot:
    """Cast the ballot of this worker's person; it cannot be changed.

    Raises ``VoteClosed``; ``WorkersOnly`` and ``NoVote`` for those who have none (accounts opened
    after the proposal could have been opened for it); and ``BallotCast``.
    """
    # Nobody votes while the ballots are being counted.
    row = Proposal.objects.select_for_update(no_key=True).get(pk=proposal.pk)
    if row.counted_at is not None or now >= row.closes_at:
        raise VoteClosed
    check_member(voter)
    person = voters(row).filter(pk=voter.pk).values_list("user__person_id", flat=True).first()
    if person is None:
        raise NoVote
    try:
        with transaction.atomic():
            ballot = Ballot.objects.create(
                proposal=row, person_id=person, is_yes=is_yes, cast_at=now
            )
    except IntegrityError as error:
        raise BallotCast from error
    # A secret ballot's event says that somebody voted, and neither who nor how.
    _record("ballot_cast", row, None, now, {})
    return ballot


def close_due(*, now: datetime, limit: int = 100) -> int:
    """Count the votes that are over; return how many. A repeat counts nothing twice."""
    due = Proposal.objects.filter(counted_at=None, closes_at__lte=now).order_by("pk")
    ids = list(due.values_list("pk", flat=True)[:limit])
    return sum(_count(pk, now) for pk in ids)


def carried(proposal_id: int, kind: str) -> bool:
    """Whether workers have carried this proposal, and it is of this kind."""
    found = Proposal.objects.filter(pk=proposal_id, kind=kind, outcome=Proposal.Outcome.CARRIED)
    return found.exists()


def voters(proposal: Proposal) -> QuerySet[Worker]:
    """The workers who may vote on it: active members, who were there before it was opened."""
    active = Worker.objects.filter(status=Worker.Status.ACTIVE)
    members = active.exclude(user__person__in=other_side())
    return members.filter(created_at__lt=proposal.opened_at)


def outcome_of(*, kind: str, yes: int, no: int, electorate: int) -> Proposal.Outcome:
    """Apply the rule at the head of this file; ``electorate`` counts persons."""
    has_quorum = yes + no >= max(QUORUM_LEAST, -(-electorate // QUORUM_ONE_IN))
    wins = 3 * yes >= 2 * (yes + no) if kind == Proposal.Kind.FLOOR else yes > no
    return Proposal.Outcome.CARRIED if has_quorum and wins else Proposal.Outcome.LOST


@transaction.atomic
def _count(proposal_id: int, now: datetime) -> int:
    # Whoever counts first has counted; the other run finds it counted.
    row = Proposal.objects.select_for_update(no_key=True).get(pk=proposal_id)
    if row.counted_at is not None:
        return 0
    row.yes = row.ballots.filter(is_yes=True).count()
    row.no = row.ballots.filter(is_yes=False).count()
    electorate = voters(row).values("user__person").distinct().count()
    row.outcome = outcome_of(kind=row.kind, yes=row.yes, no=row.no, electorate=electorate)
    row.counted_at = now
    row.save(update_fields=["yes", "no", "outcome", "counted_at"])
    said = {"yes": row.yes, "no": row.no, "electorate": electorate, "outcome": row.outcome}
    _record("proposal_counted", row, None, now, said)
    if row.outcome == Proposal.Outcome.CARRIED and row.kind in ELECTIONS:
        offices.begin(proposal=row, now=now)
    return 1


def _check(user: User, title: str, text: str, open_for: timedelta, now: datetime) -> None:
    try:
        names.valid_name(title, limit=200)
    except InvalidName as error:
        raise InvalidProposal("title: give one line of visible characters, 200 at most.") from error
    if not text.strip():
        raise InvalidProposal("text: say what is proposed, and why.")
    if not SHORTEST <= open_for <= LONGEST:
        raise InvalidProposal("The vote stays open for 7 to 60 days.")
    # One proposal at a time per proposer, so that the limit holds.
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    running = Proposal.objects.filter(proposed_by__person=user.person_id, counted_at=None)
    if running.filter(closes_at__gt=now).count() >= OPEN_MOST:
        raise InvalidProposal(f"You have {OPEN_MOST} votes open; wait until one is over.")


def _record(
    kind: str, about: Proposal, actor: User | None, now: datetime, said: dict[str, object]
) -> None:
    events.record(
        kind=kind, subject_kind="proposal", subject_id=about.pk, actor=actor, at=now, data=said
    )
