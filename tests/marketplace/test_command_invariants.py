"""``check_invariants``: all sentences, and the rows that break one."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from payments import accounts
from payments.models import Account
from tasks import invariants
from tasks.models import Task
from tests.factories import HOUR, claim, published_batch

pytestmark = pytest.mark.django_db


def run(*arguments):
    """Return what the command printed, and how it failed."""
    out = StringIO()
    try:
        call_command("check_invariants", *arguments, stdout=out)
    except CommandError as error:
        return out.getvalue(), f"{error} ({error.returncode})"
    return out.getvalue(), None


def test_every_invariant_is_ok_in_a_market_that_works():
    published_batch()

    said, failure = run()

    names = [*(each.name for each in invariants.INVARIANTS), "the books balance"]
    assert said == "".join(f"ok      {name}\n" for name in names)
    assert failure is None


def test_a_broken_invariant_shows_its_rows_and_fails():
    batch = published_batch(tasks=3)
    batch.tasks.update(overlap=7)

    said, failure = run("--limit", "2")

    first = batch.tasks.earliest("pk")
    assert (
        "BROKEN  slots add up: 3 rows\n"
        "        Of every task, open slots, live assignments and counted answers make the"
        " overlap.\n"
        f"        task {first.pk}, overlap 7, open 1, taken 0\n"
    ) in said
    assert "        and 1 more\n" in said
    assert failure == f"2 of {len(invariants.INVARIANTS) + 1} invariants are broken. (1)"


def test_json_says_the_same():
    task = Task.objects.get(batch=published_batch())
    Task.objects.filter(pk=task.pk).update(overlap=7)

    said, failure = run("--json")

    [slots, *_, books] = json.loads(said)["invariants"]
    assert slots == {
        "name": "slots add up",
        "sentence": invariants.INVARIANTS[0].sentence,
        "broken": 1,
        "rows": [{"task": task.pk, "overlap": 7, "open": 1, "taken": 0}],
    }
    assert (books["name"], books["broken"]) == ("the books balance", 0)
    assert failure


def test_the_ledger_is_one_of_the_invariants():
    wallet = accounts.wallet_of(published_batch().project.requester_id, "USD")
    Account.objects.filter(pk=wallet.pk).update(balance_minor=1)

    said, failure = run()

    assert "BROKEN  the books balance: 2 rows\n" in said
    assert f"problem the balance differs from its transfers, account_id {wallet.pk}" in said
    assert failure


def test_jobs_that_were_stopped_may_be_late():
    claim(published_batch(), now=timezone.now() - HOUR)

    assert "BROKEN  overdue assignments expire: 1 rows" in run()[0]
    assert run("--late", "7200")[1] is None
