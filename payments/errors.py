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


class NoConnectedAccount(PaymentsError):
    """Open an account to be paid to first, and try again when it is ready."""


class NotRefundable(PaymentsError):
    """More is asked back than was paid through the provider and not returned yet."""

    def __init__(self, most: Money) -> None:
        super().__init__(
            f"At most {most} can go back to where it came from. The rest was not paid through "
            "the provider: ask an admin to send it by hand."
        )
        self.most = most


class RequesterFrozen(PaymentsError):
    """A payment of yours is disputed. Until the bank has decided, publish and withdraw nothing."""


class NotKnownYet(PaymentsError):
    """What this is about is not known here yet: look again later."""


class InvalidWebhook(PaymentsError):
    """The message is not signed by the provider, or its signature is too old."""


class AlreadyResolved(PaymentsError):
    """Somebody has ended this incident before."""


class ResolutionMissing(PaymentsError):
    """Say what the incident was and what was done about it."""


class FloorMissing(PaymentsError):
    """No wage floor is in force in this currency: an operator must set one first."""


class FloorTooLow(PaymentsError):
    """A platform floor lies below what the release allows."""

    def __init__(self, minimum: Money) -> None:
        super().__init__(f"A platform floor must be at least {minimum} per hour.")
        self.minimum = minimum


class FloorDecided(PaymentsError):
    """The floor was approved or withdrawn before."""


class FloorOverlaps(PaymentsError):
    """Another floor of this place and currency begins on that day or later."""


class InvalidFloor(PaymentsError):
    """A floor needs a place such as DE or US-CA, a first day, a later end or none, and a source."""


class SecondPersonMissing(PaymentsError):
    """A floor must be approved by somebody other than who proposed it."""


class VoteMissing(PaymentsError):
    """A lower platform floor needs a proposal that the workers have carried."""
