"""``manage.py demo_logins``: three people to try a fresh marketplace with."""

from __future__ import annotations

import json
import os
import secrets
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction
from django.utils import timezone

from marketplace.embedded import var_dir
from payments.deposits import deposit
from payments.money import Money
from workers import people, terms
from workers.models import User

PLAY_MONEY = Money(100_00, "USD")
ROLES = {
    "requester": f"posts jobs, with {PLAY_MONEY} of play money",
    "worker": "answers tasks",
    "admin": "looks after the site at /admin/",
}


class Command(BaseCommand):
    help = "Make the users requester, worker and admin once, and print their passwords."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--force", action="store_true", help="also in a database of your own (DATABASE_URL)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        # Users with passwords in a file have no place on a site that others can reach.
        if os.environ.get("DATABASE_URL") and not options["force"]:
            self.stderr.write("No demo logins in the database of DATABASE_URL without --force.")
            return
        passwords = kept_passwords(var_dir() / "demo-logins.json")
        for name, purpose in ROLES.items():
            user = known_or_made(name, passwords[name], timezone.now())
            shown = passwords[name] if user.check_password(passwords[name]) else "(its own)"
            self.stdout.write(f"  {name:<10} {shown:<18} {purpose}")


def kept_passwords(path: Path) -> dict[str, str]:
    """Return the passwords in ``path``, which only its owner may read, making them if need be."""
    if not path.exists():
        made = {name: secrets.token_urlsafe(12) for name in ROLES}
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        draft.parent.mkdir(parents=True, exist_ok=True)
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(made, indent=1))
        draft.replace(path)
    passwords: dict[str, str] = json.loads(path.read_text())
    return passwords


@transaction.atomic
def known_or_made(name: str, password: str, now: datetime) -> User:
    """Return the user of that name; a new requester gets play money."""
    if known := User.objects.filter(username=name).first():
        terms.agree_to_current(user=known, now=now)
        return known
    user = people.register(
        username=name,
        password=password,
        requester=name == "requester",
        worker=name == "worker",
        now=now,
    )
    if name == "requester":
        deposit(owner_id=user.pk, amount=PLAY_MONEY, reference="demo-logins", now=now)
    if name == "admin":
        User.objects.filter(pk=user.pk).update(is_staff=True)
    return user
