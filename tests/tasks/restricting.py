"""What the tests of rules, restrictions and flags start from and look at."""

from __future__ import annotations

from tasks import answer, distribute
from tasks.models import Cursor, Flag, Gold, Restriction
from tests.factories import MINUTE, NOON, always_gold, never_gold, published_batch, rows


def rule(collector, then, *conditions, **window):
    """``rule("gold", {...}, ("accuracy", "<=", 0.4), ("answers", ">=", 8), history=10)``."""
    conditions = [{"field": field, "op": op, "value": value} for field, op, value in conditions]
    return {"collector": collector, "if": conditions, "then": then, **window}


def more_gold(rate=0.3):
    return {"action": "more_gold", "gold_rate": rate}


def limit(live=2):
    return {"action": "limit", "live": live}


def pause(hours=24):
    return {"action": "pause", "hours": hours}


ASK_HUMAN = {"action": "ask_human"}


def ruled_batch(*rules, gold=0, tasks=30, **fields):
    """A batch with these rules (or ``"default"``), and plenty of gold that says "cat"."""
    filling = [*rows(tasks), *rows(gold, gold='{"label": "cat"}')]
    told = rules[0] if rules == ("default",) else list(rules)
    wanted = {"gold_rate": 0.1, "overlap": 3, "max_live_assignments": 20, **fields}
    return published_batch(tasks=filling, rules=told, **wanted)


def say(batch, worker, labels, *, gold=False, now=NOON, seconds=60):
    """Claim one task after the other and answer it, one label each; return the last submit."""
    for label in labels:
        [given] = distribute.claim(
            batch_id=batch.pk, worker=worker, now=now, draw=always_gold if gold else never_gold
        ).assignments
        assert Gold.objects.filter(task=given.task_id).exists() == gold
        now += MINUTE * (seconds / 60)
        answer.submit(assignment_id=given.id, worker=worker, answer={"label": label}, now=now)
    return now


def restrictions(worker):
    """Live ones: kind and value."""
    live = Restriction.objects.filter(worker=worker, lifted_at=None).order_by("kind")
    return [(each.kind, each.value) for each in live]


def flags_of(worker):
    return [(each.kind, each.status) for each in Flag.objects.filter(worker=worker).order_by("pk")]


def overrides_of(batch, worker):
    cursor = Cursor.objects.get(batch=batch, worker=worker)
    return cursor.gold_rate, cursor.max_live_assignments, cursor.paused_until
