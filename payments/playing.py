"""What banks would do by themselves in a few days, done at once where the money is play money."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from payments import provider, webhooks
from payments.models import Payout


def let_time_pass(*, now: datetime, limit: int = 500) -> int:
    """Let what is on its way to banks arrive; return how many events came in, of that or else.

    Again changes nothing. A run that dies has told of some; the next tells the rest.
    """
    from payments.play import world  # noqa: PLC0415  (no page needs it)
    from payments.play.errors import NotPossible, Refusal  # noqa: PLC0415

    server = provider.play_server()
    paying = Payout.objects.filter(status=Payout.Status.PAYING).order_by("pk")
    for reference in paying.values_list("reference", flat=True)[:limit]:
        with suppress(NotPossible, Refusal):
            world.settle_payout(server, reference)
    return webhooks.deliver_play(now=now, limit=limit)
