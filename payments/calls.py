"""What a kind of call to Stripe is: how it is sent, and what follows from the answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from payments.models import StripeOperation
from payments.provider import Trouble

if TYPE_CHECKING:
    from stripe import StripeClient


@dataclass(frozen=True, slots=True)
class Again:
    """A refusal that may end: the call is made anew, with a new key, after ``after``."""

    after: timedelta


@dataclass(frozen=True, slots=True)
class Call:
    """One kind.

    ``send`` makes the call, with ``options`` that carry its key. ``confirmed`` and ``refused``
    run in a transaction with the operation's row locked; ``refused`` returns ``Again``, or None
    once what the call was for is undone. ``search`` finds what an earlier send may have made.
    """

    send: Callable[[StripeClient, StripeOperation, dict[str, Any]], Any]
    confirmed: Callable[[StripeOperation, Any, datetime], None]
    refused: Callable[[StripeOperation, Trouble, datetime], Again | None]
    search: Callable[[StripeClient, StripeOperation], Any | None]
