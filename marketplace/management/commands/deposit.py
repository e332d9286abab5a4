"""``manage.py deposit USERNAME AMOUNT CURRENCY``: money that has arrived goes into a wallet."""

from __future__ import annotations

import uuid
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from marketplace.management.asking import refusals, user_called
from payments import accounts, deposits
from payments.money import parse_money


class Command(BaseCommand):
    help = "Put money that has arrived from outside into a requester's wallet."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", help="whose wallet")
        parser.add_argument("amount", help="such as 12.34")
        parser.add_argument("currency", help="ISO 4217, such as USD")
        parser.add_argument(
            "--reference",
            help="what the bank calls the payment; the same one again deposits nothing twice",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        owner = user_called(options["username"])
        with refusals():
            amount = parse_money(options["amount"], options["currency"].upper())
            deposits.deposit(
                owner_id=owner.pk,
                amount=amount,
                reference=options["reference"] or str(uuid.uuid4()),
                now=timezone.now(),
            )
            wallet = accounts.wallet_of(owner.pk, amount.currency)
        self.stdout.write(f"{owner.username} has {wallet.balance} in the wallet.")
