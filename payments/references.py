"""What banks and providers call a payment."""

from __future__ import annotations

from payments.errors import InvalidReference

MAX_LENGTH = 200


def check_reference(reference: str) -> None:
    """Raise ``InvalidReference`` unless ``reference`` has 1 to 200 printable characters."""
    if not (0 < len(reference) <= MAX_LENGTH and reference.isprintable()):
        raise InvalidReference
