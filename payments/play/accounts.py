"""Recipients: accounts of the API's second version, which money may be sent to once onboarded."""

from __future__ import annotations

from payments.play import balances
from payments.play.errors import Refusal, missing
from payments.play.events import emit, emit_thin
from payments.play.state import Call, State, iso
from payments.play.store import Json

LINK_SECONDS = 300
CAPABILITIES = ("stripe_transfers", "payouts")
# What an answer leaves out unless it is asked for with ``include``.
ON_REQUEST = ("defaults", "future_requirements", "identity", "requirements")
CONFIGURATIONS = ("customer", "merchant", "recipient")
RESTRICTED: Json = {
    "status": "restricted",
    "status_details": [{"code": "requirements_past_due", "resolution": "provide_info"}],
}
ACTIVE: Json = {"status": "active", "status_details": []}
CAPABILITY_CHANGED = "v2.core.account[configuration.recipient].capability_status_updated"


def create(state: State, call: Call) -> Json:
    """``POST /v2/core/accounts``: an account that can receive nothing yet."""
    params = call.params
    made = state.draft(
        "v2.core.account",
        identity=params.get("identity"),
        defaults=_defaults(params.get("defaults") or {}),
        metadata=params.get("metadata", {}),
        configuration={"customer": None, "merchant": None, "recipient": _recipient(RESTRICTED)},
        requirements={"entries": [_requirement()]},
    )
    for field in ("contact_email", "dashboard", "display_name"):
        made[field] = params.get(field)
    # Connected accounts are their own owners: they are found by the header that names them.
    return _shown(state.add(made, made["id"]), call)


def retrieve(state: State, call: Call) -> Json:
    """``GET /v2/core/accounts/{id}``, with the parts that ``include`` asks for."""
    return _shown(get(state, call.name), call)


def close(state: State, call: Call) -> Json:
    """``POST /v2/core/accounts/{id}/close``: only an account without money can be closed."""
    account = get(state, call.name)
    shown = balances.balance(state, call.name)
    if any(pool["amount"] for pool in shown["available"] + shown["pending"]):
        raise Refusal("The account still has a balance.", code="cannot_delete_account_with_balance")
    if not account["closed"]:
        account.update(closed=True, applied_configurations=[])
        account["configuration"]["recipient"] = _recipient(RESTRICTED, applied=False)
        emit_thin(state, "v2.core.account.closed", state.save(account)["id"])
    return _shown(account, call)


def link(state: State, call: Call) -> Json:
    """``POST /v2/core/account_links``: where the owner of an account is onboarded."""
    name = call.params.get("account", "")
    get(state, name)
    now = state.now()
    return {
        "object": "v2.core.account_link",
        "account": name,
        "created": iso(now),
        "expires_at": iso(now + LINK_SECONDS),
        "livemode": False,
        "url": state.rules.onboarding_url.format(name=name),
        "use_case": call.params.get("use_case"),
    }


def onboard(state: State, name: str, *, ok: bool) -> Json:
    """Let Stripe find the owner's details good, or lacking, and the capabilities follow."""
    account = get(state, name)
    account["configuration"]["recipient"] = _recipient(ACTIVE if ok else RESTRICTED)
    account["requirements"] = {"entries": [] if ok else [_requirement()]}
    state.save(account)
    emit_thin(state, "v2.core.account[requirements].updated", name)
    for capability in CAPABILITIES:
        changed = f"stripe_balance.{capability}"
        emit_thin(state, CAPABILITY_CHANGED, name, updated_capability=changed)
    emit(state, "account.updated", _first_version(account, ok=ok), name)
    return account


def get(state: State, name: str) -> Json:
    """Return an account in full; refuse if there is none."""
    row = state.store.get(name)
    if row is None or row.kind != "v2.core.account":
        raise missing("account", name)
    return row.data


def can(account: Json, capability: str) -> bool:
    """Say whether ``stripe_transfers`` or ``payouts`` is active for an account."""
    capabilities = account["configuration"]["recipient"]["capabilities"]["stripe_balance"]
    return bool(capabilities[capability]["status"] == "active")


def _recipient(status: Json, *, applied: bool = True) -> Json:
    capabilities = dict.fromkeys(CAPABILITIES, status)
    return {"applied": applied, "capabilities": {"stripe_balance": capabilities}}


def _defaults(asked: Json) -> Json:
    """Return what was asked for, with Stripe as the one who collects an owner's details."""
    responsibilities = {"requirements_collector": "stripe", **asked.get("responsibilities", {})}
    return {"currency": None, "locales": None, **asked, "responsibilities": responsibilities}


def _requirement() -> Json:
    return {
        "awaiting_action_from": "user",
        "description": "Details of the person and their bank account",
        "errors": [],
        "impact": {"restricts_capabilities": []},
        "minimum_deadline": {"status": "past_due"},
        "requested_reasons": [{"code": "routine_onboarding"}],
    }


def _shown(account: Json, call: Call) -> Json:
    """Return an account with only those parts that were asked for, as Stripe does."""
    include = call.params.get("include", [])
    shown = {**account, **{part: account[part] for part in ON_REQUEST if part in include}}
    shown.update({part: None for part in ON_REQUEST if part not in include})
    asked = [name for name in CONFIGURATIONS if f"configuration.{name}" in include]
    shown["configuration"] = {
        name: account["configuration"][name] if name in asked else None for name in CONFIGURATIONS
    }
    if not asked:
        shown["configuration"] = None
    return shown


def _first_version(account: Json, *, ok: bool) -> Json:
    """Return what the first version of the API says of an account."""
    return {
        "id": account["id"],
        "object": "account",
        "charges_enabled": False,
        "details_submitted": ok,
        "metadata": account["metadata"],
        "payouts_enabled": ok,
        "requirements": {"currently_due": [] if ok else ["external_account"]},
    }
