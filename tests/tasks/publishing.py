"""What the tests of uploads and publication do and look at."""

from __future__ import annotations

from payments import accounts
from payments.deposits import deposit
from payments.money import Money
from tasks.rows import Row
from tests.factories import (
    NOON,
    fresh,
    usd,
)
from workers.models import Event


def owner(batch):
    return batch.project.requester


def wallet(batch) -> Money:
    return accounts.wallet_of(owner(batch).pk, batch.currency).balance


def give(batch, cents):
    deposit(owner_id=owner(batch).pk, amount=usd(cents), reference=f"more-{cents}", now=NOON)


def books(batch):
    """What a batch counts and what its escrow holds."""
    batch = fresh(batch)
    return {
        "tasks": batch.task_count,
        "gold": batch.gold_count,
        "slots": batch.slot_count,
        "budget": batch.budget_minor,
        "held": batch.reserved,
    }


def events(batch):
    return list(
        Event.objects.filter(subject_kind="batch", subject_id=batch.pk)
        .order_by("pk")
        .values_list("kind", "actor", "at")
    )


def golden(**options):
    return Row(input='{"image":"g.png"}', gold='{"label":"cat"}', **options)
