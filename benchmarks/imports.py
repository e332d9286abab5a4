"""What importing a million tasks and exporting three million answers takes.

make bench-import            (BENCH_TASKS=100000 for a quick look)
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import httpx

from benchmarks.site import Site, site

TASKS = int(os.environ.get("BENCH_TASKS", "1000000"))
OVERLAP = 3
MEBIBYTE = 1 << 20


def lines(count: int) -> Iterator[bytes]:
    """NDJSON, in pieces of a thousand rows."""
    for start in range(0, count, 1000):
        yield b"".join(
            b'{"image": "https://images.example/%d.png", "text": "What is this?"}\n' % number
            for number in range(start, min(start + 1000, count))
        )


def main() -> None:
    """Upload over HTTP, answer by SQL, download over HTTP."""
    with site() as where:
        from benchmarks import fill
        from marketplace.api import keys

        project = fill.a_project()
        from django.utils import timezone

        token = keys.make(user=project.requester, name="bench", now=timezone.now())[1]
        client = httpx.Client(
            base_url=where.url, headers={"Authorization": f"Bearer {token}"}, timeout=3600
        )
        draft = client.post(
            f"/api/v1/projects/{project.pk}/batches", json={"reward": 5, "overlap": OVERLAP}
        ).json()
        path = f"/api/v1/batches/{draft['id']}"
        measure(where, f"import of {TASKS:,} tasks (NDJSON)", TASKS, lambda: upload(client, path))
        client.post(f"{path}/publish").raise_for_status()
        fill.everything_answered(draft["id"], OVERLAP)
        rows = TASKS * OVERLAP
        for form in "ndjson", "csv":
            measure(
                where, f"export of {rows:,} answers ({form})", rows,
                lambda form=form: download(client, f"{path}/answers?format={form}", rows),
            )  # fmt: skip
        measure(
            where, f"export of {TASKS:,} results (ndjson)", TASKS,
            lambda: download(client, f"{path}/results?format=ndjson", TASKS),
        )  # fmt: skip


def measure(where: Site, name: str, rows: int, act: object) -> None:
    before = sum(where.cpu_seconds())
    act()  # type: ignore[operator]
    spent = sum(where.cpu_seconds()) - before
    print(
        f"{name}: {rows / spent:,.0f} rows per CPU second (web + PostgreSQL);"
        f" web memory peak {where.web_memory_peak() / MEBIBYTE:.0f} MiB;"
        " targets: 20,000 and 300 MiB"
    )


def upload(client: httpx.Client, path: str) -> None:
    answer = client.post(
        f"{path}/tasks", content=lines(TASKS), headers={"Content-Type": "application/x-ndjson"}
    )
    assert answer.json()["tasks"] == TASKS, answer.text[:500]


def download(client: httpx.Client, path: str, rows: int) -> None:
    lines_seen = 0
    with client.stream("GET", path) as answer:
        for piece in answer.iter_raw():
            lines_seen += piece.count(b"\n")
    assert lines_seen in {rows, rows + 1}, f"{lines_seen} lines"


if __name__ == "__main__":
    main()
