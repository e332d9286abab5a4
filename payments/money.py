"""Amounts of money, exact to the smallest coin, and how people write them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from payments.errors import CurrencyMismatch, InvalidAmount, UnknownCurrency

AMERICA = ["ARS", "BRL", "CAD", "COP", "CRC", "DOP", "GTQ", "MXN", "PEN", "USD", "UYU"]
EUROPE = ["CHF", "CZK", "DKK", "EUR", "GBP", "HUF", "NOK", "PLN", "RON", "RSD", "SEK", "UAH"]
AFRICA = ["EGP", "ETB", "GHS", "KES", "MAD", "NGN", "TZS", "ZAR"]  # codespell:ignore zar
WEST_ASIA = ["AED", "ILS", "QAR", "SAR", "TRY"]
SOUTH_ASIA = ["BDT", "INR", "LKR", "NPR", "PKR"]
EAST_ASIA = ["CNY", "HKD", "IDR", "MYR", "PHP", "SGD", "THB", "TWD"]
OCEANIA = ["AUD", "NZD"]
USUAL = [*AMERICA, *EUROPE, *AFRICA, *WEST_ASIA, *SOUTH_ASIA, *EAST_ASIA, *OCEANIA]

# ISO 4217 minor digits: how many decimals an amount of the currency has.
MINOR_DIGITS = {
    **dict.fromkeys(["CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XAF", "XOF"], 0),
    **dict.fromkeys(USUAL, 2),
    **dict.fromkeys(["BHD", "JOD", "KWD", "OMR", "TND"], 3),
}

# Far above any payment, and far enough below 2⁶³ that sums stay inside a bigint.
MAX_MINOR = 10**15

# ASCII digits only: `\d`, int() and Decimal() would also take ١٢, 1_0, 1e3 and +1.
DECIMAL = re.compile(r"([0-9]{1,16})(?:\.([0-9]{1,3}))?")


@dataclass(frozen=True, slots=True)
class Money:
    """So many minor units of a currency: ``Money(1234, "USD")`` is $12.34.

    A minor unit is the smallest the currency has: a cent, a yen, 0.001 KWD. Raises
    ``UnknownCurrency`` unless ``currency`` is one of ``MINOR_DIGITS``.
    """

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if self.currency not in MINOR_DIGITS:
            raise UnknownCurrency

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._like(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._like(other), self.currency)

    def __mul__(self, times: int) -> Money:
        return Money(self.minor * times, self.currency)

    def __str__(self) -> str:
        return format_money(self)

    def split(self, weights: Sequence[int]) -> list[Money]:
        """Divide the amount by ``weights``; the shares sum to it and are in their order.

        No share is a whole minor unit off its exact part: what division leaves over goes,
        unit by unit, to those it cost most, and among equals to the first of them.
        Raises ``ValueError`` if a weight is negative or none is positive.
        """
        total = sum(weights)
        if min(weights, default=0) < 0 or total == 0:
            raise ValueError("a split needs a positive weight and no negative one")
        parts = [divmod(self.minor * weight, total) for weight in weights]
        leftover = self.minor - sum(share for share, _ in parts)
        by_remainder = sorted(range(len(parts)), key=lambda i: -parts[i][1])
        favoured = set(by_remainder[:leftover])
        return [Money(share + (i in favoured), self.currency) for i, (share, _) in enumerate(parts)]

    def _like(self, other: Money) -> int:
        if other.currency != self.currency:
            raise CurrencyMismatch
        return other.minor


def fee_on(reward_minor: int, basis_points: int) -> int:
    """Return the fee on a reward, in the same minor units, rounded half up.

    ``basis_points`` are hundredths of a percent: 2000 is a fee of 20 %.
    """
    return (2 * reward_minor * basis_points + 10_000) // 20_000


def check_amount(amount: Money) -> None:
    """Raise ``InvalidAmount`` unless ``amount`` is positive and at most ``MAX_MINOR``."""
    if not 0 < amount.minor <= MAX_MINOR:
        raise InvalidAmount


def format_money(money: Money) -> str:
    """Write an amount with all decimals of its currency: ``"12.34 USD"``, ``"500 JPY"``."""
    digits = MINOR_DIGITS[money.currency]
    sign = "-" if money.minor < 0 else ""
    whole, part = divmod(abs(money.minor), 10**digits)
    decimals = f".{part:0{digits}}" if digits else ""
    return f"{sign}{whole}{decimals} {money.currency}"


def parse_money(text: str, currency: str) -> Money:
    """Read an amount people wrote, such as ``"12.34"``; it may be zero, not negative.

    Raises:
        InvalidAmount: not plain ASCII decimal digits, or more decimals than the currency has.
        UnknownCurrency: the code is not supported.
    """
    if currency not in MINOR_DIGITS:
        raise UnknownCurrency
    match = DECIMAL.fullmatch(text)
    decimals = (match[2] or "") if match else ""
    digits = MINOR_DIGITS[currency]
    if match is None or len(decimals) > digits:
        raise InvalidAmount
    minor = int(match[1] + decimals.ljust(digits, "0"))
    if minor > MAX_MINOR:
        raise InvalidAmount
    return Money(minor, currency)
