"""What one claim and its submit cost: CPU of the web processes and PostgreSQL together.

make bench-cycle
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from typing import NamedTuple

import httpx

from benchmarks.site import Site, site

WORKERS = 8


class Cost(NamedTuple):
    """CPU milliseconds of one claim and its submit."""

    total: float
    web: float
    postgresql: float


def work(url: str, token: str, batch: int, cycles: int, failures: list[str]) -> None:
    """Claim and submit ``cycles`` times as one worker."""
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=url, headers=headers, timeout=30) as client:
        for _ in range(cycles):
            claimed = client.post(f"/api/v1/batches/{batch}/claim")
            if claimed.status_code != 201:
                failures.append(f"claim {claimed.status_code} {claimed.text[:200]}")
                return
            answer = {"answer": {"label": "cat"}}
            path = f"/api/v1/assignments/{claimed.json()['id']}/submit"
            submitted = client.post(path, json=answer)
            if submitted.status_code != 200:
                failures.append(f"submit {submitted.status_code} {submitted.text[:200]}")
                return


def milliseconds_per_cycle(where: Site, tokens: Sequence[str], batch: int, cycles: int) -> Cost:
    """CPU milliseconds per claim and submit, all of ``tokens`` working side by side."""
    failures: list[str] = []
    before = where.cpu_seconds()
    threads = [
        threading.Thread(target=work, args=(where.url, token, batch, cycles, failures))
        for token in tokens
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        sys.exit(f"a worker failed: {failures[0]}")
    done = cycles * len(tokens)
    web, postgresql = (
        1000 * (after - start) / done
        for start, after in zip(before, where.cpu_seconds(), strict=True)
    )
    return Cost(web + postgresql, web, postgresql)


def main() -> None:
    """Warm up, then measure three times."""
    with site() as where:
        from benchmarks import fill

        project = fill.a_project()
        batch = fill.a_batch(project, 10_000)
        tokens = [token for _, token in fill.tokens(WORKERS)]
        milliseconds_per_cycle(where, tokens, batch.pk, 40)
        runs = [milliseconds_per_cycle(where, tokens, batch.pk, 150) for _ in range(3)]
    print(f"claim + submit over HTTP, {WORKERS} workers, overlap 3, 10,000 open tasks")
    for run in runs:
        print(f"CPU {run.total:.2f} ms: web {run.web:.2f}, PostgreSQL {run.postgresql:.2f}")
    print(f"median {sorted(runs)[1].total:.2f} ms; target: at most 6 ms")


if __name__ == "__main__":
    main()
