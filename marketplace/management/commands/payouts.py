"""``manage.py payouts``: what workers asked to be paid, and what became of it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from marketplace.management.asking import refusals
from payments import payouts
from payments.models import Payout


class Command(BaseCommand):
    help = "List the payouts that wait for the bank, oldest first; or note what it did with one."

    def add_arguments(self, parser: CommandParser) -> None:
        moves = parser.add_subparsers(dest="move", metavar="paid|fail")
        paid = moves.add_parser("paid", help="the worker has the money")
        paid.add_argument("id", type=int)
        paid.add_argument("--reference", required=True, help="what the bank calls the payment")
        failed = moves.add_parser("fail", help="the bank refused: return it to the earnings")
        failed.add_argument("id", type=int)

    def handle(self, *args: Any, **options: Any) -> None:
        if options["move"] is None:
            self._list()
            return
        try:
            with refusals():
                payout = settled(options)
        except Payout.DoesNotExist:
            raise CommandError(f"There is no payout {options['id']}.") from None
        self.stdout.write(f"payout {payout.pk} of {payout.amount} is {payout.status}")

    def _list(self) -> None:
        waiting = Payout.objects.filter(status=Payout.Status.REQUESTED).select_related("owner")
        for payout in waiting.order_by("requested_at", "pk"):
            self.stdout.write(
                f"{payout.pk}\t{payout.requested_at:%Y-%m-%d %H:%M}\t{payout.owner.username}"
                f"\t{payout.amount}"
            )


def settled(options: dict[str, Any]) -> Payout:
    """End the payout as the command line says."""
    now = timezone.now()
    if options["move"] == "paid":
        return payouts.settle_paid(payout_id=options["id"], reference=options["reference"], now=now)
    return payouts.fail(payout_id=options["id"], now=now)
