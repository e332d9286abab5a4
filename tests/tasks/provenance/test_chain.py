"""The text of a record is the same before and after PostgreSQL has kept it."""

from __future__ import annotations

import json
from hashlib import sha256

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.provenance import START, canonical, link

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
numbers = st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


def kept(value):
    """The value as it comes back from a jsonb column."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::jsonb::text", [json.dumps(value)])
        return json.loads(cursor.fetchone()[0])


@pytest.mark.django_db
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.dictionaries(texts, values, max_size=5))
def test_whatever_a_record_holds_has_the_same_text_after_jsonb(record):
    assert canonical(kept(record)) == canonical(record)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.1, "0.1"),
        (1 / 3, "0.3333333333333333"),
        (1.0, "1.0"),
        (-0.0, "0.0"),
        (1e-7, "1e-07"),
        (5e-324, "5e-324"),
        (9007199254740993.0, "9007199254740992.0"),
        (1e16, "10000000000000000"),
        (1.5e300, "15" + "0" * 299),
        (1e23, "1" + "0" * 23),
    ],
)
def test_numbers_that_databases_write_otherwise_have_one_text(number, text):
    assert canonical({"n": number}) == canonical(kept({"n": number})) == f'{{"n":{text}}}'


def test_the_text_has_sorted_keys_no_spaces_and_letters_as_they_are():
    assert canonical({"b": [1, "ü"], "a": {"z": None, "y": True}}) == (
        '{"a":{"y":true,"z":null},"b":[1,"ü"]}'
    )


def test_numbers_that_json_does_not_have_are_refused():
    with pytest.raises(ValueError, match="JSON"):
        canonical({"n": float("nan")})


def test_a_link_is_the_hash_of_the_hash_before_and_the_text():
    first = link(START, {"task": 1})

    assert first == sha256(bytes(32) + b'{"task":1}').digest()
    assert link(first, {"task": 2}) == sha256(first + b'{"task":2}').digest()
