"""How soon an answer is reckoned with, and what that costs those who claim and submit.

A crowd submits 100 answers a second to an adaptive batch while the real job runner decides which
tasks get another slot. The lag of an answer is from its submit to the commit of the first
decision that saw it, slots opened. The same crowd then answers a batch of fixed overlap.

make bench-lag
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import threading
import time
from datetime import datetime
from typing import Any

import httpx

TASKS = 2_000
CLIENTS = 16
RATE = 100.0  # submits per second, all clients together
SECONDS = 40.0
WARM_UP = 5.0
LOOK_EVERY = 0.02


class Crowd:
    """Clients that claim and submit at a steady rate."""

    def __init__(self, url: str, batch: int, tokens: list[str]) -> None:
        self.url, self.batch, self.tokens = url, batch, tokens
        self.done = threading.Event()
        self.submits = 0
        self.lock = threading.Lock()

    def run(self, seconds: float) -> None:
        """Work for so long, then stop."""
        threads = [
            threading.Thread(target=self._work, args=(number, token))
            for number, token in enumerate(self.tokens)
        ]
        for thread in threads:
            thread.start()
        time.sleep(seconds)
        self.done.set()
        for thread in threads:
            thread.join()

    def _work(self, number: int, token: str) -> None:
        pause = len(self.tokens) / RATE
        following = time.monotonic() + pause * number / len(self.tokens)
        headers = {"Authorization": f"Bearer {token}"}
        with httpx.Client(base_url=self.url, headers=headers, timeout=30) as client:
            while not self.done.is_set():
                time.sleep(max(0.0, following - time.monotonic()))
                following += pause
                claimed = client.post(f"/api/v1/batches/{self.batch}/claim")
                if claimed.status_code != 201:
                    continue
                row = claimed.json()
                label = "cat" if (row["task"] * 7 + number) % 3 else "dog"
                path = f"/api/v1/assignments/{row['id']}/submit"
                if client.post(path, json={"answer": {"label": label}}).status_code == 200:
                    with self.lock:
                        self.submits += 1


class Watch:
    """Notes when each decision became visible, and through which submit it had seen."""

    def __init__(self, batch: int, done: threading.Event) -> None:
        self.batch, self.done = batch, done
        self.seen: list[tuple[datetime, datetime]] = []  # through, and when that was visible

    def run(self) -> None:
        """Look every few milliseconds, by the database's clock."""
        from django.db import connection

        last = None
        while not self.done.is_set():
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT decided_through, clock_timestamp() FROM tasks_batch WHERE id = %s",
                    [self.batch],
                )
                through, now = cursor.fetchone()
            if through is not None and through != last:
                self.seen.append((through, now))
                last = through
            time.sleep(LOOK_EVERY)
        connection.close()


def main() -> None:
    """Run it on servers of its own."""
    folder = tempfile.mkdtemp(prefix="crowdwright-lag-")
    os.environ |= {"CROWDWRIGHT_VAR": folder, "DJANGO_SETTINGS_MODULE": "marketplace.settings"}
    os.environ["LOG_LEVEL"] = "ERROR"
    for name in "DATABASE_URL", "REDIS_URL":
        os.environ.pop(name, None)
    from marketplace import embedded
    from marketplace.up import Stack, prepare

    try:
        prepare()
        with Stack(name="lag") as stack:
            measure(stack)
    finally:
        embedded.stop()
        shutil.rmtree(folder, ignore_errors=True)


def measure(stack: Any) -> None:
    """Answer an adaptive batch and a fixed one, and print what was seen."""
    import django

    django.setup()
    from benchmarks import fill

    project = fill.a_project()
    tokens = [token for _, token in fill.tokens(CLIENTS)]
    adaptive = fill.a_batch(
        project, TASKS, 8, redundancy="adaptive", overlap_min=1, overlap_max=12, rule="spend"
    )
    fixed = fill.a_batch(project, TASKS, 8)
    Crowd(stack.url, fixed.pk, tokens).run(WARM_UP)
    wait_for_the_runner()
    print(f"{CLIENTS} clients, {RATE:.0f} submits/s wanted, {TASKS:,} tasks, {SECONDS:.0f} s each")
    costs = {}
    for name, batch in [("adaptive", adaptive), ("fixed", fixed)]:
        costs[name] = answered(stack, name, batch.pk, tokens)
    print(
        f"web CPU per claim + submit: {costs['adaptive'] / costs['fixed']:.2f} of the fixed one's"
    )


def wait_for_the_runner() -> None:
    """Let the job runner start: what is measured is how it runs, not how it comes up."""
    from marketplace.models import Heartbeat

    first = None
    give_up_at = time.monotonic() + 120
    while time.monotonic() < give_up_at:
        ran = Heartbeat.objects.filter(job="decide_due").values_list("finished_at", flat=True)
        last = ran.first()
        first = first or last
        if last and first and (last - first).total_seconds() > WARM_UP:
            return
        time.sleep(0.5)
    sys.exit("The job runner does not run.")


def answered(stack: Any, name: str, batch: int, tokens: list[str]) -> float:
    """Let the crowd work; return CPU milliseconds of the web processes per claim and submit."""
    from benchmarks import cpu
    from tasks.models import Batch

    crowd = Crowd(stack.url, batch, tokens)
    watch = Watch(batch, threading.Event())
    watcher = threading.Thread(target=watch.run)
    watcher.start()
    before = cpu.seconds(cpu.family(stack.pid("web")))
    crowd.run(SECONDS)
    used = cpu.seconds(cpu.family(stack.pid("web"))) - before
    time.sleep(4)
    watch.done.set()
    watcher.join()
    each = 1000 * used / max(crowd.submits, 1)
    print(f"{name}: {crowd.submits / SECONDS:.0f} submits/s; web CPU {each:.2f} ms a cycle")
    if name == "adaptive":
        row = Batch.objects.get(pk=batch)
        print(f"  {row.slot_count - TASKS:,} slots opened in {row.wave} waves")
        print_lags(batch, watch)
    return each


def print_lags(batch: int, watch: Watch) -> None:
    """From each submit to the first decision that had seen it."""
    from tasks.models import Assignment

    submits = Assignment.objects.filter(batch=batch, submitted_at__isnull=False)
    lags, place = [], 0
    for at in submits.order_by("submitted_at").values_list("submitted_at", flat=True):
        while place < len(watch.seen) and watch.seen[place][0] < at:
            place += 1
        if place == len(watch.seen):
            sys.exit("An answer was never reckoned with.")
        lags.append((watch.seen[place][1] - at).total_seconds())
    lags.sort()
    shown = {share: lags[int(share * (len(lags) - 1))] for share in (0.5, 0.95, 0.99)}
    print(
        "  lag from submit to decision: "
        + ", ".join(f"p{share:.0%}"[:-1] + f" {lag:.2f} s" for share, lag in shown.items())
        + f", longest {lags[-1]:.2f} s; target: p95 at most 2 s"
    )


if __name__ == "__main__":
    main()
