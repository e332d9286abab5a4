"""What people and banks do to play money; each tells it by the events Stripe would send.

Each is one transaction. An id nobody has raises ``Refusal``; what cannot happen to an object as
it is raises ``NotPossible``.
"""

from __future__ import annotations

from payments.play import accounts, balances, checkout, disputes, payouts, refunds
from payments.play.server import PlayServer
from payments.play.state import PLATFORM, Call
from payments.play.store import Json

FOREVER = 2**62
ARRIVALS_MAX = 1_000


def pay_session(server: PlayServer, session: str) -> Json:
    """Let the payer pay a session: an open one, or one promised. Again changes nothing."""
    with server.state.store.transaction():
        return checkout.pay(server.state, session)


def promise_session(server: PlayServer, session: str) -> Json:
    """Let the payer choose a way that takes days: the session is complete, not paid."""
    with server.state.store.transaction():
        return checkout.promise(server.state, session)


def fail_session(server: PlayServer, session: str) -> Json:
    """Let a promised payment fail; an open session is promised first."""
    with server.state.store.transaction():
        return checkout.fail(server.state, session)


def expire_session(server: PlayServer, session: str) -> Json:
    """Let the time of an open session run out."""
    with server.state.store.transaction():
        return checkout.expire(server.state, Call(PLATFORM, (session,)))


def onboard(server: PlayServer, account: str, *, ok: bool = True) -> Json:
    """Let a worker give their details; with ``ok`` they can receive money and be paid out."""
    with server.state.store.transaction():
        return accounts.onboard(server.state, account, ok=ok)


def settle(server: PlayServer, account: str = PLATFORM) -> int:
    """Make all pending money available, due or not; return how many transactions it was."""
    with server.state.store.transaction():
        return balances.settle(server.state, account, by=FOREVER)


def settle_due(server: PlayServer, account: str = PLATFORM) -> int:
    """Make available the pending money that is due; return how many transactions it was."""
    with server.state.store.transaction():
        return balances.settle(server.state, account, by=server.state.now())


def settle_payout(server: PlayServer, payout: str, *, ok: bool = True) -> Json:
    """Let the bank pay a payout, or send it back: also one it has paid."""
    with server.state.store.transaction():
        return payouts.settle(server.state, payout, ok=ok)


def settle_refund(server: PlayServer, refund: str, *, ok: bool = True) -> Json:
    """Let a refund that waits arrive, or come back: also one that has arrived."""
    with server.state.store.transaction():
        return refunds.settle(server.state, refund, ok=ok)


def open_dispute(server: PlayServer, charge: str, *, amount_minor: int | None = None) -> Json:
    """Let the payer's bank take a charge back: all of it, or an amount."""
    with server.state.store.transaction():
        return disputes.dispute(server.state, charge, amount_minor)


def close_dispute(server: PlayServer, dispute: str, *, won: bool) -> Json:
    """Let the payer's bank decide a dispute, for the platform or against it."""
    with server.state.store.transaction():
        return disputes.close(server.state, dispute, won=won)


def let_time_pass(server: PlayServer) -> int:
    """Let the bank do what is due by now: settle payments, and let payouts arrive.

    Returns how many of either. Again changes nothing; a run does a thousand of each at most.
    """
    with server.state.store.transaction():
        settled = balances.settle(server.state, PLATFORM, by=server.state.now())
        return settled + payouts.arrive(server.state, limit=ARRIVALS_MAX)
