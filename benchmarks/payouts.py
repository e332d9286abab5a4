"""Whether a cent is lost or sent twice: payouts while calls go wrong and processes are killed.

    make bench-payouts

Processes make the calls for 1,000 payouts against a bank of play money that all of them share. One
request in five goes wrong: it never arrives, or its answer does not, or it is refused for now, or
answered with an error after it was carried out. All the while processes are killed, and replaced.
At the end the books, the bank and what was asked for must agree, payout by payout.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from marketplace import embedded

NAME = "crowdwright_bench_payouts"
WORKERS, FAULTS, SPEED = 25, 0.2, 60  # a minute of the jobs' clock goes by in a second
PROCESSES, LIFE_SECONDS, LIMIT_SECONDS = 4, (0.3, 2.0), 900
START = datetime(2026, 1, 1, tzinfo=UTC)
SECRET = "whsec_bench"


def clock(began: float) -> datetime:
    return START + timedelta(seconds=(time.monotonic() - began) * SPEED)


@contextmanager
def database() -> Iterator[None]:
    """An empty database of our own, with Django set up on it; dropped at the end."""
    main = os.environ.get("DATABASE_URL") or embedded.database_url()
    _recreate(main)
    os.environ |= {
        "DATABASE_URL": make_conninfo(main, dbname=NAME),
        "DJANGO_SETTINGS_MODULE": "marketplace.settings",
        "LOG_LEVEL": "ERROR",
        "DB_POOL": "0",
        "STRIPE_SECRET_KEY": "",
    }
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connections

    call_command("migrate", verbosity=0)
    try:
        yield
    finally:
        connections.close_all()
        with psycopg.connect(main, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")


def _recreate(main: str) -> None:
    with psycopg.connect(main, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {NAME}")


def bank(began: float) -> Any:
    """A door to the bank that all processes share."""
    from payments.play.rows import RowStore
    from payments.play.server import PlayServer
    from payments.play.state import Rules

    return PlayServer(
        RowStore(), clock=lambda: clock(began), rules=Rules(settles_after=timedelta(0))
    )


def turn(server: Any, client: Any, began: float) -> None:
    """What the jobs do once, and the banks behind the bank."""
    from payments import operations, webhooks
    from payments.models import Payout
    from payments.play import events, world
    from payments.play.errors import NotPossible

    operations.make_due(client, now=clock(began), limit=20)
    waiting = events.undelivered(server.state, limit=20)
    for event in waiting:
        body, signature = events.signed(event, SECRET, now=clock(began))
        webhooks.receive(body.encode(), signature, SECRET, now=clock(began))
    events.delivered(server.state, [event["id"] for event in waiting])
    webhooks.look_into_due(client, now=clock(began), limit=20)
    paying = Payout.objects.filter(status="paying").order_by("?")
    for reference in paying.values_list("reference", flat=True)[:5]:
        with suppress(NotPossible):  # another process was first
            world.settle_payout(server, reference)


def work(seed: int, began: float) -> None:
    """One process, until it is killed or everything is paid."""
    from payments.models import Payout
    from payments.play import transport

    server = bank(began)
    server.faults.at_random(seed=seed, share=FAULTS)
    client = transport.client(server, retries=0)
    while Payout.objects.exclude(status="paid").exists():
        turn(server, client, began)
        time.sleep(0.02)


def prepare(payouts_count: int, began: float) -> Counter[str]:
    """Fund a requester, give workers earnings and accounts; return what each is to be paid."""
    from payments import payouts
    from payments.models import ConnectedAccount
    from payments.money import Money
    from tests import factories
    from tests.payments import stripe_world

    town = stripe_world.Bank(store=bank(began).state.store, now=clock(began))
    stripe_world.funded(town, payouts_count * 20_000)
    owners = [factories.a_worker().user for _ in range(WORKERS)]
    for owner in owners:
        stripe_world.earned(owner, payouts_count * 5_000)
        stripe_world.connected(town, owner)
    accounts = {
        account.owner_id: account.stripe_account_id or ""
        for account in ConnectedAccount.objects.all()
    }
    chance, asked = random.Random(1), Counter[str]()
    for number in range(payouts_count):
        owner, minor = owners[number % WORKERS], chance.randint(1, 5_000)
        payouts.request(owner_id=owner.pk, amount=Money(minor, "USD"), now=START)
        asked[accounts[owner.pk]] += minor
    payouts.send_due(now=START, limit=payouts_count)
    return asked


def born(seed: int, began: float) -> int:
    from django.db import connections

    connections.close_all()
    child = os.fork()
    if child:
        return child
    try:
        work(seed, began)
    finally:
        connections.close_all()
        os._exit(0)


def kill_until_paid(began: float) -> int:
    """Let processes work; kill and replace one now and then. Returns how many were killed."""
    from payments.models import Payout

    chance, seeds, kills = random.Random(2), iter(range(1_000_000)), 0
    alive = [born(next(seeds), began) for _ in range(PROCESSES)]
    limit = time.monotonic() + LIMIT_SECONDS
    while Payout.objects.exclude(status="paid").exists() and time.monotonic() < limit:
        time.sleep(chance.uniform(*LIFE_SECONDS))
        place = chance.randrange(PROCESSES)
        try:
            os.kill(alive[place], signal.SIGKILL)
            kills += 1
        except ProcessLookupError:
            pass
        os.waitpid(alive[place], 0)
        alive[place] = born(next(seeds), began)
    for child in alive:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return kills


def figures(asked: Counter[str], server: Any) -> dict[str, int]:
    """What must be 0, by name."""
    from payments import audit
    from payments.models import Incident, Payout, PlayObject, StripeOperation
    from payments.play import balances

    transfers = PlayObject.objects.filter(kind="transfer").values_list("data", flat=True)
    named = Counter(data["metadata"]["payout"] for data in transfers)
    sent, arrived = Counter[str](), Counter[str]()
    for data in transfers:
        sent[data["destination"]] += data["amount"]
    arrivals = PlayObject.objects.filter(kind="payout", data__status="paid")
    for account, data in arrivals.values_list("account", "data"):
        arrived[account] += data["amount"]
    return {
        "payouts not paid": Payout.objects.exclude(status="paid").count(),
        "transfers made twice": sum(times - 1 for times in named.values()),
        "payouts without a transfer": Payout.objects.count() - len(named),
        "accounts that were sent another sum than was asked": sum(
            sent[name] != minor for name, minor in asked.items()
        ),
        "accounts whose bank has another sum": sum(
            arrived[name] != minor for name, minor in asked.items()
        ),
        "accounts with money left": sum(
            balances.available(server.state, name, "usd") != 0 for name in asked
        ),
        "minor units by which books and bank differ": abs(_held(server) + _booked()),
        "defects of the books": len(audit.imbalances()),
        "calls without an end": StripeOperation.objects.exclude(state="confirmed").count(),
        "incidents": Incident.objects.count(),
    }


def _held(server: Any) -> int:
    from payments.play import balances
    from payments.play.state import PLATFORM

    return balances.available(server.state, PLATFORM, "usd")


def _booked() -> int:
    from payments import accounts, balances

    pools = accounts.provider_pending("USD"), accounts.provider_available("USD")
    return sum(balances.balance_of(pool).minor for pool in pools)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--payouts", type=int, default=1_000)
    count = parser.parse_args().payouts
    with database():
        from payments.models import StripeOperation

        began = time.monotonic()
        asked = prepare(count, began)
        started = time.monotonic()
        kills = kill_until_paid(began)
        seconds = time.monotonic() - started
        found = figures(asked, bank(began))
        runs = sum(StripeOperation.objects.values_list("runs", flat=True))
        calls = StripeOperation.objects.count()
    print(
        f"{count:,} payouts of {sum(asked.values()) / 100:,.2f} USD in {seconds:.0f} s: "
        f"{calls:,} calls sent {runs:,} times, {kills} processes killed"
    )
    for name, number in found.items():
        print(f"{number:>6}  {name}")
    return 1 if any(found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
