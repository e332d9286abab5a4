"""Whether anything acknowledged is ever lost: a batch is drained while its servers are killed.

    make bench-drain

32 clients claim and submit over HTTP until 1,000 tasks have 3 answers each. On the way a web
worker, PostgreSQL and all its backends, Redis with its contents, and the job runner are killed.
Each client writes down what was acknowledged; afterwards the rows must say the same.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import httpx

TASKS, OVERLAP, CLIENTS = 1_000, 3, 32
PATIENCE_SECONDS = 90  # how long a client repeats one request
LIMIT_SECONDS = 600  # for the whole run


@dataclass
class Log:
    """What the site has said yes to."""

    claims: dict[int, tuple[int, int]] = field(default_factory=dict)  # assignment: task, worker
    submits: dict[int, str] = field(default_factory=dict)  # assignment: label
    repeats: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class Client:
    """One worker, who repeats a request with its key until there is an answer."""

    def __init__(self, url: str, worker: int, token: str, log: Log) -> None:
        self.http = httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=20
        )
        self.worker, self.log = worker, log

    def post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                answer = self.http.post(path, json=body, headers=headers)
                if answer.status_code < 500:
                    return answer
            except httpx.HTTPError:
                pass
            if time.monotonic() > give_up_at:
                raise TimeoutError(path)
            self.log.repeats += 1
            time.sleep(0.3)

    def work(self, batch: int, done: threading.Event) -> None:
        while not done.is_set():
            claimed = self.post(f"/api/v1/batches/{batch}/claim", {})
            if claimed.status_code != 201:
                time.sleep(0.5)
                continue
            row = claimed.json()
            with self.log.lock:
                self.log.claims[row["id"]] = (row["task"], self.worker)
            label = "cat" if (row["task"] + self.worker) % 3 else "dog"
            submitted = self.post(
                f"/api/v1/assignments/{row['id']}/submit", {"answer": {"label": label}}
            )
            if submitted.status_code == 200:
                with self.log.lock:
                    self.log.submits[row["id"]] = label


def chaos(stack: Any, log: Log, done: threading.Event) -> None:
    """Kill one thing after another, as the work goes on."""
    from benchmarks import cpu
    from marketplace import embedded
    from marketplace.embedded.paths import var_dir

    def web_worker() -> None:
        os.kill(cpu.family(stack.pid("web"))[1], signal.SIGKILL)

    def postgresql() -> None:
        pid = int(next(var_dir().glob("pg*/postmaster.pid")).read_text().split()[0])
        for each in cpu.family(pid):
            os.kill(each, signal.SIGKILL)
        embedded.database_url()

    def redis() -> None:
        import redis as client

        with client.from_url(embedded.redis_url()) as connection:
            connection.flushall()
            pid = connection.info("server")["process_id"]
        os.kill(pid, signal.SIGKILL)

    def runner() -> None:
        stack.kill("runner")

    for share, act in [(0.15, web_worker), (0.35, postgresql), (0.55, redis), (0.75, runner)]:
        while len(log.submits) < share * TASKS * OVERLAP and not done.is_set():
            time.sleep(0.1)
        act()
        print(f"  {len(log.submits):5,} answers in: killed {act.__name__.replace('_', ' ')}")


def main() -> None:
    """Run it on servers of its own, and compare."""
    folder = tempfile.mkdtemp(prefix="crowdwright-drain-")
    os.environ |= {"CROWDWRIGHT_VAR": folder, "DJANGO_SETTINGS_MODULE": "marketplace.settings"}
    os.environ["LOG_LEVEL"] = "ERROR"
    for name in "DATABASE_URL", "REDIS_URL":
        os.environ.pop(name, None)
    from marketplace import embedded
    from marketplace.up import Stack, prepare

    try:
        prepare()
        with Stack(name="drain") as stack:
            failures = run(stack)
    finally:
        embedded.stop()
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(1 if failures else 0)


def run(stack: Any) -> int:
    """Drain one batch; return how many things were wrong."""
    import django

    django.setup()
    from benchmarks import fill

    batch = fill.a_batch(fill.a_project(), TASKS, OVERLAP, accept_at_once=True)
    workers = fill.tokens(CLIENTS)
    log, done = Log(), threading.Event()
    clients = [Client(stack.url, user.worker.pk, token, log) for user, token in workers]
    threads = [threading.Thread(target=each.work, args=(batch.pk, done)) for each in clients]
    threads.append(threading.Thread(target=chaos, args=(stack, log, done)))
    print(f"draining {TASKS:,} tasks x {OVERLAP} with {CLIENTS} clients")
    for thread in threads:
        thread.start()
    closed = wait_until_closed(batch.pk)
    done.set()
    for thread in threads:
        thread.join()
    return report(batch.pk, log, closed=closed)


def wait_until_closed(batch_id: int) -> bool:
    """Whether the batch was answered, combined, paid and closed in time, by the jobs alone."""
    from django.db import Error, connection

    from tasks.models import Assignment, Batch

    give_up_at = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < give_up_at:
        time.sleep(1)
        try:
            closed = Batch.objects.filter(pk=batch_id, status=Batch.Status.CLOSED).exists()
            waiting = Assignment.objects.counted().filter(batch=batch_id, aggregated_at=None)
            if closed and not waiting.exists():
                return True
        except Error:
            connection.close()
    return False


def report(batch_id: int, log: Log, *, closed: bool) -> int:
    """Compare the clients' logs with the rows."""
    from django.db.models import Count
    from django.utils import timezone

    from payments import audit
    from tasks.invariants import broken
    from tasks.models import Assignment, Consensus

    made = Assignment.objects.filter(batch=batch_id)
    rows = {pk: (task, worker) for pk, task, worker in made.values_list("pk", "task", "worker")}
    answers = dict(made.values_list("pk", "answer__value__label"))
    over = made.counted().values("task").annotate(n=Count("pk")).filter(n__gt=OVERLAP).count()
    twice = made.values("task", "worker").annotate(n=Count("pk")).filter(n__gt=1).count()
    wrong = {
        "acknowledged claims that are missing or other": sum(
            rows.get(pk) != claim for pk, claim in log.claims.items()
        ),
        "acknowledged answers that are missing or other": sum(
            answers.get(pk) != label for pk, label in log.submits.items()
        ),
        "tasks over their overlap": over,
        "tasks twice to one worker": twice,
        "tasks without a consensus": TASKS - Consensus.objects.filter(task__batch=batch_id).count(),
        "broken invariants": len(broken(now=timezone.now())),
        "ledger imbalances": len(audit.imbalances()),
        "batches left open": 0 if closed else 1,
    }
    print(f"{len(log.claims):,} claims and {len(log.submits):,} answers acknowledged,"
          f" {log.repeats:,} requests repeated")  # fmt: skip
    for what, count in wrong.items():
        print(f"  {what:<50} {count}")
    return sum(wrong.values())


if __name__ == "__main__":
    main()
