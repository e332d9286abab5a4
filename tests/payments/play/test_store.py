from __future__ import annotations

from contextlib import suppress

import pytest
from django.db import IntegrityError

from payments.play.store import Query, Reply, Row


def fill(store, *names, kind="refund", account="acct_a", **data):
    for created, name in enumerate(names):
        store.add(Row(name, account, kind, {"id": name, "created": created, **data}))


def names(store, limit=10, kind="refund", account="acct_a", **query):
    return [row.name for row in store.find(Query(account, kind, **query), limit=limit)]


def test_what_was_added_is_there(store):
    fill(store, "re_1", amount=5)

    assert store.get("re_1") == Row(
        "re_1", "acct_a", "refund", {"id": "re_1", "created": 0, "amount": 5}
    )
    assert store.get("re_2") is None


def test_a_name_is_taken_once(store):
    fill(store, "re_1")

    with pytest.raises((ValueError, IntegrityError)), store.transaction():
        fill(store, "re_1", kind="charge")

    assert names(store) == ["re_1"]
    assert names(store, kind="charge") == []


def test_what_is_returned_is_a_copy(store):
    fill(store, "re_1", metadata={})

    store.get("re_1").data["metadata"]["changed"] = True

    assert store.get("re_1").data["metadata"] == {}


def test_what_replaces_is_copied_too(store):
    fill(store, "re_1")
    data = {"amount": 1}

    store.replace("re_1", data)
    data["amount"] = 2

    assert store.get("re_1").data == {"amount": 1}


def test_only_what_is_there_can_be_replaced(store):
    with pytest.raises(KeyError):
        store.replace("re_1", {})


def test_what_is_removed_is_gone_and_again_is_no_error(store):
    fill(store, "re_1", "re_2")

    store.remove("re_1")
    store.remove("re_1")

    assert store.get("re_1") is None
    assert names(store) == ["re_2"]


def test_rows_are_found_newest_first_by_account_and_kind(store):
    fill(store, "re_1", "re_2", "re_3")
    fill(store, "ch_1", kind="charge")
    fill(store, "re_4", account="acct_b")

    assert names(store) == ["re_3", "re_2", "re_1"]
    assert names(store, oldest_first=True, limit=2) == ["re_1", "re_2"]


def test_rows_are_found_beside_a_cursor(store):
    fill(store, "re_1", "re_2", "re_3", "re_4")

    assert names(store, older_than="re_3") == ["re_2", "re_1"]
    assert names(store, newer_than="re_2") == ["re_4", "re_3"]
    assert names(store, newer_than="re_1", older_than="re_4", oldest_first=True) == ["re_2", "re_3"]


def test_rows_are_found_by_their_fields(store):
    fill(store, "re_1", status="failed", amount=1)
    fill(store, "re_2", status="pending", amount=1)
    fill(store, "re_3")

    assert names(store, matching={"status": "failed"}) == ["re_1"]
    assert names(store, matching={"amount": 1}) == ["re_2", "re_1"]
    assert names(store, matching={"amount": 1, "status": "paid"}) == []


def test_rows_are_found_by_when_they_were_created(store):
    fill(store, "re_0", "re_1", "re_2", "re_3")

    assert names(store, created={"gt": 1}) == ["re_3", "re_2"]
    assert names(store, created={"gte": 1, "lt": 3}) == ["re_2", "re_1"]
    assert names(store, created={"lte": 0}) == ["re_0"]


def test_a_reply_is_kept_by_account_and_key(store):
    store.keep("acct_a", "key", Reply("abc", 200, {"id": "tr_1"}))

    assert store.reply("acct_a", "key") == Reply("abc", 200, {"id": "tr_1"})
    assert store.reply("acct_b", "key") is None
    assert store.reply("acct_a", "other") is None


def test_numbers_grow(store):
    first, second = store.next_number(), store.next_number()

    assert second > first


class Stop(Exception):
    pass


def undone(store, *steps):
    """Take steps in a block that then fails."""
    with suppress(Stop), store.transaction():
        for step in steps:
            step()
        raise Stop


def test_a_block_that_raises_leaves_nothing(store):
    fill(store, "re_1", "re_2", amount=1)

    undone(
        store,
        lambda: fill(store, "re_3"),
        lambda: store.replace("re_1", {"amount": 2}),
        lambda: store.remove("re_2"),
        lambda: store.keep("acct_a", "key", Reply("abc", 200, {})),
    )

    assert names(store) == ["re_2", "re_1"]
    assert store.get("re_1").data["amount"] == 1
    assert store.get("re_3") is None
    assert store.reply("acct_a", "key") is None


def test_a_block_inside_undoes_only_its_own(store):
    with store.transaction():
        fill(store, "re_1")
        undone(store, lambda: fill(store, "re_2"))
        fill(store, "re_3")

    assert names(store) == ["re_3", "re_1"]


def test_a_block_outside_undoes_those_inside(store):
    def inside():
        with store.transaction():
            fill(store, "re_1")

    undone(store, inside)

    assert names(store) == []
