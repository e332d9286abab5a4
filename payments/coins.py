"""Amounts as Stripe writes them: for a few currencies not in the units of the books.

Source: https://docs.stripe.com/currencies
"""

from __future__ import annotations

from payments.money import MINOR_DIGITS, Money

# Without coins, and yet written with two decimals.
FACTORS = {"ISK": 100, "UGX": 100}
# What a bank is paid is a multiple of this, in the units of the books.
STEPS = {
    **{code: 10 for code, digits in MINOR_DIGITS.items() if digits > 2},  # noqa: PLR2004
    "HUF": 100,
    "TWD": 100,
}


def to_stripe(amount: Money) -> int:
    """Return an amount in Stripe's units."""
    return amount.minor * FACTORS.get(amount.currency, 1)


def from_stripe(units: int, currency: str) -> int:
    """Return so many of Stripe's units, perhaps less than none, in minor units of ``currency``."""
    return units // FACTORS.get(currency.upper(), 1)


def payable(amount: Money) -> Money:
    """Return the most of ``amount`` that a bank can be paid."""
    return Money(amount.minor - amount.minor % STEPS.get(amount.currency, 1), amount.currency)
