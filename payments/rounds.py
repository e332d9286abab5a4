"""What the timetable asks of the provider; where there is nothing to ask, no client is made.

Importing the provider's library costs time and memory, which a site without money to move, and
its job runner, need not spend.
"""

from __future__ import annotations

from datetime import datetime

from payments import backfill, compare, operations, outbox, playing, provider, reconcile, webhooks

# At once, so that a day of many payouts leaves runners to other jobs; it also keeps the calls well
# below what the provider takes in a second.
CALLERS_MAX = 3


def make_calls(*, now: datetime) -> int:
    """Make the calls that are due; return of how many the answer is known now."""
    if outbox.in_hand(now=now) >= CALLERS_MAX or not outbox.due(now=now, limit=1):
        return 0
    return operations.make_due(provider.client(), now=now)


def listen(*, now: datetime) -> int:
    """Look into what the provider has told; return into how many events."""
    if provider.is_play():
        playing.let_time_pass(now=now)
    if not webhooks.waiting(now=now, limit=1):
        return 0
    return webhooks.look_into_due(provider.client(), now=now)


def hourly(*, now: datetime) -> int:
    """Fetch missed events, and hold books and provider against each other; return what was new.

    Each part goes on where it was, so a run that dies has done some of it.
    """
    if not reconcile.has_anything():
        return 0
    client = provider.client()
    found = backfill.read_events(client, now=now)
    found += reconcile.read_transactions(client, now=now)
    found += reconcile.look_for_missing(client, now=now)
    return found + compare.compare_platform(client, now=now)


def nightly(*, now: datetime) -> int:
    """What becomes available, workers' accounts, old payouts, and whether enough is held."""
    if not reconcile.has_anything():
        return 0
    client = provider.client()
    found = reconcile.settle_transactions(client, now=now)
    found += backfill.ask_about_payouts(client, now=now)
    found += backfill.sync_accounts(client, now=now)
    found += compare.compare_connected(client, now=now)
    return found + compare.check_cover(client, now=now)
