"""The record of what people decided about people, and another look at it when they ask for one.

Source: Directive (EU) 2024/2831, articles 10 and 11: a human decides, says why, and answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from workers import events
from workers.errors import AppealRefused, HumanDecisionMissing
from workers.models import Decision, StandingAppeal, User, Worker

ANSWER_WITHIN = timedelta(days=14)
Kind = Decision.Kind
# A refusal of pay has a hearing of its own: tasks.hearings.
APPEALABLE = (Kind.SUSPEND, Kind.CLOSE, Kind.LIMIT)


def record(
    *,
    kind: Decision.Kind,
    subject_kind: str,
    subject_id: int,
    concerns: User,
    made_by: User | None,
    reasons: str,
    evidence: Mapping[str, Any] | None = None,
    now: datetime,
    appeal_until: datetime | None = None,
    answers: Decision | None = None,
) -> Decision:
    """Write down one decision; call it in the transaction that carries it out.

    ``concerns`` is who reads the reasons, ``answers`` the decision that this one reviews.
    ``made_by`` is None only where a jury decided.

    Raises:
        HumanDecisionMissing: there are no reasons, or it is against somebody and nobody's.
    """
    if not reasons.strip() or (kind in Decision.AGAINST and made_by is None):
        raise HumanDecisionMissing
    return Decision.objects.create(
        kind=kind,
        subject_kind=subject_kind,
        subject_id=subject_id,
        concerns=concerns,
        made_by=made_by,
        reasons=reasons.strip(),
        evidence=dict(evidence or {}),
        made_at=now,
        effective_at=now,
        appeal_until=appeal_until,
        answers=answers,
    )


@transaction.atomic
def appeal(*, decision: Decision, message: str, now: datetime) -> StandingAppeal:
    """Ask for another look at a suspension, a closure or a limit; an answer is owed in 14 days.

    Raises:
        AppealRefused: it is no such decision, its time is over, or it was appealed before.
    """
    if decision.kind not in APPEALABLE:
        raise AppealRefused
    if decision.appeal_until is not None and now >= decision.appeal_until:
        raise AppealRefused(f"The time to appeal ended at {decision.appeal_until:%Y-%m-%d %H:%M}.")
    made, is_new = StandingAppeal.objects.get_or_create(
        decision=decision,
        defaults={"message": message, "made_at": now, "due_at": now + ANSWER_WITHIN},
    )
    if not is_new:
        raise AppealRefused("You have appealed already; a human answers within 14 days.")
    _tell("decision_appealed", decision, decision.concerns, now)
    return made


@transaction.atomic
def answer(
    *, appeal: StandingAppeal, reverse: bool, reasons: str, actor: User, now: datetime
) -> Decision:
    """Answer an appeal in words: undo the decision, or let it stand.

    A suspended or closed account that is given back is active at once. A limit is lifted by
    whoever answers, with ``tasks.checks.restrict.lift``.

    Raises:
        AppealRefused: it was answered before, or ``actor`` made the decision or is concerned.
        HumanDecisionMissing: there are no reasons.
    """
    row = StandingAppeal.objects.select_for_update(no_key=True, of=("self",))
    row = row.select_related("decision__concerns")
    locked = row.get(pk=appeal.pk)
    decision = locked.decision
    if locked.answered_at is not None:
        raise AppealRefused("Somebody has answered this already.")
    if decision.concerns.person_id == actor.person_id or decision.made_by_id == actor.pk:
        raise AppealRefused("Somebody else has to look at it: you have a part in this.")
    made = record(
        kind=Kind.REVERSE if reverse else Kind.UPHOLD,
        subject_kind=decision.subject_kind,
        subject_id=decision.subject_id,
        concerns=decision.concerns,
        made_by=actor,
        reasons=reasons,
        now=now,
        answers=decision,
    )
    StandingAppeal.objects.filter(pk=locked.pk).update(answered_by=actor, answered_at=now)
    appeal.answered_by, appeal.answered_at = actor, now
    if reverse and decision.subject_kind == "worker" and _still_stands(decision):
        _give_back(decision, made, now)
    _tell("decision_reviewed", decision, actor, now, answer=made.pk, outcome=made.kind)
    return made


def _still_stands(decision: Decision) -> bool:
    """Whether the worker's account is as it is because of ``decision``."""
    later = Decision.objects.filter(
        subject_kind="worker",
        subject_id=decision.subject_id,
        kind__in=[Kind.SUSPEND, Kind.CLOSE, Kind.REINSTATE],
        pk__gt=decision.pk,
    )
    return not later.exists()


def _give_back(decision: Decision, made: Decision, now: datetime) -> None:
    """Make the account active: also a closed one, which no other verb opens again."""
    if decision.concerns.erased_at is not None:
        raise AppealRefused("This account was erased; it cannot be given back.")
    row = Worker.objects.locked().get(pk=decision.subject_id)
    changed = Worker.objects.filter(pk=row.pk)
    changed.update(status=Worker.Status.ACTIVE)
    changed.bump_qualifications_version()
    events.record(
        kind="worker_active",
        subject_kind="worker",
        subject_id=row.pk,
        actor=made.made_by,
        at=now,
        data={"from": row.status, "reason": made.reasons},
    )


def _tell(kind: str, decision: Decision, actor: User, now: datetime, **data: Any) -> None:
    events.record(
        kind=kind,
        subject_kind="decision",
        subject_id=decision.pk,
        actor=actor,
        at=now,
        data=data,
    )
