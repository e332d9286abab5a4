"""One account per currency for each of the platform's new purposes, beside running postings."""

from __future__ import annotations

from django.db import migrations, models

PURPOSES = [
    "provider_pending",
    "provider_available",
    "connected_funds",
    "disputed_funds",
    "provider_fees",
    "dispute_losses",
    "guarantees",
    "review_pay",
]
NAME = "account_once_per_provider_purpose"
LISTED = ", ".join(f"'{purpose}'" for purpose in PURPOSES)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("payments", "0002_provider")]
    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    sql=(
                        f"CREATE UNIQUE INDEX CONCURRENTLY {NAME} ON payments_account"
                        f" (purpose, currency) WHERE purpose IN ({LISTED})"
                    ),
                    reverse_sql=f"DROP INDEX CONCURRENTLY {NAME}",
                )
            ],
            state_operations=[
                migrations.AddConstraint(
                    model_name="account",
                    constraint=models.UniqueConstraint(
                        condition=models.Q(purpose__in=PURPOSES),
                        fields=("purpose", "currency"),
                        name=NAME,
                    ),
                )
            ],
        )
    ]
