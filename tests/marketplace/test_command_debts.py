"""``debts``: who owes what, and what is given up, by whom and why."""

from __future__ import annotations

import pytest
from django.core.management import CommandError

from payments import debts
from tests.factories import a_user, usd
from tests.marketplace.test_command_money import run
from tests.payments.test_debts import owing
from workers.models import Event, User

pytestmark = pytest.mark.django_db
ASKED = ["10.00", "usd", "--reference", "case 7"]


def test_debts_are_listed():
    owner = User.objects.get(pk=owing(3000))

    assert run("debts") == f"{owner.username} owes 30.00 USD.\n"


def test_what_is_written_off_is_an_event_once():
    owner, admin = User.objects.get(pk=owing(3000)), a_user()
    User.objects.filter(pk=admin.pk).update(is_staff=True)

    for _ in range(2):
        said = run("debts", "write-off", owner.username, *ASKED, "--by", admin.username)

    assert said == f"{owner.username} owes 20.00 USD.\n"
    [event] = Event.objects.filter(kind="debt_written_off")
    assert (event.actor, event.subject_id) == (admin, owner.pk)
    assert event.data == {"amount_minor": 1000, "currency": "USD", "reference": "case 7"}


def test_only_an_admin_writes_off():
    owner = User.objects.get(pk=owing(3000))

    with pytest.raises(CommandError):
        run("debts", "write-off", owner.username, *ASKED, "--by", owner.username)

    assert debts.owed(owner.pk, "USD") == usd(3000)
