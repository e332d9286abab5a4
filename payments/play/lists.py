"""Lists of objects: newest first, in pages between cursors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from payments.play.errors import Refusal, invalid
from payments.play.state import Call, State
from payments.play.store import BOUNDS, Json, Query, Row
from payments.play.templates import listed

LIMIT = 10
LIMIT_MAX = 100
# Far more rows than a page; a filter by several values reads this many at a time.
CHUNK = 500


def page(
    state: State,
    call: Call,
    kind: str,
    url: str,
    *,
    filters: Sequence[str] = (),
    any_of: tuple[str, str] | None = None,
) -> Json:
    """Return one page of the caller's objects of ``kind``.

    ``filters`` are parameters that name fields; ``any_of`` is a parameter with several values
    for a field. ``starting_after`` and ``ending_before`` are the ids next to the page.
    """
    limit = limit_of(call)
    query = _query(state, call, kind, filters)
    wanted = _values(call, any_of)
    rows = _found(state, query, wanted, limit + 1)
    has_more, rows = len(rows) > limit, rows[:limit]
    if query.oldest_first:
        rows.reverse()
    return listed(url, [row.data for row in rows], has_more=has_more)


def limit_of(call: Call) -> int:
    """Return how many objects a page is to have, from 1 to ``LIMIT_MAX``."""
    text = str(call.params.get("limit", LIMIT))
    if not (text.isdecimal() and 1 <= int(text) <= LIMIT_MAX):
        raise invalid("limit", f"Limit must be from 1 to {LIMIT_MAX}.")
    return int(text)


def _query(state: State, call: Call, kind: str, filters: Sequence[str]) -> Query:
    after, before = call.params.get("starting_after"), call.params.get("ending_before")
    if after and before:
        raise Refusal(
            "You may only specify one of these parameters: ending_before, starting_after."
        )
    for param in ("starting_after", "ending_before"):
        if param in call.params:
            state.get(kind, call.params[param], account=call.account, param=param)
    return Query(
        call.account,
        kind,
        matching={name: call.params[name] for name in filters if name in call.params},
        created=_created(call),
        older_than=after,
        newer_than=before,
        # The page before a cursor is the one next to it, not the newest of all.
        oldest_first=before is not None,
    )


def _created(call: Call) -> dict[str, int]:
    created = call.params.get("created", {})
    if not isinstance(created, dict):
        created = {"gte": created, "lte": created}
    if not all(name in BOUNDS and str(value).isdecimal() for name, value in created.items()):
        raise invalid("created", "Invalid timestamp.")
    return {name: int(value) for name, value in created.items()}


def _values(call: Call, any_of: tuple[str, str] | None) -> tuple[str, Sequence[str]] | None:
    if any_of is None or any_of[0] not in call.params:
        return None
    return any_of[1], call.params[any_of[0]]


def _found(
    state: State, query: Query, wanted: tuple[str, Sequence[str]] | None, limit: int
) -> list[Row]:
    if wanted is None:
        return state.store.find(query, limit=limit)
    field, values = wanted
    found: list[Row] = []
    while len(found) < limit and (chunk := state.store.find(query, limit=CHUNK)):
        found += [row for row in chunk if row.data[field] in values]
        query = _after(query, chunk[-1].name)
    return found[:limit]


def _after(query: Query, name: str) -> Query:
    """Return the rest of ``query``, after the row of that name."""
    if query.oldest_first:
        return replace(query, newer_than=name)
    return replace(query, older_than=name)
