"""Everything that is kept about one account, from all apps, streamed as one JSON object.

Nothing here tells a worker which of their tasks were gold, or who else took part in anything.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Q

from marketplace.models import ApiKey
from payments.models import Account, ConnectedAccount, Funding, Payout, Refund, Transfer
from tasks.models import (
    Appeal,
    Assignment,
    Batch,
    Flag,
    Juror,
    Rating,
    Rejection,
    Restriction,
    Return,
    TopUp,
)
from workers import export
from workers.export import Part
from workers.models import User, Worker


def stream(user_id: int) -> Iterator[bytes]:
    """The export's JSON, a page of rows at a time."""
    user = User.objects.select_related("worker").get(pk=user_id)
    yield b'{"profile": ' + _json(export.profile(user))
    for part in parts(user):
        yield f',\n"{part.name}": ['.encode()
        joint = b"\n"
        for row in chain.from_iterable(export.pages(part)):
            yield joint + _json(row)
            joint = b",\n"
        yield b"]"
    yield b"}\n"


def parts(user: User) -> list[Part]:
    """The lists of the export, those of every app."""
    worker = user.worker_or_none
    return [
        *export.parts(user),
        *_money(user),
        *_keys(user),
        *(_work(worker) if worker else []),
        *(_jobs(user) if user.is_requester else []),
    ]


def _money(user: User) -> list[Part]:
    own = Account.objects.filter(owner=user)
    entries = Transfer.objects.filter(Q(source__in=own) | Q(target__in=own))
    return [
        Part("accounts", own, _same("id", "purpose", "currency", "balance_minor")),
        Part(
            "entries",
            entries,
            {
                "from": "source_id",
                "to": "target_id",
                **_same("kind", "amount_minor", "currency", "posted_at"),
            },
        ),
        Part(
            "payouts",
            Payout.objects.filter(owner=user),
            _same("id", "amount_minor", "currency", "status", "requested_at", "settled_at"),
        ),
        Part(
            "payout_accounts",
            ConnectedAccount.objects.filter(owner=user),
            _same("stripe_account_id", "country", "transfers_status", "requirements", "created_at"),
        ),
        Part(
            "payments",
            Funding.objects.filter(owner=user),
            _same("id", "amount_minor", "currency", "status", "created_at", "paid_at"),
        ),
        Part(
            "refunds",
            Refund.objects.filter(funding__owner=user),
            {"payment": "funding_id", **_same("amount_minor", "status", "requested_at")},
        ),
    ]


def _keys(user: User) -> list[Part]:
    own = ApiKey.objects.filter(user=user)
    return [Part("tokens", own, _same("name", "prefix", "created_at", "last_used_at"))]


def _work(worker: Worker) -> list[Part]:
    mine = Assignment.objects.filter(worker=worker)
    # A question to a human stays between those who ask and answer, until it is decided.
    told = Q(kind="appeal") | ~Q(status=Flag.Status.WAITING)
    return [
        Part(
            "assignments",
            mine,
            {
                "batch": "batch_id",
                "task": "task_id",
                "title": "batch__project__title",
                "currency": "batch__currency",
                "answer": "answer__value",
                **_same(*ASSIGNMENT),
            },
        ),
        Part(
            "rejections",
            Rejection.objects.filter(assignment__worker=worker),
            {"assignment": "assignment_id", **_same(*REJECTION)},
        ),
        Part(
            "appeals",
            Appeal.objects.filter(rejection__assignment__worker=worker),
            {"assignment": "rejection_id", **_same(*APPEAL)},
        ),
        Part(
            "returns",
            Return.objects.filter(assignment__worker=worker),
            {"assignment": "assignment_id", **_same(*RETURN)},
        ),
        Part(
            "top_ups",
            TopUp.objects.filter(worker=worker),
            {"batch": "batch_id", **_same("rule", "reserve_minor", "guarantee_minor", "inputs")},
        ),
        Part(
            "ratings",
            Rating.objects.filter(worker=worker),
            {"batch": "batch_id", **_same(*RATING)},
        ),
        Part(
            "jury_seats",
            Juror.objects.filter(worker=worker),
            _same("joined_at", "vote", "reason", "voted_at", "pay_minor", "currency", "paid_at"),
        ),
        Part(
            "restrictions",
            Restriction.objects.filter(worker=worker),
            {"batch": "batch_id", **_same("kind", "value", "sentence", "made_at", "until")},
        ),
        Part(
            "flags",
            Flag.objects.filter(told, worker=worker),
            {"batch": "batch_id", **_same("kind", "sentence", "status", "made_at", "reason")},
        ),
    ]


def _jobs(user: User) -> list[Part]:
    return [
        Part(
            "batches",
            Batch.objects.of(user.pk),
            {"title": "project__title", **_same("id", "status", "budget_minor", "currency")},
        ),
    ]


ASSIGNMENT = (
    "id",
    "status",
    "reward_minor",
    "effort_minor",
    "claimed_at",
    "submitted_at",
    "finished_at",
    "reason",
    "worked_seconds",
    "coverage",
    "reported_seconds",
    "paid_at",
)
REJECTION = ("code", "reason", "instruction", "status", "made_at", "effort_minor", "final_at")
APPEAL = ("message", "status", "made_at", "outcome", "answer", "decided_at")
RETURN = ("reason", "text", "seconds", "amount_minor", "status", "made_at", "decided_reason")
RATING = ("fairness", "pay", "speed", "communication", "text", "reply", "made_at")


def _same(*names: str) -> dict[str, str]:
    """Values that the export calls as the row does."""
    return {name: name for name in names}


def _json(value: object) -> bytes:
    return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False).encode()
