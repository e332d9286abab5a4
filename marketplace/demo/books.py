"""What the operator reads from the database when the demo is over: names, suspects, proofs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Count, Sum

from marketplace.demo import payday
from payments import audit
from payments.models import Transfer
from payments.money import Money
from tasks import invariants, provenance, quality
from tasks.models import Batch, Cursor, TopUp, Wage
from tasks.provenance import Verdict
from tasks.provenance.write import DOUBTS_WAIT
from tasks.quality import Suspect
from workers.models import Worker


class Promise(NamedTuple):
    """Something that must hold, and what shows that it does not; nothing if it does."""

    sentence: str
    broken_by: Sequence[str]


def pseudonyms(batch_id: int) -> dict[str, str]:
    """Return the username behind each name that the requester sees in a batch."""
    cursors = Cursor.objects.filter(batch=batch_id)
    return dict(cursors.values_list("pseudonym", "worker__user__username"))


def suspects(*, project_id: int, chance: float) -> dict[str, Suspect]:
    """Return who looks like guessing, by username; ``chance`` is how often a guess is right."""
    found = quality.suspects(project_id=project_id, chance=chance)
    workers = Worker.objects.filter(pk__in=[each.worker_id for each in found])
    names = dict(workers.values_list("pk", "user__username"))
    return {names[each.worker_id]: each for each in found}


class Pay(NamedTuple):
    """How a batch's pay stood to the wage floor."""

    seconds: int | None  # that an answer usually took, by the server's clock
    topped_up_minor: int  # paid beyond the rewards


def pay_of(batch_id: int) -> Pay:
    """Read what a batch's answers took, and what was paid on top of their rewards."""
    paid = TopUp.objects.filter(batch=batch_id).aggregate(
        reserve=Sum("reserve_minor"), guarantee=Sum("guarantee_minor")
    )
    wage = Wage.objects.filter(pk=batch_id).first()
    seconds = wage.reference_seconds if wage else None
    return Pay(seconds, (paid["reserve"] or 0) + (paid["guarantee"] or 0))


def provenance_of(batch_id: int, *, now: datetime) -> Verdict:
    """Write the batch's chain of provenance and verify it.

    A job does so five minutes after closing, by when doubts are up for review. The demo's have
    all been decided by now, so nothing is left to wait for.
    """
    batch = Batch.objects.get(pk=batch_id)
    provenance.record(batch=batch, now=now + DOUBTS_WAIT)
    return provenance.verify(batch)


def promises(
    *,
    answers: Sequence[Mapping[str, Any]],
    batch_id: int,
    verdict: Verdict,
    now: datetime,
) -> list[Promise]:
    """Return what must hold of all money and all rows, with what breaks it."""
    broken = invariants.broken(now=now)
    return [
        Promise(
            "the ledger balances, account by account",
            [f"{each.problem}: account {each.account_id}" for each in audit.imbalances()],
        ),
        Promise("the books and the bank of play money agree to the cent", payday.differences()),
        Promise("every accepted answer was paid for exactly once", _unpaid(answers, batch_id)),
        Promise("every label agrees with its record of provenance", _unproven(verdict)),
        Promise(
            f"{len(invariants.INVARIANTS)} invariants hold over all rows of the database",
            [f"{each.sentence} {each.count} rows break this: {each.rows[:3]}" for each in broken],
        ),
    ]


def _unpaid(answers: Sequence[Mapping[str, Any]], batch_id: int) -> list[str]:
    """Compare what the requester accepted with what left the batch's escrow as rewards."""
    accepted = [row["reward"] for row in answers if row["status"] == "accepted"]
    batch = Batch.objects.get(pk=batch_id)
    rewards = Transfer.objects.filter(source=batch.escrow_id, kind=Transfer.Kind.REWARD)
    paid = rewards.aggregate(times=Count("pk"), minor=Sum("amount_minor", default=0))
    if (paid["times"], paid["minor"]) == (len(accepted), sum(accepted)):
        return []
    found, wanted = (Money(minor, batch.currency) for minor in (paid["minor"], sum(accepted)))
    return [f"{paid['times']} rewards of {found} for {len(accepted)} answers of {wanted}"]


def _unproven(verdict: Verdict) -> list[str]:
    """Return what is not as it was recorded; a chain that was not written is broken too."""
    if not verdict.is_complete:
        return ["the chain was not written to its end"]
    return [f"task {each.task}: {each.what}" for each in verdict.differences]
