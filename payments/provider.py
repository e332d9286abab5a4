"""Whom the platform moves money through: Stripe with a key, play money without one.

Both speak through the same SDK. Importing ``stripe`` takes half a second and a lot of memory, so
it is imported where a client is made, and no page pays for it that moves no money.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from django.conf import settings

if TYPE_CHECKING:
    from stripe import StripeClient

    from payments.play.server import PlayServer

CONNECT_SECONDS, READ_SECONDS = 5, 25


class Trouble(NamedTuple):
    """What went wrong with a call: Stripe's code, or the sort of error where it has none."""

    code: str
    message: str
    is_final: bool  # Stripe has refused; else nobody knows, or it may work later
    needs_operator: bool = False  # wrong key, or a key that was used for something else


def is_play() -> bool:
    """Whether the site runs on play money, because it was given no key."""
    return not settings.STRIPE_SECRET_KEY


def mode() -> str:
    """``"play"``, ``"test"`` or ``"live"``: part of every idempotency key."""
    if is_play():
        return "play"
    return "live" if "_live_" in settings.STRIPE_SECRET_KEY else "test"


def client() -> StripeClient:
    """The client for this site's settings; each process makes one."""
    return _play_client(play_server()) if is_play() else _stripe_client()


@lru_cache(maxsize=1)
def _play_client(server: PlayServer) -> StripeClient:
    import stripe  # noqa: PLC0415  (see above)

    from payments.play import transport  # noqa: PLC0415

    stripe.enable_telemetry = False
    return transport.client(server)


@lru_cache(maxsize=1)
def _stripe_client() -> StripeClient:
    import stripe  # noqa: PLC0415  (see above)

    stripe.enable_telemetry = False
    http_client = stripe.RequestsClient(timeout=(CONNECT_SECONDS, READ_SECONDS))
    addresses: dict[str, str] = (
        {"api": settings.STRIPE_API_BASE} if settings.STRIPE_API_BASE else {}
    )
    return stripe.StripeClient(
        settings.STRIPE_SECRET_KEY,
        http_client=http_client,
        base_addresses=addresses,  # type: ignore[arg-type]
        max_network_retries=1,
    )


_STAND_INS: list[PlayServer] = []


@contextmanager
def standing_in(server: PlayServer) -> Iterator[None]:
    """Speak to this bank of play money until the block ends, everywhere in this process."""
    _STAND_INS.append(server)
    try:
        yield
    finally:
        _STAND_INS.remove(server)


def play_server() -> PlayServer:
    """The bank of play money, whose memory is in the database."""
    return _STAND_INS[-1] if _STAND_INS else _own_server()


@lru_cache(maxsize=1)
def _own_server() -> PlayServer:
    from payments.play.rows import RowStore  # noqa: PLC0415
    from payments.play.server import PlayServer  # noqa: PLC0415
    from payments.play.state import Rules  # noqa: PLC0415

    site = settings.SITE_URL.rstrip("/")
    rules = Rules(
        checkout_url=f"{site}/play/checkout/{{name}}",
        onboarding_url=f"{site}/play/onboarding/{{name}}",
        settles_after=timedelta(0),  # nobody wants to wait for play money
    )
    return PlayServer(RowStore(), clock=lambda: datetime.now(UTC), rules=rules)


def trouble(error: Exception) -> Trouble:
    """Read an error of the SDK: whether Stripe has said no, or nobody knows what happened.

    Raises the error again if it is not one of the SDK's.
    """
    import stripe  # noqa: PLC0415

    if not isinstance(error, stripe.StripeError):
        raise error
    code = error.code or type(error).__name__
    message = f"{type(error).__name__}: {error.user_message or error}"
    if isinstance(error, stripe.IdempotencyError) and error.http_status != 409:  # noqa: PLR2004
        return Trouble(code, message, is_final=False, needs_operator=True)
    if isinstance(error, stripe.AuthenticationError | stripe.PermissionError):
        return Trouble(code, message, is_final=False, needs_operator=True)
    status = error.http_status or 0
    return Trouble(code, message, is_final=400 <= status < 500 and status not in {409, 429})  # noqa: PLR2004
