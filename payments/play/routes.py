"""All that play money answers: which request goes where."""

from __future__ import annotations

import re
from collections.abc import Callable

from payments.play import (
    accounts,
    balances,
    checkout,
    disputes,
    events,
    payouts,
    refunds,
    topups,
    transfers,
)
from payments.play.state import Call, State
from payments.play.store import Json

Handler = Callable[[State, Call], Json]

ROUTES: list[tuple[str, str, Handler]] = [
    ("get", "/v1/balance", balances.retrieve),
    ("post", "/v1/balance_settings", balances.update_settings),
    ("get", "/v1/balance_transactions", balances.transactions),
    ("get", "/v1/balance_transactions/{id}", balances.transaction),
    ("get", "/v1/charges/{id}", checkout.charge),
    ("post", "/v1/checkout/sessions", checkout.create),
    ("get", "/v1/checkout/sessions/{id}", checkout.retrieve),
    ("post", "/v1/checkout/sessions/{id}/expire", checkout.expire),
    ("get", "/v1/disputes/{id}", disputes.retrieve),
    ("post", "/v1/disputes/{id}", disputes.update),
    ("get", "/v1/events", events.index),
    ("get", "/v1/events/{id}", events.retrieve),
    ("get", "/v1/payment_intents/{id}", checkout.intent),
    ("get", "/v1/payouts", payouts.index),
    ("post", "/v1/payouts", payouts.create),
    ("get", "/v1/payouts/{id}", payouts.retrieve),
    ("post", "/v1/payouts/{id}/cancel", payouts.cancel),
    ("get", "/v1/refunds", refunds.index),
    ("post", "/v1/refunds", refunds.create),
    ("get", "/v1/refunds/{id}", refunds.retrieve),
    ("post", "/v1/topups", topups.create),
    ("get", "/v1/transfers", transfers.index),
    ("post", "/v1/transfers", transfers.create),
    ("get", "/v1/transfers/{id}", transfers.retrieve),
    ("post", "/v1/transfers/{id}/reversals", transfers.reverse),
    ("post", "/v2/core/account_links", accounts.link),
    ("post", "/v2/core/accounts", accounts.create),
    ("get", "/v2/core/accounts/{id}", accounts.retrieve),
    ("post", "/v2/core/accounts/{id}/close", accounts.close),
    ("get", "/v2/core/events", events.index_thin),
    ("get", "/v2/core/events/{id}", events.retrieve_thin),
]

PATTERNS = [
    (method, re.compile(template.replace("{id}", "([^/]+)")), handler)
    for method, template, handler in ROUTES
]


def find(method: str, path: str) -> tuple[Handler, tuple[str, ...]] | None:
    """Return who answers a request, and the ids in its path."""
    for known, pattern, handler in PATTERNS:
        match = pattern.fullmatch(path) if known == method else None
        if match:
            return handler, match.groups()
    return None
