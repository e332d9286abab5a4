"""The claims that are left of a batch's pilot, counted at its own row.

Only a batch in its pilot pays for this: its claims queue on nobody, but find nothing while
another one counts.
"""

from __future__ import annotations

from django.db.models import F

from tasks.models import Batch


def lock(batch_id: int) -> int | None:
    """Return how many claims are left, keeping others from counting until the transaction ends.

    None when another claim has the count in hand, or the pilot is over.
    """
    running = Batch.objects.filter(pk=batch_id, pilot_left__isnull=False)
    row = running.select_for_update(no_key=True, skip_locked=True).values_list("pilot_left")
    found = row.first()
    return None if found is None else found[0]


def add(batch_id: int, claims: int) -> None:
    """Count ``claims`` more that are left, or fewer if it is negative, while the pilot runs."""
    Batch.objects.filter(pk=batch_id, pilot_left__isnull=False).update(
        pilot_left=F("pilot_left") + claims
    )
