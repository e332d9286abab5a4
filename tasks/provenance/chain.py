"""How records are hashed into a chain: each link's hash covers the one before it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from hashlib import sha256
from typing import Any

START = bytes(32)  # stands before the first link
# From here on Python writes a float with an exponent, and PostgreSQL gives it back as an integer.
EXPONENT_FROM = 1e16


def canonical(record: Mapping[str, Any]) -> str:
    """Return the one text of a record that is hashed, whichever way it was stored meanwhile.

    Keys are sorted by code point, nothing is spaced or escaped that need not be, and floats are
    the shortest text that reads back as the same float. Raises ValueError for a number that
    JSON does not have.
    """
    return json.dumps(
        stored(record), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def link(previous: bytes, record: Mapping[str, Any]) -> bytes:
    """Return the SHA-256 of the hash before and the record's text, 32 bytes."""
    return sha256(previous + canonical(record).encode()).digest()


def stored(value: Any) -> Any:
    """Return a JSON value with its numbers as they come back from PostgreSQL's jsonb.

    Its numbers are decimals: they know no negative zero, and no exponent, so that a float
    without a fraction comes back as an integer if its text had none. All others come back equal.
    """
    if isinstance(value, Mapping):
        return {key: stored(each) for key, each in value.items()}
    if isinstance(value, list):
        return [stored(each) for each in value]
    if isinstance(value, float):
        return _number(value)
    return value


def _number(value: float) -> float | int:
    if abs(value) >= EXPONENT_FROM and value.is_integer():
        return int(Decimal(repr(value)))  # its text's digits, which are not all of the float's
    return value or 0.0  # without the sign of a negative zero
