"""Statements say for each cent where it came from, for each hour what it paid, and sum up."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest

from payments import accounts, payouts, statements
from payments.deposits import deposit
from payments.models import Account
from tasks import settle
from tasks.models import Assignment, TopUp
from tests.factories import (
    HOUR,
    NOON,
    a_project,
    a_requester,
    a_worker,
    claim,
    published_batch,
    submitted,
    usd,
)
from tests.marketplace.clients import A_NUMBER, api, problem_of, rows_of, text_of
from tests.tasks.disclosure.working import answered
from tests.tasks.marketplace import reread

pytestmark = pytest.mark.django_db
SPAN = "from=2026-01-01&to=2026-01-31"


@pytest.fixture
def worker():
    return a_worker()


@pytest.fixture
def batch():
    return published_batch(tasks=9, reward=usd(50))


def paid(batch, worker, *, seconds=120):
    made = reread(submitted(batch, worker=worker))
    Assignment.objects.filter(pk=made.pk).update(worked_seconds=seconds)
    settle.accept(assignment=made, actor=batch.project.requester, now=NOON + HOUR)
    settle.pay_accepted(now=NOON + HOUR)
    return made


def earned(caller, row=None, span=SPAN):
    rows = rows_of(api(caller).get(f"earnings/statement?{span}"))
    return [each for each in rows if row is None or each["row"] == row]


def test_every_movement_of_the_earnings_is_an_entry_with_its_batch(batch, worker):
    answer = paid(batch, worker)
    requester = batch.project.requester
    deposit(owner_id=requester.pk, amount=usd(9), reference="more", now=NOON)
    settle.bonus(
        assignment=answer, amount=usd(7), reason="Quick.", key="k", actor=requester, now=NOON + HOUR
    )
    payouts.request(owner_id=worker.user_id, amount=usd(30), now=NOON + 2 * HOUR)

    entries = earned(worker, "entry")

    assert [(each["kind"], each["amount"], each["batch"]) for each in entries] == [
        ("reward", 50, batch.pk),
        ("bonus", 7, batch.pk),
        ("payout", -30, None),
    ]
    assert entries[0]["at"] == "2026-01-01T13:00:00Z"
    balance = accounts.earnings_of(worker.user_id, "USD").balance.minor
    assert sum(each["amount"] for each in entries) == balance == 27


def top_up(batch, worker, minor, *, now=NOON, **inputs):
    TopUp.objects.create(
        batch=batch, worker=worker, rule="job", number=1, reserve_minor=minor, inputs=inputs,
        made_at=now,
    )  # fmt: skip


def test_a_top_up_comes_with_the_figures_of_its_formula(batch, worker):
    top_up(batch, worker, 21, per_hour=1500, reference_seconds=290)

    assert earned(worker, "top_up") == [
        {
            "row": "top_up", "at": "2026-01-01T12:00:00Z", "kind": "job", "amount": 21,
            "currency": "USD", "batch": batch.pk,
            "inputs": {"per_hour": 1500, "reference_seconds": 290},
        }
    ]  # fmt: skip


def test_hours_and_pay_per_hour_are_told_by_batch_and_week_of_paid_and_of_all_time(batch, worker):
    paid(batch, worker, seconds=120)
    answered(batch, worker, seconds=60, paid=False)
    top_up(batch, worker, 10)

    worked = {
        "currency": "USD", "amount": 60, "answers": 2, "paid_seconds": 120, "all_seconds": 180,
        "paid_hourly": 1800, "all_hourly": 1200,
    }  # fmt: skip
    title = batch.project.title
    assert earned(worker, "batch") == [
        {"row": "batch", "batch": batch.pk, "title": title, **worked}
    ]
    assert earned(worker, "week") == [{"row": "week", "week": "2025-12-29", **worked}]


def test_time_given_to_what_was_handed_back_counts_as_time(batch, worker):
    held = claim(batch, worker)
    Assignment.objects.filter(pk=held.pk).update(
        status="skipped", finished_at=NOON + HOUR, active_seconds=90.4
    )

    [row] = earned(worker, "batch")

    assert (row["answers"], row["paid_seconds"], row["all_seconds"]) == (0, 0, 90)
    assert (row["paid_hourly"], row["all_hourly"]) == (None, 0)


def test_a_top_up_of_another_week_counts_in_its_own(batch, worker):
    paid(batch, worker)
    top_up(batch, worker, 10, now=NOON + timedelta(days=7))

    weeks = [(each["week"], each["amount"]) for each in earned(worker, "week")]

    assert weeks == [("2025-12-29", 50), ("2026-01-05", 10)]


def test_what_is_pending_is_told_with_the_date_it_is_accepted_by_itself(batch, worker):
    submitted(batch, worker=worker)
    accepted = reread(submitted(batch, worker=worker))
    settle.accept(assignment=accepted, actor=batch.project.requester, now=NOON + HOUR)

    pending = earned(worker, "pending", "from=2026-05-01&to=2026-05-02")

    assert [(each["kind"], each["amount"], each["accept_due_at"]) for each in pending] == [
        ("undecided", 50, "2026-01-04T12:01:00Z"),
        ("accepted", 50, None),
    ]


def test_a_statement_holds_its_days_and_no_others(batch, worker):
    paid(batch, worker)

    for span, rows in (
        ("from=2026-01-01&to=2026-01-01", 1),
        ("from=2026-01-02&to=2026-01-03", 0),
        ("from=2025-12-01&to=2025-12-31", 0),
    ):
        assert len(earned(worker, "entry", span)) == len(earned(worker, "batch", span)) == rows


def test_a_worker_reads_nobody_elses(batch, worker):
    paid(batch, a_worker())
    submitted(batch)

    assert earned(worker) == []


def test_a_statement_comes_as_csv_that_no_spreadsheet_runs(worker):
    project = a_project()
    project.title = "=HYPERLINK(1)"
    project.save()
    batch = published_batch(tasks=2, project=project)
    paid(batch, worker)
    top_up(batch, worker, 3, why="=1+1")

    answer = api(worker).get(f"earnings/statement?{SPAN}&format=csv")

    lines = {line["row"]: line for line in csv.DictReader(io.StringIO(text_of(answer)))}
    assert answer.headers["Content-Type"] == "text/csv"
    assert lines["batch"]["title"] == "'=HYPERLINK(1)"
    assert lines["top_up"]["inputs"] == '{"why": "=1+1"}'
    assert lines["entry"]["amount"] == "5"
    assert lines["entry"]["title"] == ""


def test_a_long_statement_is_read_page_by_page(batch, worker, monkeypatch):
    monkeypatch.setattr(statements, "PAGE", 2)
    for _ in range(5):
        paid(batch, worker)

    pages = statements.entries(
        owner_id=worker.user_id, purpose=Account.Purpose.EARNINGS, since=NOON,
        until=NOON + 2 * HOUR,
    )  # fmt: skip

    assert [len(page) for page in pages] == [2, 2, 1]
    assert len(earned(worker, "entry")) == 5


@pytest.mark.parametrize(
    "span",
    ["from=x", "to=2026-02-30", "from=2026-02-01&to=2026-01-01", "from=2020-01-01&to=2026-01-01",
     "to=9999-12-31&from=9999-12-01", "to=0001-01-01", "from=2026-01-01T00:00"],
)  # fmt: skip
@pytest.mark.parametrize("route", ["earnings", "wallet"])
def test_days_that_cannot_be_are_refused(route, span):
    caller = a_worker() if route == "earnings" else a_requester()

    refusal = api(caller).get(f"{route}/statement?{span}")

    assert problem_of(refusal) == (400, "invalid_request")


# A requester's


def test_a_requester_sees_what_their_money_did():
    requester = a_requester(usd(1000))
    batch = published_batch(tasks=2, reward=usd(50), project=a_project(requester=requester))
    worker = a_worker()
    answer = paid(batch, worker)
    settle.bonus(
        assignment=answer, amount=usd(7), reason="Quick.", key="k", actor=requester, now=NOON + HOUR
    )

    rows = rows_of(api(requester).get(f"wallet/statement?{SPAN}"))

    entries = [row for row in rows if row["row"] == "entry"]
    assert [(each["kind"], each["amount"], each["batch"]) for each in entries] == [
        ("deposit", 1000, None),
        ("allocate", -120, batch.pk),
        ("bonus", -7, None),
    ]
    assert [row for row in rows if row["row"] == "batch"] == [
        {"row": "batch", "currency": "USD", "batch": batch.pk, "title": "Cats or dogs",
         "kind": kind, "amount": amount}
        for kind, amount in [("fee", -10), ("reward", -50)]
    ]  # fmt: skip
    assert entries[0]["at"] == "2026-01-01T12:00:00Z"


def test_a_requesters_statement_tells_what_the_platform_paid_in_their_place():
    batch, worker = published_batch(tasks=1), a_worker()
    TopUp.objects.create(
        batch=batch, worker=worker, rule="worker", number=1, guarantee_minor=9, inputs={},
        made_at=NOON,
    )  # fmt: skip

    rows = rows_of(api(batch.project.requester).get(f"wallet/statement?{SPAN}"))

    [owed] = [row for row in rows if row.get("kind") == "guarantee"]
    assert (owed["batch"], owed["amount"]) == (A_NUMBER, -9)
    assert worker.public_id not in str(rows)


@pytest.mark.parametrize(("route", "caller"), [("earnings", a_requester), ("wallet", a_worker)])
def test_a_statement_is_for_its_own_role(route, caller):
    assert problem_of(api(caller()).get(f"{route}/statement")) == (403, "permission_denied")
