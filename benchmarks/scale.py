"""Whether a claim's cost depends on how much there is: open tasks, or answers behind a worker.

make bench-scale
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from statistics import median
from typing import Any

from benchmarks.cycle import WORKERS, milliseconds_per_cycle
from benchmarks.site import site

SIZES = (1_000, 10_000, 100_000, 1_000_000)
BEHIND = 50_000
ROUNDS = 3  # interleaved, so that a noisy minute hits every size
CYCLES = 40  # per worker and round


def main() -> None:
    """Measure each size in turn, several times, then one worker with a long past."""
    with site() as where:
        from benchmarks import fill

        project = fill.a_project()
        tokens = [token for _, token in fill.tokens(WORKERS)]
        batches = {size: fill.a_batch(project, size) for size in SIZES}
        costs: dict[str, list[float]] = defaultdict(list)
        for batch in batches.values():
            milliseconds_per_cycle(where, tokens, batch.pk, 10)
        for _ in range(ROUNDS):
            for size, batch in batches.items():
                cost = milliseconds_per_cycle(where, tokens, batch.pk, CYCLES)
                costs[f"{size:,} open tasks"].append(cost.total)

        batch = fill.a_batch(project, 100_000, overlap=10)
        (veteran, old), (_, new) = fill.tokens(2, prefix="past")
        fill.answers_behind(batch, veteran, BEHIND)
        for token in old, new:
            milliseconds_per_cycle(where, [token], batch.pk, 20)
        for _ in range(ROUNDS):
            for name, token in ("a new worker", new), (f"{BEHIND:,} answers behind", old):
                cost = milliseconds_per_cycle(where, [token], batch.pk, 150)
                costs[name].append(cost.total)
        buffers = {
            name: buffers_of_claim(batch.pk, user)
            for name, user in [("a new worker", fill.tokens(1, prefix="fresh")[0][0]),
                               (f"{BEHIND:,} answers behind", veteran)]
        }  # fmt: skip
    report(costs, buffers)


def buffers_of_claim(batch_id: int, user: Any) -> int:
    """Pages that picking one task touches, by EXPLAIN (ANALYZE, BUFFERS) of the real claim."""
    from django.db import connection, transaction

    from tasks import claim_sql, distribute

    seen: list[int] = []

    def explain(execute: Any, sql: str, params: Any, many: Any, context: Any) -> Any:
        if sql == claim_sql.TAKE:
            with context["connection"].connection.cursor() as cursor:
                cursor.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + sql, params)
                plan = json.dumps(cursor.fetchone()[0])
            seen.append(pages_of(plan))
            raise StopIteration
        return execute(sql, params, many, context)

    try:
        with connection.execute_wrapper(explain), transaction.atomic():
            from django.utils import timezone

            distribute.claim(
                batch_id=batch_id, worker=user.worker, now=timezone.now(), draw=lambda: 0.9
            )
    except StopIteration:
        pass
    return seen[0]


def pages_of(plan: str) -> int:
    """Buffers of the scan that picks from the normal lane, with its look into the past."""
    normal = next(
        node for node in nodes(json.loads(plan)[0]["Plan"])
        if node.get("Subplan Name") == "CTE normal"
    )  # fmt: skip
    return int(normal["Shared Hit Blocks"] + normal["Shared Read Blocks"])


def nodes(node: dict[str, Any]) -> list[dict[str, Any]]:
    return [node, *(each for child in node.get("Plans", []) for each in nodes(child))]


def report(costs: dict[str, list[float]], buffers: dict[str, int]) -> None:
    """Medians, and the ratios that the targets speak of."""
    middle = {name: median(each) for name, each in costs.items()}
    print("CPU ms per claim + submit (web + PostgreSQL), median of interleaved rounds")
    for name, value in middle.items():
        print(f"  {name:<24} {value:6.2f}   rounds: {', '.join(f'{x:.2f}' for x in costs[name])}")
    sizes = [value for name, value in middle.items() if re.search("open tasks", name)]
    print(f"largest / smallest over the sizes: {max(sizes) / min(sizes):.2f}; target at most 1.3")
    ratio = middle[f"{BEHIND:,} answers behind"] / middle["a new worker"]
    print(f"a worker with {BEHIND:,} answers / a new one: {ratio:.2f}; target at most 1.5")
    for name, pages in buffers.items():
        print(f"buffers touched to pick a task, {name}: {pages}; target at most 50")


if __name__ == "__main__":
    main()
