"""Where money is, how it moved there, and what is on its way in or out.

The books (``Account``, ``Transfer``, with their roll-ups and seals), money in (``Funding``,
``Refund``, ``Dispute``), money out (``Payout``, ``ConnectedAccount``), what is asked of and heard
from Stripe (``StripeOperation``, ``StripeEvent``), and the wage floors.
"""

from __future__ import annotations

from payments.models.books import GUARDED, SHARED, Account, Transfer
from payments.models.floor import WageFloor
from payments.models.funding import Dispute, Funding, Refund
from payments.models.payout import ConnectedAccount, Payout
from payments.models.play import PlayObject, PlayReply
from payments.models.provider import Incident, StripeEvent, StripeOperation, Watermark
from payments.models.seal import RollUp, Seal

__all__ = [
    "GUARDED",
    "SHARED",
    "Account",
    "ConnectedAccount",
    "Dispute",
    "Funding",
    "Incident",
    "Payout",
    "PlayObject",
    "PlayReply",
    "Refund",
    "RollUp",
    "Seal",
    "StripeEvent",
    "StripeOperation",
    "Transfer",
    "WageFloor",
    "Watermark",
]
