"""Amounts and currencies in requests, with the peculiarities Stripe has for some of them.

Source: https://docs.stripe.com/currencies
"""

from __future__ import annotations

from payments.money import MAX_MINOR, MINOR_DIGITS
from payments.play.errors import invalid, required
from payments.play.store import Json

USUAL_DIGITS = 2

# Three decimals are written, but the last must be 0; of the two-decimal writing of these
# currencies without coins, both must be.
MULTIPLES = {
    **{code.lower(): 10 for code, digits in MINOR_DIGITS.items() if digits > USUAL_DIGITS},
    "isk": 100,
    "ugx": 100,
}
# Paid in with decimals, paid out without.
PAYOUT_MULTIPLES = {**MULTIPLES, "huf": 100, "twd": 100}


def currency_of(params: Json) -> str:
    """Return the currency of a request in small letters."""
    if "currency" not in params:
        raise required("currency")
    currency = str(params["currency"]).lower()
    if currency.upper() not in MINOR_DIGITS:
        raise invalid("currency", f"Invalid currency: {currency}.")
    return currency


def amount_of(params: Json, currency: str, *, param: str = "amount") -> int:
    """Return an amount of a request in Stripe's minor units: positive and whole."""
    if param not in params:
        raise required(param)
    text = str(params[param])
    if not text.removeprefix("-").isdecimal():
        raise invalid(param, f"Invalid integer: {text}", code="parameter_invalid_integer")
    minor = int(text)
    if minor < 1:
        message = "This value must be greater than or equal to 1."
        raise invalid(param, message, code="parameter_invalid_integer")
    if minor > MAX_MINOR:
        raise invalid(param, "Amount is too large.", code="amount_too_large")
    check_multiple(minor, currency, MULTIPLES, param)
    return minor


def check_multiple(minor: int, currency: str, multiples: dict[str, int], param: str) -> None:
    """Refuse an amount that Stripe cannot take in that currency."""
    multiple = multiples.get(currency, 1)
    if minor % multiple:
        raise invalid(param, f"Invalid amount: in {currency}, use multiples of {multiple}.")
