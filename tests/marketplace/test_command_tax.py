"""``export_tax`` and ``transparency``: data for reports, by pseudonym, and nothing else."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command

from payments import accounts, ledger, payouts
from payments.models import ConnectedAccount, Transfer
from payments.money import Money
from payments.tax import INCOME
from tests.factories import NOON, a_worker, published_batch, usd
from tests.tasks.disclosure.working import answered, workers_of
from workers import people, standing

pytestmark = pytest.mark.django_db
APRIL = datetime(2026, 4, 1, tzinfo=UTC)


def credit(worker, amount, *, now=NOON, kind="review_pay", key=""):
    """Credit the earnings as a juror's pay, which needs no batch."""
    ledger.post(
        ledger.Posting(
            key=key or f"test:{worker.pk}:{now}:{amount}", kind=Transfer.Kind(kind), amount=amount,
            source_id=accounts.review_pay(amount.currency).pk,
            target_id=accounts.earnings_of(worker.user_id, amount.currency).pk,
        ),
        now=now,
    )  # fmt: skip


def exported(*arguments):
    out, err = io.StringIO(), io.StringIO()
    call_command("export_tax", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def lines(*arguments):
    return list(csv.DictReader(io.StringIO(exported(*arguments)[0])))


def test_dac7_has_a_row_per_worker_quarter_and_currency():
    worker = a_worker(country="DE")
    credit(worker, usd(100))
    credit(worker, usd(50), now=APRIL)
    credit(worker, usd(7), now=APRIL)
    credit(worker, Money(900, "JPY"))

    found = [
        (row["quarter"], row["currency"], row["gross_minor"], row["count"])
        for row in lines("dac7", "--year", "2026")
    ]

    assert found == [("1", "JPY", "900", "1"), ("1", "USD", "100", "1"), ("2", "USD", "57", "2")]


def test_a_row_names_a_pseudonym_and_no_person():
    user = people.register(
        username="jane.doe", email="jane@doe.example", worker=True, country="US", now=NOON
    )
    credit(user.worker, usd(5))

    text, notes = exported("1099", "--year", "2026")

    [row] = csv.DictReader(io.StringIO(text))
    assert row == {
        "regime": "1099", "year": "2026", "quarter": "", "recipient": user.worker.public_id,
        "account": "", "country": "US", "currency": "USD", "gross_minor": "5", "count": "1",
        "fees_withheld_minor": "0", "tin_status": "unknown",
    }  # fmt: skip
    assert "jane" not in text
    assert "2,000 US dollars" in notes


def test_the_1099_forms_have_a_row_per_year():
    worker = a_worker(country="US")
    credit(worker, usd(100))
    credit(worker, usd(50), now=APRIL)
    credit(worker, usd(1), now=datetime(2027, 1, 1, tzinfo=UTC))

    [row] = lines("1099", "--year", "2026")

    assert (row["gross_minor"], row["count"]) == ("150", "2")


@pytest.mark.parametrize(("quarter", "gross"), [("1", "100"), ("2", "50")])
def test_one_quarter_can_be_asked_for(quarter, gross):
    worker = a_worker()
    credit(worker, usd(100))
    credit(worker, usd(50), now=APRIL)

    [row] = lines("dac7", "--year", "2026", "--quarter", quarter)

    assert (row["quarter"], row["gross_minor"]) == (quarter, gross)


def test_the_last_quarter_ends_with_the_year():
    worker = a_worker()
    credit(worker, usd(3), now=datetime(2026, 12, 31, 23, 59, tzinfo=UTC))
    credit(worker, usd(5), now=datetime(2027, 1, 1, tzinfo=UTC))

    [row] = lines("dac7", "--year", "2026", "--quarter", "4")

    assert row["gross_minor"] == "3"


def test_payouts_and_their_returns_are_no_income():
    worker = a_worker()
    credit(worker, usd(5))
    payout = payouts.request(owner_id=worker.user_id, amount=usd(5), now=NOON)
    payouts.fail(payout_id=payout.pk, now=NOON)

    [row] = lines("dac7", "--year", "2026")

    assert (row["gross_minor"], row["count"]) == ("5", "1")
    assert {"payout", "payout_return"} & {str(kind) for kind in INCOME} == set()


@pytest.mark.parametrize(
    ("transfers", "requirements", "status"),
    [
        ("pending", [], "unknown"),
        ("active", [], "with_provider"),
        ("active", ["individual.id_number"], "asked_by_provider"),
    ],
)
def test_of_a_tax_number_only_its_status_is_known(transfers, requirements, status):
    worker = a_worker()
    credit(worker, usd(5))
    ConnectedAccount.objects.create(
        owner=worker.user, stripe_account_id="acct_1", country="DE", created_at=NOON,
        transfers_status=transfers, requirements=requirements,
    )  # fmt: skip

    [row] = lines("dac7", "--year", "2026")

    assert (row["tin_status"], row["account"], row["country"]) == (status, "acct_1", "DE")


def test_json_carries_the_notes():
    credit(a_worker(), usd(5))

    document = json.loads(exported("dac7", "--year", "2026", "--format", "json")[0])

    assert document["rows"][0]["gross_minor"] == 5
    assert any("31 January" in note for note in document["notes"])


def test_a_closed_account_is_reported_as_any_other():
    worker = a_worker()
    credit(worker, usd(5))
    standing.close(worker=worker, reason="on request", now=NOON, actor=a_worker().user)

    assert len(lines("dac7", "--year", "2026")) == 1


@pytest.mark.parametrize(
    "arguments", [["--year", "26"], ["--quarter", "1"], ["--year", "2026", "--quarter", "5"]]
)
def test_a_year_that_cannot_be_is_refused(arguments):
    with pytest.raises(CommandError):
        exported("dac7", *arguments)


def test_an_operator_can_see_a_report_before_it_is_public():
    batch = published_batch(tasks=12)
    for worker in workers_of("DE", 12):
        answered(batch, worker)
    out = io.StringIO()

    call_command("transparency", "2026Q1", stdout=out)

    told = json.loads(out.getvalue())
    assert told["quarter"] == "2026Q1"
    assert {cell["group"] for cell in told["cells"] if cell["section"] == "pay"} == {"DE", "all"}


def test_an_operator_who_asks_for_no_quarter_is_told_how():
    with pytest.raises(CommandError, match="2026Q4"):
        call_command("transparency", "autumn")
