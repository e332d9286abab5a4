"""A marketplace in which something is always going on, and ways to damage it."""

from __future__ import annotations

from types import SimpleNamespace

from django.db import connection

from payments.deposits import deposit
from tasks import answer, distribute, publish, settle
from tasks.models import Assignment, Task
from tests.factories import (
    HOUR,
    MINUTE,
    NOON,
    a_worker,
    claim,
    drafted_batch,
    published_batch,
    refuse,
    submitted,
    usd,
)

SOON = NOON + 2 * MINUTE  # nothing is late yet


def busy_marketplace():
    """One batch with an assignment of every status, and a draft, a paused and a closed batch."""
    batch = published_batch(tasks=8, gold=1, overlap=2, gold_rate=0.2, max_live_assignments=2)
    owner = batch.project.requester
    active = claim(batch)
    gold = claim(batch, gold=True)
    waiting = submitted(batch)
    unpaid, paid, rejected = (reread(submitted(batch)) for _ in range(3))
    skipped = claim(batch)
    claim(batch, now=NOON - HOUR)
    settle.accept(assignment=paid, actor=owner, now=SOON)
    settle.pay_accepted(now=SOON)
    settle.accept(assignment=unpaid, actor=owner, now=SOON)
    refuse(assignment=rejected, actor=owner, now=SOON)
    answer.skip(assignment=skipped, now=SOON)
    deposit(owner_id=owner.pk, amount=usd(3), reference="for a bonus", now=NOON)
    for key in "first", "first", "second":
        settle.bonus(
            assignment=paid, amount=usd(1), reason="Quick.", key=key, actor=owner, now=SOON
        )
    distribute.expire_overdue(now=SOON)
    closed = published_batch(tasks=1)
    publish.close(batch=closed, actor=closed.project.requester, now=NOON)
    settle.wind_up(now=NOON)
    paused = published_batch(tasks=1)
    publish.pause(batch=paused, actor=paused.project.requester, now=NOON)
    free, author = Task.objects.filter(batch=batch, assignments=None).last(), a_worker()
    Task.objects.filter(pk=free.pk).update(author_id=author.user.person_id)
    return SimpleNamespace(
        batch=batch.pk,
        requester=owner,
        active=active.pk,
        gold=gold.pk,
        waiting=waiting.pk,
        unpaid=unpaid.pk,
        paid=paid.pk,
        rejected=rejected.pk,
        skipped=skipped.pk,
        task=active.task_id,
        other_person=waiting.person_id,
        free=free.pk,
        author=author.user.person_id,
        worker=active.worker,
        closed=closed.pk,
        paused=paused.pk,
        draft=drafted_batch(tasks=1).pk,
        escrow=batch.escrow_id,
    )


def reread(assignment):
    return Assignment.objects.select_related("batch__project", "worker").get(pk=assignment.pk)


def damage(world, sql):
    """Run what no verb does, past every constraint and trigger."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(UNCONSTRAINED)
        cursor.execute(sql.format(**vars(world)))
        cursor.execute("SET LOCAL session_replication_role = origin")


UNCONSTRAINED = """
DO $$ DECLARE c record; BEGIN
    FOR c IN SELECT conrelid::regclass AS relation, conname AS name FROM pg_constraint
             WHERE contype = 'c' AND conrelid::regclass::text ~ '^(tasks|payments|workers)_'
    LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.relation, c.name); END LOOP;
END $$
"""
