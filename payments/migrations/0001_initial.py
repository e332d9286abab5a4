from __future__ import annotations

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


# Django cannot describe these three; the reverse of each undoes it exactly.

# A posting changes two accounts in place: room on the page keeps the updates off the indexes.
ROOM_FOR_UPDATES = migrations.RunSQL(
    "ALTER TABLE payments_account SET (fillfactor = 70)",
    "ALTER TABLE payments_account RESET (fillfactor)",
)
# Both accounts of a transfer have its currency, because they are found by it.
SOURCE_SHARES_CURRENCY = migrations.RunSQL(
    """
    ALTER TABLE payments_transfer ADD CONSTRAINT transfer_source_shares_currency
    FOREIGN KEY (source_id, currency) REFERENCES payments_account (id, currency)
    """,
    "ALTER TABLE payments_transfer DROP CONSTRAINT transfer_source_shares_currency",
)
TARGET_SHARES_CURRENCY = migrations.RunSQL(
    """
    ALTER TABLE payments_transfer ADD CONSTRAINT transfer_target_shares_currency
    FOREIGN KEY (target_id, currency) REFERENCES payments_account (id, currency)
    """,
    "ALTER TABLE payments_transfer DROP CONSTRAINT transfer_target_shares_currency",
)


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Account",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("wallet", "Wallet"),
                            ("escrow", "Escrow"),
                            ("earnings", "Earnings"),
                            ("payouts_in_transit", "Payouts In Transit"),
                            ("fees", "Fees"),
                            ("world", "World"),
                        ],
                        max_length=20,
                    ),
                ),
                ("currency", models.CharField(max_length=3)),
                ("guarded", models.BooleanField()),
                ("balance_minor", models.BigIntegerField(default=0)),
                ("held_minor", models.BigIntegerField(default=0)),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Payout",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("amount_minor", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("requested", "Requested"),
                            ("paid", "Paid"),
                            ("failed", "Failed"),
                        ],
                        default="requested",
                        max_length=10,
                    ),
                ),
                ("requested_at", models.DateTimeField()),
                ("settled_at", models.DateTimeField(blank=True, null=True)),
                ("reference", models.CharField(blank=True, max_length=200)),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="payouts",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Transfer",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.CharField(max_length=255)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("deposit", "Deposit"),
                            ("allocate", "Allocate"),
                            ("reward", "Reward"),
                            ("fee", "Fee"),
                            ("bonus", "Bonus"),
                            ("refund", "Refund"),
                            ("payout", "Payout"),
                            ("payout_return", "Payout Return"),
                            ("withdraw", "Withdraw"),
                        ],
                        max_length=20,
                    ),
                ),
                ("currency", models.CharField(max_length=3)),
                ("amount_minor", models.BigIntegerField()),
                ("posted_at", models.DateTimeField()),
                (
                    "source",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="transfers_out",
                        to="payments.account",
                    ),
                ),
                (
                    "target",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="transfers_in",
                        to="payments.account",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("guarded", True),
                        ("purpose__in", ["wallet", "escrow", "earnings", "payouts_in_transit"]),
                    ),
                    models.Q(("guarded", False), ("purpose__in", ["fees", "world"])),
                    _connector="OR",
                ),
                name="account_guarded_by_its_purpose",
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("owner__isnull", False),
                        ("purpose__in", ["wallet", "earnings", "payouts_in_transit"]),
                    ),
                    models.Q(("owner__isnull", True), ("purpose__in", ["escrow", "fees", "world"])),
                    _connector="OR",
                ),
                name="account_owned_by_its_purpose",
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(("currency__regex", "^[A-Z]{3}$")),
                name="account_currency_is_three_capitals",
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("guarded", True),
                    models.Q(("balance_minor", 0), ("held_minor", 0)),
                    _connector="OR",
                ),
                name="account_balance_only_where_guarded",
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("balance_minor__gte", models.F("held_minor")), ("held_minor__gte", 0)
                ),
                name="account_spends_only_what_is_not_held",
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("closed_at__isnull", True),
                    models.Q(("balance_minor", 0), ("guarded", True), ("held_minor", 0)),
                    _connector="OR",
                ),
                name="account_closed_only_when_empty",
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.UniqueConstraint(
                fields=("owner", "purpose", "currency"), name="account_once_per_owner_and_purpose"
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.UniqueConstraint(
                condition=models.Q(("purpose__in", ["fees", "world"])),
                fields=("purpose", "currency"),
                name="account_once_per_shared_purpose",
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.UniqueConstraint(
                fields=("id", "currency"), name="account_has_one_currency"
            ),
        ),
        migrations.AddIndex(
            model_name="payout",
            index=models.Index(
                condition=models.Q(("status", "requested")),
                fields=["requested_at"],
                name="payout_waiting",
            ),
        ),
        migrations.AddConstraint(
            model_name="payout",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_minor__gt", 0)), name="payout_amount_is_positive"
            ),
        ),
        migrations.AddConstraint(
            model_name="payout",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("settled_at__isnull", True), ("status", "requested")),
                    models.Q(("settled_at__isnull", False), ("status__in", ["paid", "failed"])),
                    _connector="OR",
                ),
                name="payout_settled_at_the_end",
            ),
        ),
        migrations.AddIndex(
            model_name="transfer",
            index=models.Index(fields=["source", "id"], name="transfer_history_of_source"),
        ),
        migrations.AddIndex(
            model_name="transfer",
            index=models.Index(fields=["target", "id"], name="transfer_history_of_target"),
        ),
        migrations.AddConstraint(
            model_name="transfer",
            constraint=models.UniqueConstraint(fields=("key",), name="transfer_once_per_key"),
        ),
        migrations.AddConstraint(
            model_name="transfer",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_minor__gt", 0)), name="transfer_amount_is_positive"
            ),
        ),
        migrations.AddConstraint(
            model_name="transfer",
            constraint=models.CheckConstraint(
                condition=models.Q(("source", models.F("target")), _negated=True),
                name="transfer_between_two_accounts",
            ),
        ),
        migrations.AddConstraint(
            model_name="transfer",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        [
                            "deposit",
                            "allocate",
                            "reward",
                            "fee",
                            "bonus",
                            "refund",
                            "payout",
                            "payout_return",
                            "withdraw",
                        ],
                    )
                ),
                name="transfer_kind_is_known",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="transfer",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'Transfers are only added: correct one with another.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'transfer_append_only';",
                    hash="c70b5bde0e9a65b04dd71602cab9254598e702ad",
                    level="STATEMENT",
                    operation="UPDATE OR DELETE OR TRUNCATE",
                    pgid="pgtrigger_append_only_0e074",
                    table="payments_transfer",
                    when="BEFORE",
                ),
            ),
        ),
        ROOM_FOR_UPDATES,
        SOURCE_SHARES_CURRENCY,
        TARGET_SHARES_CURRENCY,
    ]
