"""The fields of each kind of object that play money has no use for, but a client may read."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from payments.play.store import Json

PREFIXES = {
    "balance_transaction": "txn",
    "charge": "ch",
    "checkout.session": "cs_test",
    "dispute": "du",
    "event": "evt",
    "payment_intent": "pi",
    "payout": "po",
    "refund": "re",
    "topup": "tu",
    "transfer": "tr",
    "transfer_reversal": "trr",
    "v2.core.account": "acct",
    "v2.core.event": "evt_test",
}

NOBODY: Json = {"address": None, "email": None, "name": None, "phone": None, "tax_id": None}
CARD: Json = {"brand": "visa", "country": "US", "exp_month": 12, "exp_year": 2034, "last4": "4242"}

FIELDS: dict[str, Json] = {
    "balance_transaction": {
        "balance_type": "payments",
        "description": None,
        "exchange_rate": None,
        "fee_details": [],
    },
    "charge": {
        "amount_refunded": 0,
        "billing_details": NOBODY,
        "captured": True,
        "customer": None,
        "description": None,
        "disputed": False,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "paid": True,
        "payment_method": None,
        "payment_method_details": {"type": "card", "card": CARD},
        "receipt_url": None,
        "refunded": False,
        "status": "succeeded",
        "transfer_group": None,
    },
    "checkout.session": {
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "cancel_url": None,
        "client_reference_id": None,
        "custom_fields": [],
        "custom_text": {
            "after_submit": None,
            "shipping_address": None,
            "submit": None,
            "terms_of_service_acceptance": None,
        },
        "customer": None,
        "customer_email": None,
        "livemode": False,
        "payment_intent": None,
        "payment_method_types": ["card"],
        "payment_status": "unpaid",
        "shipping_options": [],
        "status": "open",
        "success_url": None,
    },
    "dispute": {
        "evidence": {},
        "evidence_details": {
            "due_by": None,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": False,
        "livemode": False,
        "reason": "general",
        "status": "needs_response",
    },
    "event": {
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
    },
    "payment_intent": {
        "amount_capturable": 0,
        "amount_received": 0,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic",
        "confirmation_method": "automatic",
        "customer": None,
        "description": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "next_action": None,
        "payment_method": None,
        "payment_method_types": ["card"],
        "transfer_group": None,
    },
    "payout": {
        "automatic": False,
        "description": None,
        "destination": None,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "method": "standard",
        "original_payout": None,
        "reconciliation_status": "not_applicable",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": None,
        "status": "pending",
        "type": "bank_account",
    },
    "refund": {
        "balance_transaction": None,
        "destination_details": {"type": "card", "card": {"type": "refund"}},
        "reason": None,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    },
    "topup": {
        "description": None,
        "expected_availability_date": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "source": None,
        "statement_descriptor": None,
        "status": "succeeded",
        "transfer_group": None,
    },
    "transfer": {
        "amount_reversed": 0,
        "description": None,
        "livemode": False,
        "reversed": False,
        "source_transaction": None,
        "source_type": "card",
        "transfer_group": None,
    },
    "transfer_reversal": {"destination_payment_refund": None, "source_refund": None},
    "v2.core.account": {
        "applied_configurations": ["recipient"],
        "closed": False,
        "contact_email": None,
        "dashboard": None,
        "display_name": None,
        "future_requirements": {"entries": []},
        "livemode": False,
    },
    "v2.core.event": {"context": None, "livemode": False, "reason": None},
}


def filled(kind: str, fields: dict[str, Any]) -> Json:
    """Return a new object of ``kind`` with ``fields`` put over what it has by itself."""
    return {**deepcopy(FIELDS[kind]), **fields}


def listed(url: str, objects: list[Json], *, has_more: bool = False) -> Json:
    """Return Stripe's list of ``objects``."""
    return {"object": "list", "url": url, "has_more": has_more, "data": objects}
