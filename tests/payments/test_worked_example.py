"""The example of docs/ledger.md, row by row."""

from __future__ import annotations

from pathlib import Path

import pytest

from payments import accounts, audit, ledger
from payments.models import Account, Transfer
from tests.factories import NOON, usd
from tests.payments.books import new_user, posting

DOCUMENT = Path(__file__).parents[2] / "docs" / "ledger.md"


def example() -> list[dict[str, str]]:
    """Return the rows of the table that starts with the column "step", by column name."""
    lines = DOCUMENT.read_text().splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("| step "))
    table = [line for line in lines[start : lines.index("", start)] if "--" not in line]
    header, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    return [dict(zip(header, row, strict=True)) for row in rows]


@pytest.mark.django_db
def test_the_worked_example_of_the_documentation_is_what_the_ledger_does():
    rita, ann, ben = new_user(), new_user(), new_user()
    place = {
        "wallet": accounts.wallet_of(rita, "USD"),
        "escrow": accounts.open_escrow("USD"),
        "Ann": accounts.earnings_of(ann, "USD"),
        "Ben": accounts.earnings_of(ben, "USD"),
        "in transit": accounts.payouts_in_transit(ann, "USD"),
        "fees": accounts.fees("USD"),
        "world": accounts.world("USD"),
    }

    for row in example():
        take_step(row, place)

        balances = {name: str(balance(account)) for name, account in place.items()}
        held = Account.objects.get(pk=place["escrow"].pk).held_minor
        assert {**row, **balances, "held": str(held)} == row
        assert sum(map(balance, place.values())) == 0
    ledger.close(place["escrow"].pk, now=NOON)
    assert len(example()) == 13
    assert audit.imbalances() == []


def take_step(row: dict[str, str], place: dict[str, Account]) -> None:
    kind, _, remark = row["step"].partition(" ")
    cents = int(row["amount"])
    if kind == "hold":
        ledger.hold(place[row["to"]].pk, usd(cents))
    elif kind == "release":
        ledger.release(place[row["from"]].pk, usd(cents))
    else:
        source, target = place[row["from"]], place[row["to"]]
        from_held = remark == "(from held)"
        ledger.post(posting(source, target, cents, kind=kind, from_held=from_held), now=NOON)


def balance(account: Account) -> int:
    """Sum the account's transfers, which also tells the balance of an unguarded one."""
    entries = Transfer.objects.page_of(account.pk)
    return sum(t.amount_minor if t.target_id == account.pk else -t.amount_minor for t in entries)


@pytest.mark.parametrize("word", [*Transfer.Kind.values, *Account.Purpose.values])
def test_every_kind_of_transfer_and_account_is_documented(word):
    assert f"`{word}`" in DOCUMENT.read_text()
