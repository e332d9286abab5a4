"""What settling costs: accepted answers paid per CPU second, of Python and PostgreSQL together.

make bench-ledger

Each answer is paid by ``settle.pay_accepted``: its reward and its fee, two transfers. Once all
answers are of one batch, once of a hundred. Then the ledger alone, without the answers.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from benchmarks import cpu
from benchmarks.site import Site, site
from benchmarks.targets import Target, show_targets

if TYPE_CHECKING:
    from tasks.models import Project

ANSWERS, WORKERS, BATCHES = 20_000, 50, 100
POSTINGS = 2_000  # per call of the ledger
SETTLED_TARGET = 2_000  # per CPU second

# Answers as they are once they are accepted, with the slots they took.
ACCEPTED = """
WITH worker AS (
    SELECT w.id, u.person_id FROM workers_worker w JOIN workers_user u ON u.id = w.user_id
    WHERE u.username LIKE 'worker%%' ORDER BY w.id LIMIT %(workers)s
), taken AS (
    UPDATE tasks_task SET remaining_overlap = 0, is_open = false WHERE batch_id = %(batch)s
)
INSERT INTO tasks_assignment (batch_id, task_id, worker_id, person_id, status, is_gold,
    reward_minor, fee_minor, claimed_at, deadline_at, submitted_at, accept_due_at, finished_at,
    reason)
SELECT %(batch)s, t.id, worker.id, worker.person_id, 'accepted', false, 5, 1,
    now() - interval '2 hours', now() - interval '1 hour', now() - interval '1 hour', now(), now(),
    ''
FROM tasks_task t, worker WHERE t.batch_id = %(batch)s
"""


class Spent:
    """CPU seconds of this process and of PostgreSQL, filled in at the end of ``measured``."""

    python = 0.0
    postgresql = 0.0

    @property
    def total(self) -> float:
        return self.python + self.postgresql


@contextmanager
def measured(where: Site) -> Iterator[Spent]:
    spent = Spent()
    python, postgresql = time.process_time(), cpu.seconds(cpu.family(where.postmaster))
    yield spent
    spent.python = time.process_time() - python
    spent.postgresql = cpu.seconds(cpu.family(where.postmaster)) - postgresql


def accepted_answers(project: Project, batches: int) -> None:
    """Make ``ANSWERS`` unpaid answers, in equal parts in so many batches."""
    from django.db import connection

    from benchmarks import fill

    for _ in range(batches):
        batch = fill.a_batch(project, ANSWERS // WORKERS // batches, WORKERS)
        with connection.cursor() as cursor:
            cursor.execute(ACCEPTED, {"batch": batch.pk, "workers": WORKERS})
    fill.analyze()


def settled_per_second(where: Site, project: Project, batches: int) -> float:
    """Return how many of the answers are settled per CPU second."""
    from django.utils import timezone

    from tasks import settle

    accepted_answers(project, batches)
    done = 0
    with measured(where) as spent:
        while paid := settle.pay_accepted(now=timezone.now()):
            done += paid
    if done != ANSWERS:
        sys.exit(f"{done:,} answers were settled instead of {ANSWERS:,}")
    return report(f"answers settled, of {batches:3} batches", done, spent)


def postings_per_second(where: Site) -> float:
    """Return how many transfers the ledger alone posts per CPU second, from a hold."""
    from django.utils import timezone

    from payments import accounts, ledger
    from payments.ledger import Posting
    from payments.models import Transfer
    from payments.money import Money

    now, cent = timezone.now(), Money(1, "USD")
    escrow = accounts.open_escrow("USD").pk
    ledger.post(
        Posting("bench", Transfer.Kind.ALLOCATE, accounts.world("USD").pk, escrow, cent * ANSWERS),
        now=now,
    )
    ledger.hold(escrow, cent * ANSWERS)
    people = [accounts.earnings_of(pk, "USD").pk for pk in workers()]
    postings = [
        Posting(f"bench:{n}", Transfer.Kind.REWARD, escrow, people[n % WORKERS], cent, True)
        for n in range(ANSWERS)
    ]
    with measured(where) as spent:
        for start in range(0, ANSWERS, POSTINGS):
            ledger.post_all(postings[start : start + POSTINGS], now=now)
    return report(f"transfers posted, {POSTINGS:,} at once", ANSWERS, spent)


def workers() -> list[int]:
    """Return the users' ids of those who answer."""
    from workers.models import User

    known = User.objects.filter(username__startswith="worker").order_by("pk")
    return list(known.values_list("pk", flat=True)[:WORKERS])


def report(what: str, done: int, spent: Spent) -> float:
    """Print and return ``done`` per CPU second."""
    rate = done / spent.total
    parts = f"Python {spent.python:.2f} s, PostgreSQL {spent.postgresql:.2f} s"
    print(f"{what:36}{done:8,}{rate:10,.0f} per CPU second  ({parts})")
    return rate


def main() -> None:
    """Fill an empty site, and measure."""
    # What is measured is settling; whether the pay is fair was asked at publishing.
    os.environ["WAGE_FLOOR_OPTIONAL"] = "1"
    with site(threads=1) as where:
        from benchmarks import fill
        from payments import audit

        project = fill.a_project()
        fill.tokens(WORKERS)
        settled_per_second(where, project, 1)  # warms everything up
        one = settled_per_second(where, project, 1)
        many = settled_per_second(where, project, BATCHES)
        postings_per_second(where)
        print(f"imbalances: {len(audit.imbalances())}")
    show_targets(
        [
            Target("settled per CPU second, one batch", one, SETTLED_TARGET, ",.0f"),
            Target(f"settled per CPU second, {BATCHES} batches", many, SETTLED_TARGET, ",.0f"),
        ]
    )


if __name__ == "__main__":
    main()
