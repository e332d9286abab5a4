"""``manage.py debts``: what requesters owe; ``debts write-off`` gives some of it up."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from marketplace.management.asking import refusals, user_called
from payments import debts
from payments.money import parse_money
from workers import events


class Command(BaseCommand):
    help = "List what requesters owe the platform, or write a part of it off."

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_subparsers(dest="what")
        write_off = what.add_parser("write-off", help="the platform has paid it for good")
        write_off.add_argument("username", help="who owes it")
        write_off.add_argument("amount", help="such as 12.34")
        write_off.add_argument("currency", help="ISO 4217, such as USD")
        write_off.add_argument("--by", required=True, help="the operator's username")
        write_off.add_argument(
            "--reference",
            required=True,
            help="why, or the number of the case; the same one again writes off nothing twice",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["what"] is None:
            for name, owed in debts.outstanding():
                self.stdout.write(f"{name} owes {owed}.")
            return
        owner, operator = user_called(options["username"]), user_called(options["by"])
        if not operator.is_staff:
            raise CommandError("Only an admin writes off what is owed.")
        with refusals(), transaction.atomic():
            amount = parse_money(options["amount"], options["currency"].upper())
            posted = debts.write_off(
                owner_id=owner.pk,
                amount=amount,
                reference=options["reference"],
                now=timezone.now(),
            )
            if posted:
                events.record(
                    kind="debt_written_off",
                    subject_kind="user",
                    subject_id=owner.pk,
                    actor=operator,
                    at=timezone.now(),
                    data={
                        "amount_minor": amount.minor,
                        "currency": amount.currency,
                        "reference": options["reference"],
                    },
                )
            left = debts.owed(owner.pk, amount.currency)
        self.stdout.write(f"{owner.username} owes {left}.")
