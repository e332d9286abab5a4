"""Parts of paths."""

from __future__ import annotations


class IdConverter:
    """A row's number; one that no row can have is not found, instead of an error in PostgreSQL."""

    regex = "[0-9]{1,19}"

    def to_python(self, value: str) -> int:
        number = int(value)
        if number >= 2**63:
            raise ValueError
        return number

    def to_url(self, value: int) -> str:
        return str(value)
