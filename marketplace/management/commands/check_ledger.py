"""``manage.py check_ledger``: what has moved, whether the books balance, and the seals hold."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from payments import audit, seals
from payments.audit import Totals
from payments.money import Money


class Command(BaseCommand):
    help = (
        "Print what has moved in each currency, every imbalance, and the first seal that does not"
        " hold; exit 1 if there is one."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        for totals in audit.totals():
            self.stdout.write(sentence(totals))
        found = audit.imbalances()
        for each in found:
            where = f"account {each.account_id}" if each.account_id else "all accounts"
            self.stdout.write(
                f"{where}: {each.problem}: {each.found_minor} instead of {each.expected_minor}"
                f" minor units of {each.currency}"
            )
        if found:
            raise CommandError(f"The books do not balance: {len(found)} defects.")
        self.stdout.write("The books balance.")
        self._check_seals()

    def _check_seals(self) -> None:
        if broken := seals.verify():
            raise CommandError(f"Seal {broken.number} does not hold: {broken.problem}.")
        if last := seals.head():
            through = f"through transfer {last.last_id}"
            self.stdout.write(f"{last} holds, {through}: {bytes(last.sha256).hex()}")


def sentence(totals: Totals) -> str:
    """Say what has moved in one currency."""

    def amount(minor: int) -> Money:
        return Money(minor, totals.currency)

    returned = f", {amount(totals.returned_minor)} returned" if totals.returned_minor else ""
    return (
        f"{amount(totals.deposited_minor)} deposited, {amount(totals.escrowed_minor)} in escrow,"
        f" {amount(totals.earned_minor)} earned, {amount(totals.fees_minor)} in fees,"
        f" {amount(totals.paid_out_minor)} paid out"
        f"{returned}"
    )
