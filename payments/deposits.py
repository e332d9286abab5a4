"""Money in: a confirmed deposit becomes a transfer from the world to a wallet."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from payments import accounts, ledger
from payments.models import Transfer
from payments.money import Money
from payments.references import check_reference


@transaction.atomic
def deposit(*, owner_id: int, amount: Money, reference: str, now: datetime) -> Transfer:
    """Put money that has arrived from outside into the owner's wallet.

    ``reference`` is what the bank or provider calls the payment. The same one again, on
    the same terms, returns the first transfer.

    Raises:
        AccountClosed: the wallet is closed.
        InvalidAmount: ``amount`` is not positive.
        InvalidReference: ``reference`` is empty, too long or not printable.
        KeyReused: ``reference`` came before with another owner or amount.
    """
    check_reference(reference)
    posting = ledger.Posting(
        key=f"deposit:{reference}",
        kind=Transfer.Kind.DEPOSIT,
        source_id=accounts.world(amount.currency).pk,
        target_id=accounts.wallet_of(owner_id, amount.currency).pk,
        amount=amount,
    )
    return ledger.post(posting, now=now)
