"""Tax exports as rows: the books' figures beside what a worker is called and where they live."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from payments import tax
from payments.models import ConnectedAccount
from payments.tax import Income, Regime
from workers.models import Worker

COLUMNS = [
    "regime", "year", "quarter", "recipient", "account", "country", "currency", "gross_minor",
    "count", "fees_withheld_minor", "tin_status",
]  # fmt: skip
TIN_WORDS = ("tax", "id_number", "tin", "ssn")  # in what the provider still asks for


def rows(regime: Regime, *, year: int, quarter: int | None) -> Iterator[dict[str, Any]]:
    """Yield one row per worker and currency: per quarter for DAC7, per year for the 1099 forms.

    ``recipient`` is the worker's pseudonym, ``account`` the provider's name for their account.
    """
    found = list(tax.income(year=year, quarter=quarter))
    if regime == "1099":
        found = _per_year(found)
    owners = {each.owner_id for each in found}
    workers = {each.user_id: each for each in Worker.objects.filter(user__in=owners)}
    accounts = {each.owner_id: each for each in ConnectedAccount.objects.filter(owner__in=owners)}
    for each in found:
        worker, account = workers[each.owner_id], accounts.get(each.owner_id)
        yield {
            "regime": regime,
            "year": year,
            "quarter": each.quarter or quarter,
            "recipient": worker.public_id,
            "account": account and account.stripe_account_id,
            "country": worker.country or (account.country if account else ""),
            "currency": each.currency,
            "gross_minor": each.gross_minor,
            "count": each.credits,
            "fees_withheld_minor": 0,
            "tin_status": _tin_status(account),
        }


def _per_year(found: list[Income]) -> list[Income]:
    sums: dict[tuple[int, str], list[int]] = defaultdict(lambda: [0, 0])
    for each in found:
        total = sums[each.owner_id, each.currency]
        total[0] += each.gross_minor
        total[1] += each.credits
    return [Income(owner, code, 0, gross, count) for (owner, code), (gross, count) in sums.items()]


def _tin_status(account: ConnectedAccount | None) -> str:
    """What is known of a tax number: only whether the provider has it, or asks for it."""
    if account is None:
        return "unknown"
    asked = " ".join(map(str, account.requirements)).lower()
    if any(word in asked for word in TIN_WORDS):
        return "asked_by_provider"
    return "with_provider" if account.is_ready else "unknown"
