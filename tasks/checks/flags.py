"""Questions to a human about a worker: asked by a job or by the worker, answered with a reason.

An answer has no consequence by itself. What follows, a suspension above all, is a human's own
act with a reason of its own: ``workers.standing.suspend``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from tasks.errors import IllegalTransition, ReasonMissing
from tasks.models import Flag, Restriction
from workers import events
from workers.models import User

APPEAL = "appeal"


@transaction.atomic
def raise_flag(
    *,
    worker_id: int,
    batch_id: int,
    kind: str,
    sentence: str,
    evidence: Mapping[str, Any],
    now: datetime,
    actor: User | None = None,
) -> bool:
    """Ask a human to look; return False, having done nothing, where the question waits already."""
    _, is_new = Flag.objects.get_or_create(
        worker_id=worker_id,
        batch_id=batch_id,
        kind=kind,
        status=Flag.Status.WAITING,
        defaults={"sentence": sentence, "evidence": dict(evidence), "made_at": now},
    )
    if is_new:
        _record("flag_raised", worker_id, actor, now, batch=batch_id, about=kind)
    return is_new


@transaction.atomic
def appeal(*, restriction: Restriction, message: str, now: datetime) -> Flag:
    """Let a worker ask for a human's look at a restriction of theirs, saying why.

    Raises:
        IllegalTransition: it has ended, or an appeal of theirs in this batch waits already.
        ReasonMissing: the message is empty.
    """
    if not message.strip():
        raise ReasonMissing
    if not Restriction.objects.filter(pk=restriction.pk, lifted_at=None).exists():
        raise IllegalTransition("This restriction has ended; there is nothing left to appeal.")
    evidence = {
        "restriction": restriction.pk,
        "kind": restriction.kind,
        "sentence": restriction.sentence,
        "figures": restriction.evidence,
        "message": message,
    }
    is_new = raise_flag(
        worker_id=restriction.worker_id,
        batch_id=restriction.batch_id,
        kind=APPEAL,
        sentence="The worker asks for a human's look: dismiss this and lift the restriction if"
        " nothing was wrong, uphold it if something was.",
        evidence=evidence,
        now=now,
        actor=restriction.worker.user,
    )
    if not is_new:
        raise IllegalTransition("You have asked already; a human will look at it.")
    return Flag.objects.get(
        worker=restriction.worker_id,
        batch=restriction.batch_id,
        kind=APPEAL,
        status=Flag.Status.WAITING,
    )


def dismiss(*, flag: Flag, reason: str, actor: User, now: datetime) -> None:
    """Decide that nothing was wrong, and say why.

    The answers given until now lead to no further restriction or question in this batch.

    Raises:
        IllegalTransition: somebody has decided already.
        ReasonMissing: the reason is empty.
    """
    _decide(flag, Flag.Status.DISMISSED, reason, actor, now)


def uphold(*, flag: Flag, reason: str, actor: User, now: datetime) -> None:
    """Decide that something was wrong, and say what. Nothing follows from that by itself.

    Raises:
        IllegalTransition: somebody has decided already.
        ReasonMissing: the reason is empty.
    """
    _decide(flag, Flag.Status.UPHELD, reason, actor, now)


@transaction.atomic
def _decide(flag: Flag, status: Flag.Status, reason: str, actor: User, now: datetime) -> None:
    if not reason.strip():
        raise ReasonMissing
    decided = {"status": status, "reason": reason, "decided_by": actor, "decided_at": now}
    # The old status is part of the WHERE clause, so of two who decide one wins.
    waiting = Flag.objects.filter(pk=flag.pk, status=Flag.Status.WAITING)
    if not waiting.update(**decided):
        raise IllegalTransition("Somebody has decided on this already.")
    for name, value in decided.items():
        setattr(flag, name, value)
    _record(
        f"flag_{status}",
        flag.worker_id,
        actor,
        now,
        flag=flag.pk,
        batch=flag.batch_id,
        about=flag.kind,
        reason=reason,
    )


def _record(kind: str, worker_id: int, actor: User | None, now: datetime, **data: Any) -> None:
    events.record(
        kind=kind, subject_kind="worker", subject_id=worker_id, actor=actor, at=now, data=data
    )
