"""What keeps the books quick to sum and impossible to rewrite unseen: roll-ups and seals."""

from __future__ import annotations

import pgtrigger
from django.db import models

from payments.models.books import Account, Transfer


class RollUp(models.Model):
    """The balance of an unguarded account after one transfer: later ones are added to it."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="rollups", db_index=False)
    through = models.ForeignKey(
        Transfer, models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    balance_minor = models.BigIntegerField()
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="rollup_once", fields=["account", "through"]),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} through {self.through_id}: {self.balance_minor}"


class Seal(models.Model):
    """A hash over transfers in the order of their ids, chained to the seal before."""

    number = models.PositiveBigIntegerField(unique=True)  # from 1
    first = models.ForeignKey(
        Transfer, models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    last = models.ForeignKey(
        Transfer, models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    count = models.PositiveBigIntegerField()
    previous = models.BinaryField(max_length=32)  # zeros in the first
    sha256 = models.BinaryField(max_length=32)
    sealed_at = models.DateTimeField()

    class Meta:
        triggers = [
            pgtrigger.Protect(
                name="seal_never_changes", operation=pgtrigger.Update | pgtrigger.Delete
            ),
        ]

    def __str__(self) -> str:
        return f"seal {self.number}"
