"""Everything this app holds about one account, as rows of plain values, part by part.

Left out is what concerns others: how many requesters have blocked a worker, and who.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet

from workers.membership import name_among_workers
from workers.models import (
    Ballot,
    Block,
    Consent,
    Decision,
    Event,
    Office,
    Post,
    Proposal,
    Qualification,
    Skill,
    StandingAppeal,
    User,
    Worker,
)

PAGE = 1_000  # rows read at a time

Row = dict[str, Any]


class Part(NamedTuple):
    """One list of an export: which rows, and which of their values under which names."""

    name: str
    rows: QuerySet[Any]
    fields: Mapping[str, str]  # name in the export → field


def pages(part: Part) -> Iterator[list[Row]]:
    """The part's rows, oldest first, a page at a time by their key; each page is its own query."""
    after = -(2**63)
    names = list(part.fields)
    while True:
        page = part.rows.filter(pk__gt=after).order_by("pk")
        values = list(page.values_list("pk", *part.fields.values())[:PAGE])
        if not values:
            return
        after = values[-1][0]
        yield [dict(zip(names, row[1:], strict=True)) for row in values]


def profile(user: User) -> Row:
    """The account itself."""
    worker = user.worker_or_none
    said: Row = {
        "username": user.username,
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "joined_at": user.date_joined,
        "last_login": user.last_login,
        "is_requester": user.is_requester,
        "terms_version": user.terms_version,
        "worker": None,
    }
    if worker is not None:
        said["worker"] = {
            "worker_id": worker.public_id,
            "name_among_workers": name_among_workers(worker),
            "status": worker.status,
            "country": worker.country,
            "subdivision": worker.subdivision,
            "content_agreed": worker.content,
            "rest_until": worker.rest_until,
            "since": worker.created_at,
        }
    return said


def parts(user: User) -> list[Part]:
    """The lists of an account; those of a worker only when it has one."""
    worker = user.worker_or_none
    return [*_of_user(user), *(_of_worker(worker) if worker else [])]


def _of_user(user: User) -> list[Part]:
    concerning = Decision.objects.filter(concerns=user)
    return [
        Part(
            "consents",
            Consent.objects.filter(user=user),
            {"version": "terms__version", "given_at": "given_at"},
        ),
        Part(
            "decisions",
            concerning,
            _same(*DECISION),
        ),
        Part(
            "appeals_against_decisions",
            StandingAppeal.objects.filter(decision__in=concerning),
            {"decision": "decision_id", **_same("message", "made_at", "due_at", "answered_at")},
        ),
        Part(
            "proposals",
            Proposal.objects.filter(proposed_by=user),
            _same("id", "kind", "title", "text", "opened_at", "closes_at", "outcome"),
        ),
        Part(
            "ballots",
            Ballot.objects.filter(person=user.person_id),
            {"proposal": "proposal_id", "yes": "is_yes", "cast_at": "cast_at"},
        ),
        Part(
            "events",
            Event.objects.filter(Q(actor=user) | Q(subject_kind="user", subject_id=user.pk)),
            _same("kind", "subject_kind", "subject_id", "at"),
        ),
    ]


def _of_worker(worker: Worker) -> list[Part]:
    own = Block.objects.filter(worker=worker, direction=Block.Direction.WORKER)
    return [
        Part(
            "qualifications",
            Qualification.objects.filter(worker=worker),
            {
                "name": "type__name",
                **_same("value", "status", "granted_at", "revoked_at", "reason"),
            },
        ),
        Part(
            "skills",
            Skill.objects.filter(worker=worker),
            # Of gold a worker learns no more than ``GET /standing`` tells, or it gave gold away.
            {"project": "project_id", **_same("source", "answers", "estimated_at")},
        ),
        Part(
            "blocks",
            own,
            {"requester": "requester_id", **_same("reason", "created_at", "lifted_at")},
        ),
        Part(
            "posts",
            Post.objects.filter(author=worker),
            {"thread": "thread_id", **_same("id", "text", "made_at", "removed_at")},
        ),
        Part(
            "offices",
            Office.objects.filter(worker=worker),
            {"proposal": "proposal_id", **_same("kind", "since", "until")},
        ),
    ]


DECISION = (
    "id",
    "kind",
    "subject_kind",
    "subject_id",
    "reasons",
    "evidence",
    "made_at",
    "effective_at",
    "appeal_until",
)


def _same(*names: str) -> dict[str, str]:
    """Values that an export calls as the row does."""
    return {name: name for name in names}
