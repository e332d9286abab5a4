"""The limits of what a client may note on an object.

Source: https://docs.stripe.com/metadata
"""

from __future__ import annotations

from collections.abc import Mapping

from payments.play.errors import invalid

KEYS_MAX = 50
KEY_LENGTH_MAX = 40
VALUE_LENGTH_MAX = 500


def check_metadata(metadata: Mapping[str, object]) -> None:
    """Refuse metadata with too many keys, or one that is too long or says too much."""
    if len(metadata) > KEYS_MAX:
        raise invalid("metadata", f"Metadata may have up to {KEYS_MAX} keys.")
    for key, value in metadata.items():
        if len(key) > KEY_LENGTH_MAX or len(str(value)) > VALUE_LENGTH_MAX:
            raise invalid("metadata", f"The metadata under {key[:KEY_LENGTH_MAX]} is too long.")
