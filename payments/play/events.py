"""What happened, told: snapshot events for the first version of the API, thin ones for the second.

Each event waits in a row of its own until the site says it was delivered.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from payments.play.lists import limit_of, page
from payments.play.state import PLATFORM, Call, State
from payments.play.store import Json, Query, Row

WAITING = "waiting_event"
# The version of the API that stripe-python 16.1 speaks.
API_VERSION = "2026-10-28.endive"


def emit(state: State, happened: str, subject: Json, account: str = PLATFORM) -> Json:
    """Tell what happened to ``subject``, with the subject as it is now."""
    event = state.draft("event", type=happened, api_version=API_VERSION, data={"object": subject})
    if account != PLATFORM:
        event["account"] = account
    return _tell(state, event, account)


def emit_thin(state: State, happened: str, name: str, **data: str) -> Json:
    """Tell that something happened to the account ``name``, and leave it to be fetched."""
    event = state.draft("v2.core.event", type=happened, related_object=_related(name))
    if data:
        event["data"] = data
    return _tell(state, event, PLATFORM)


def _tell(state: State, event: Json, account: str) -> Json:
    state.add(event, account)
    ticket = {"event": event["id"], "created": state.now()}
    state.store.add(Row(f"waiting:{event['id']}", PLATFORM, WAITING, ticket))
    return event


def undelivered(state: State, *, limit: int = 100) -> list[Json]:
    """Return the first events the site has not taken yet, of all accounts, oldest first."""
    with state.store.transaction():
        tickets = state.store.find(Query(PLATFORM, WAITING, oldest_first=True), limit=limit)
        rows = [state.store.get(ticket.data["event"]) for ticket in tickets]
        return [row.data for row in rows if row]


def delivered(state: State, names: Iterable[str]) -> None:
    """Note that the site has taken the events of these ids; again changes nothing."""
    with state.store.transaction():
        for name in names:
            state.store.remove(f"waiting:{name}")


def signed(event: Json, secret: str, *, now: datetime) -> tuple[str, str]:
    """Return the body of a webhook and its ``Stripe-Signature``, sent at ``now``."""
    body = json.dumps(event)
    seconds = int(now.timestamp())
    digest = hmac.new(secret.encode(), f"{seconds}.{body}".encode(), hashlib.sha256).hexdigest()
    return body, f"t={seconds},v1={digest}"


def retrieve(state: State, call: Call) -> Json:
    """``GET /v1/events/{id}``."""
    return state.get("event", call.name, account=call.account)


def index(state: State, call: Call) -> Json:
    """``GET /v1/events``; filters: type, types, created."""
    return page(state, call, "event", "/v1/events", filters=["type"], any_of=("types", "type"))


def retrieve_thin(state: State, call: Call) -> Json:
    """``GET /v2/core/events/{id}``."""
    return state.get("v2.core.event", call.name)


def index_thin(state: State, call: Call) -> Json:
    """``GET /v2/core/events``, of the account ``object_id`` if that is given; newest first."""
    limit = limit_of(call)
    name = call.params.get("object_id")
    matching: dict[str, Any] = {"related_object": _related(name)} if name else {}
    query = Query(PLATFORM, "v2.core.event", matching, older_than=call.params.get("page"))
    rows = state.store.find(query, limit=limit + 1)
    found = [row.data for row in rows[:limit]]
    following = {**call.params, "page": found[-1]["id"]} if len(rows) > limit else None
    url = f"/v2/core/events?{urlencode(following)}" if following else None
    return {"data": found, "next_page_url": url, "previous_page_url": None}


def _related(name: str) -> Json:
    return {"id": name, "type": "v2.core.account", "url": f"/v2/core/accounts/{name}"}
