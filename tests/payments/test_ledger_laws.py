"""What holds of the ledger whatever the code does: keys in parallel, and the database's guards."""

from __future__ import annotations

import re
from functools import partial

import pytest
from django.apps import apps
from django.db import connection

from payments import audit, ledger
from payments.errors import KeyReused
from payments.models import Transfer
from tests.factories import NOON, usd
from tests.payments.books import at_once, earnings_with, posting, reread, wallet_with

# Beside what the models declare: whose currency a transfer has.
BY_SQL = {"transfer_source_shares_currency", "transfer_target_shares_currency"}
TRIGGERS = {
    ("payments_seal", "seal_never_changes"),
    ("payments_transfer", "append_only"),
}


@pytest.mark.django_db(transaction=True)
def test_of_one_key_on_two_terms_at_once_one_wins_and_only_its_repeats_replay():
    wallet, earnings = wallet_with(1000), earnings_with(1)
    terms = {30: posting(wallet, earnings, 30, key="bonus:1")}
    terms[40] = posting(wallet, earnings, 40, key="bonus:1")

    asked = [30, 40] * 10
    outcomes = at_once([partial(ledger.post_all, [terms[cents]], now=NOON) for cents in asked])

    won = Transfer.objects.get(key="bonus:1").amount_minor
    replays = [each for cents, each in zip(asked, outcomes, strict=True) if cents == won]
    others = [each for cents, each in zip(asked, outcomes, strict=True) if cents != won]
    assert sorted(replays) == [0] * 9 + [1]
    assert {type(each) for each in others} == {KeyReused}
    assert reread(earnings).balance == usd(1 + won)
    assert audit.imbalances() == []


def names(statement: str) -> set:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return set(cursor.fetchall())


@pytest.mark.django_db
def test_the_migrations_create_every_trigger_by_name():
    found = names(
        "SELECT tgrelid::regclass::text, tgname FROM pg_trigger"
        " WHERE NOT tgisinternal AND tgenabled <> 'D' AND tgrelid::regclass::text ~ '^payments_'"
    )

    plain = re.compile(r"^pgtrigger_(.+)_[0-9a-f]{5}$")
    assert {(table, plain.sub(r"\1", name)) for table, name in found} == TRIGGERS


@pytest.mark.django_db
def test_the_migrations_create_every_constraint_by_name():
    models = apps.get_app_config("payments").get_models()
    declared = {each.name for model in models for each in model._meta.constraints}
    found = names(
        "SELECT conname FROM pg_constraint WHERE convalidated"
        " AND conrelid::regclass::text ~ '^payments_'"
        " UNION SELECT relname FROM pg_class JOIN pg_index ON indexrelid = pg_class.oid"
        " WHERE indisunique AND indisvalid AND indrelid::regclass::text ~ '^payments_'"
    )

    assert declared | BY_SQL <= {name for (name,) in found}
    assert len(declared) > 30
