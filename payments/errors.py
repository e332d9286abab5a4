"""Why money does not move: one class per reason, whose docstring is told to the caller."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from payments.money import Money


class PaymentsError(Exception):
    """The money was not moved."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or type(self).__doc__)


class InsufficientFunds(PaymentsError):
    """Less money is available than was asked for."""

    def __init__(self, missing: Money) -> None:
        super().__init__(f"{missing} more is needed than is available.")
        self.missing = missing


class NotHeld(PaymentsError):
    """Less money is held than was to be released or spent from the hold."""


class KeyReused(PaymentsError):
    """This key already names a transfer with other terms."""


class CurrencyMismatch(PaymentsError):
    """Money moves only between accounts of its own currency."""


class UnknownCurrency(PaymentsError):
    """The currency must be one of the supported ISO 4217 codes, such as USD."""


class InvalidAmount(PaymentsError):
    """An amount must be positive, within bounds, and whole in its currency's minor units."""


class InvalidReference(PaymentsError):
    """A reference must have 1 to 200 printable characters."""


class AccountClosed(PaymentsError):
    """The account is closed and takes part in no further transfer."""


class AccountNotEmpty(PaymentsError):
    """Only an empty account can be closed."""


class PayoutSettled(PaymentsError):
    """The payout has already ended in the other way."""
