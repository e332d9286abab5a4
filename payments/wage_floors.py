"""The wage floors that a release ships: legal minimums by place, and the platform's own.

Legal minimums are the general adult rate, gross. Their scope is employees; here they are a policy.
Refresh them twice a year, for 1 January and 1 July: end the old row and add a new one.
"""

from __future__ import annotations

import math
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from payments.models.floor import PLATFORM
from payments.money import MINOR_DIGITS

CHECKED_ON = date(2026, 11, 22)
SINCE = date(2026, 1, 1)  # the first day of the platform's own floors
BOUND_DOLLARS = 8  # per hour: no platform floor may be worth less


class Shipped(NamedTuple):
    """One rate per hour, in minor units, from its first day until another follows."""

    jurisdiction: str  # ISO 3166, or "platform"
    currency: str
    per_hour_minor: int
    valid_from: date
    source: str


LEGAL = [
    Shipped("US", "USD", 725, date(2009, 7, 24), "Fair Labor Standards Act: federal minimum"),
    Shipped("US-CA", "USD", 1690, SINCE, "California: 16.90 an hour in 2026"),
    Shipped("US-WA", "USD", 1713, SINCE, "Washington: 17.13 an hour in 2026"),
    # The state is one place here, so the rate of New York City, Long Island and Westchester.
    Shipped("US-NY", "USD", 1700, SINCE, "New York City: 17.00 an hour in 2026; rest 16.00"),
    Shipped("US-CT", "USD", 1694, SINCE, "Connecticut: 16.94 an hour in 2026"),
    Shipped("US-CO", "USD", 1516, SINCE, "Colorado: 15.16 an hour in 2026"),
    Shipped("US-AZ", "USD", 1515, SINCE, "Arizona: 15.15 an hour in 2026"),
    Shipped("US-NJ", "USD", 1592, SINCE, "New Jersey: 15.92 an hour in 2026"),
    Shipped("US-MI", "USD", 1373, SINCE, "Michigan: 13.73 an hour in 2026"),
    Shipped("US-OH", "USD", 1100, SINCE, "Ohio: 11.00 an hour in 2026"),
    Shipped("GB", "GBP", 1271, date(2026, 4, 1), "National Living Wage, 21 and over"),
    Shipped("DE", "EUR", 1390, SINCE, "MiLoV5: 13.90 an hour in 2026"),
    Shipped("DE", "EUR", 1460, date(2027, 1, 1), "MiLoV5: 14.60 an hour from 2027"),
    Shipped("FR", "EUR", 1202, SINCE, "SMIC: 12.02 an hour in 2026"),
    Shipped("NL", "EUR", 1471, SINCE, "Wettelijk minimumloon, 21 and over: 14.71 an hour"),
    Shipped("IE", "EUR", 1415, SINCE, "National minimum wage: 2,391 a month at 39 h a week"),
    Shipped("ES", "EUR", 936, SINCE, "SMI: 1,381 a month in 12 payments at 1,770 h a year"),
    Shipped("PL", "PLN", 3140, SINCE, "Minimalna stawka godzinowa: 31.40; to be confirmed"),
    Shipped("CA", "CAD", 1815, date(2026, 4, 1), "Canada: federal minimum of 18.15 an hour"),
    Shipped("AU", "AUD", 2644, date(2026, 7, 1), "Australia: national minimum of 26.44 an hour"),
    Shipped("KR", "KRW", 10320, SINCE, "South Korea: 10,320 an hour in 2026"),
    Shipped("ZA", "ZAR", 3023, date(2026, 3, 1), "South Africa: 30.23"),  # codespell:ignore zar
    Shipped("BR", "BRL", 737, SINCE, "Brazil, decree: 1,621 a month, 7.37 an hour"),
    Shipped("MX", "MXN", 3938, SINCE, "Mexico, general zone: 315.04 a day of 8 h"),
    Shipped("PH", "PHP", 8688, date(2025, 7, 18), "Philippines, NCR: 695 a day of 8 h"),
    Shipped("KE", "KES", 7162, date(2024, 11, 1), "Kenya, Nairobi: 16,113.75 a month at 225 h"),
    # India has no single rate, and its national floor does not bind: the platform's floor holds.
]

# The platform's floor where policy names one, and why; elsewhere it is what follows below.
POLICY = {
    "USD": (1200, "platform policy: 12.00 an hour"),
    "EUR": (1200, "platform policy: 12.00 an hour"),
    "GBP": (1271, "platform policy: the National Living Wage of 12.71"),
    "CAD": (1815, "platform policy: Canada's federal minimum of 18.15"),
    "AUD": (2644, "platform policy: Australia's national minimum of 26.44"),
    "PLN": (3140, "platform policy: Poland's minimum of 31.40"),
}

# Units of a currency to one US dollar: rough figures, held for as long as the release says so,
# because a bound that moved with the market every day would be none. Nothing is exchanged at them.
PER_DOLLAR = {
    "AED": "3.67", "ARS": "1450", "AUD": "1.5", "BDT": "122", "BHD": "0.376", "BRL": "5.4",
    "CAD": "1.4", "CHF": "0.8", "CLP": "940", "CNY": "7.1", "COP": "3900", "CRC": "500",
    "CZK": "21", "DKK": "6.4", "DOP": "63", "EGP": "48", "ETB": "150", "EUR": "0.86",
    "GBP": "0.75", "GHS": "11", "GTQ": "7.7", "HKD": "7.8", "HUF": "330", "IDR": "16600",
    "ILS": "3.3", "INR": "89", "ISK": "127", "JOD": "0.71", "JPY": "155", "KES": "129",
    "KRW": "1460", "KWD": "0.307", "LKR": "305", "MAD": "9.2", "MXN": "18.3", "MYR": "4.1",
    "NGN": "1450", "NOK": "10.1", "NPR": "142", "NZD": "1.75", "OMR": "0.385", "PEN": "3.4",
    "PHP": "58.5", "PKR": "281", "PLN": "3.65", "PYG": "7000", "QAR": "3.64", "RON": "4.4",
    "RSD": "101", "SAR": "3.75", "SEK": "9.4", "SGD": "1.3", "THB": "32", "TND": "2.93",
    "TRY": "42.5", "TWD": "31.3", "TZS": "2450", "UAH": "42", "UGX": "3600", "USD": "1",
    "UYU": "39.5", "VND": "26300", "XAF": "565", "XOF": "565",
    "ZAR": "17.2",  # codespell:ignore zar
}  # fmt: skip


def bound(currency: str) -> int:
    """Return the least a platform floor may be: 8 US dollars an hour, in minor units, rounded up.

    Raises ``KeyError`` for a currency that is not supported.
    """
    per_dollar = Fraction(PER_DOLLAR[currency])
    return math.ceil(BOUND_DOLLARS * per_dollar * int(10 ** MINOR_DIGITS[currency]))


def shipped() -> list[Shipped]:
    """Return every floor of the release: one of the platform's per currency, then the law's."""
    return [*map(_platform, sorted(MINOR_DIGITS)), *LEGAL]


def _platform(currency: str) -> Shipped:
    rate = PER_DOLLAR[currency]
    because = f"platform policy: 8.00 USD at {rate} {currency} to the dollar"
    per_hour_minor, source = POLICY.get(currency, (bound(currency), because))
    return Shipped(PLATFORM, currency, per_hour_minor, SINCE, source)
