"""A batch's redundancy as the engine, and whoever foretells it, takes it."""

from __future__ import annotations

from tasks.aggregation.adaptive import Policy, Rule
from tasks.models import Batch


def policy_of(batch: Batch, *, budget: int | None = None) -> Policy:
    """Return a batch's rules as the engine takes them; ``budget`` counts answers."""
    return Policy(
        rule=Rule(batch.rule),
        minimum=batch.overlap_min,
        cautious_minimum=min(max(batch.overlap_min, Policy.cautious_minimum), batch.overlap_max),
        maximum=batch.overlap_max,
        target=batch.target,
        budget=budget,
    )
