"""Names that people can tell apart: one spelling per username, no invisible characters.

Pure text in, text out; both functions are idempotent.
"""

from __future__ import annotations

import re
import unicodedata

from workers.errors import InvalidName

USERNAME_LENGTH = 150  # characters

# Control characters, and those that reorder or hide text. The zero-width joiners U+200C and
# U+200D stay allowed: Persian and the Indic scripts spell names with them. PostgreSQL and
# Python read this pattern alike, so that the same rule is a constraint.
INVISIBLE = r"[\u0001-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]"

# No "@": a username that reads as somebody's e-mail address could be mistaken for them.
USERNAME = r"^\w[\w.+-]*\Z"


def canonical_username(text: str) -> str:
    """Bring ``text`` to the one spelling under which it is stored, compared and looked up.

    That is NFKC and case folding (so "Ⓐlice", "ALICE" and "alice" are one), then lower case,
    which differs from folding for Cherokee only and lets the database compare with ``lower``.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return unicodedata.normalize("NFKC", folded).lower()


def valid_username(text: str) -> str:
    """Return the canonical spelling of a username that may be registered.

    Raises ``InvalidName`` when it is empty, longer than ``USERNAME_LENGTH`` or holds anything
    but letters, digits and ``. + - _``, or starts with one of ``. + -``.
    """
    name = canonical_username(text)
    if len(name) > USERNAME_LENGTH or not re.match(USERNAME, name):
        raise InvalidName
    return name


def valid_name(text: str, *, limit: int) -> str:
    """Return a free name (of a qualification, of a person) in NFC, without outer spaces.

    Raises ``InvalidName`` when it is empty, longer than ``limit`` characters, or holds
    control or direction characters, which can make one name look like another.
    """
    name = unicodedata.normalize("NFC", text).strip()
    if not name or len(name) > limit or "\0" in name or re.search(INVISIBLE, name):
        raise InvalidName
    return name
