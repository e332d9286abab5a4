"""Whom many offers are open to, asked at once, is what ``eligible`` says of each."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.factories import NOON, a_requester, a_worker
from workers import blocks, qualify, requirements, standing
from workers.errors import WorkersError
from workers.models import Block
from workers.qualify import Offer

pytestmark = pytest.mark.django_db
COMPARATORS = ["exists", "not_exists", "gte", "lt", "eq", "ne"]


@pytest.fixture
def world():
    """A worker in Germany with one of two qualifications, who is blocked by one of two others."""
    worker, requesters = a_worker(country="DE"), [a_requester() for _ in range(2)]
    types = [qualify.define(requester=requesters[0], name=name, now=NOON) for name in "ab"]
    qualify.grant(type=types[0], worker=worker, value=5, now=NOON, actor=requesters[0])
    blocks.block(
        requester=requesters[1], worker=worker, direction=Block.Direction.REQUESTER, now=NOON,
        actor=None,
    )  # fmt: skip
    return worker, [each.pk for each in requesters], [each.pk for each in types]


def asks(types, number, comparator, value):
    if number == len(types):
        return {"qualification": "country", "comparator": "in", "values": ["DE", "FR"][:value]}
    return {"qualification": types[number], "comparator": comparator, "values": [value]}


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.integers(0, 1),
            st.lists(
                st.tuples(st.integers(0, 2), st.sampled_from(COMPARATORS), st.integers(1, 9)),
                max_size=3,
            ),
        ),
        max_size=4,
    )
)
def test_many_at_once_and_one_by_one_agree(world, drawn):
    worker, requesters, types = world
    offers = [
        Offer(key, requesters[whose], requirements.parse([asks(types, *each) for each in asked]))
        for key, (whose, asked) in enumerate(drawn)
    ]

    expected = set()
    for key, requester_id, asked in offers:
        try:
            qualify.eligible(worker=worker, requester_id=requester_id, requirements=asked)
            expected.add(key)
        except WorkersError:
            pass

    assert qualify.eligible_among(worker=worker, offers=offers) == expected


def test_nothing_is_open_to_whoever_is_suspended(world):
    worker, requesters, _ = world
    standing.suspend(worker=worker, reason="spam", now=NOON, actor=a_requester())

    assert qualify.eligible_among(worker=worker, offers=[Offer(1, requesters[0], [])]) == set()


@pytest.mark.parametrize("count", [1, 200])
def test_the_number_of_queries_does_not_depend_on_the_number_of_offers(world, count):
    worker, requesters, types = world
    asked = requirements.parse([asks(types, 0, "gte", 5)])
    offers = [Offer(key, requesters[0], asked) for key in range(count)]

    with CaptureQueriesContext(connection) as made:
        found = qualify.eligible_among(worker=worker, offers=offers)

    assert (len(found), len(made)) == (count, 3)
