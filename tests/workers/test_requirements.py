from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.errors import InvalidRequirement
from workers.requirements import Comparator, Requirement, parse, type_ids, unmet

FRENCH = 7
SINGLE = ["lt", "lte", "gt", "gte", "eq", "ne"]
values = st.integers(-(2**31), 2**31 - 1)
small = st.integers(-3, 3)


def asks(comparator, *values, of=FRENCH):
    return parse([{"qualification": of, "comparator": comparator, "values": list(values)}])


def met(comparator, *values, held=None):
    granted = {} if held is None else {FRENCH: held}
    return not unmet(asks(comparator, *values), granted, "", "")


def lives_well(comparator, *places, country="US", subdivision="CA"):
    return not unmet(asks(comparator, *places, of="country"), {}, country, subdivision)


@pytest.mark.parametrize(
    ("comparator", "held", "expected"),
    [
        ("lt", 79, True),
        ("lt", 80, False),
        ("lte", 80, True),
        ("lte", 81, False),
        ("gt", 81, True),
        ("gt", 80, False),
        ("gte", 80, True),
        ("gte", 79, False),
        ("eq", 80, True),
        ("eq", 79, False),
        ("ne", 79, True),
        ("ne", 80, False),
        ("in", 80, True),
        ("in", 79, False),
        ("not_in", 79, True),
        ("not_in", 80, False),
    ],
)
def test_each_comparator_compares_the_value_held_with_the_one_asked(comparator, held, expected):
    assert met(comparator, 80, held=held) is expected


def test_a_held_qualification_exists_whatever_its_value():
    assert met("exists", held=0)
    assert not met("not_exists", held=0)


@pytest.mark.parametrize("comparator", [*SINGLE, "in", "not_in"])
def test_a_missing_qualification_fails_every_comparison(comparator):
    assert not met(comparator, 80)


def test_a_missing_qualification_passes_only_not_exists():
    assert met("not_exists")
    assert not met("exists")


@given(small, small)
def test_opposite_comparators_disagree_on_a_value_that_is_held(held, asked):
    for one, other in [("lt", "gte"), ("gt", "lte"), ("eq", "ne"), ("in", "not_in")]:
        assert met(one, asked, held=held) != met(other, asked, held=held)


@given(small, st.lists(small, min_size=1, max_size=15))
def test_in_is_being_equal_to_any(held, asked):
    assert met("in", *asked, held=held) == any(met("eq", one, held=held) for one in asked)
    assert met("not_in", *asked, held=held) == all(met("ne", one, held=held) for one in asked)


@given(small, small)
def test_at_most_is_less_or_equal(held, asked):
    less, equal = met("lt", asked, held=held), met("eq", asked, held=held)
    greater = met("gt", asked, held=held)

    assert met("lte", asked, held=held) == (less or equal)
    assert met("gte", asked, held=held) == (greater or equal)
    assert [less, equal, greater].count(True) == 1


@given(st.dictionaries(st.integers(1, 4), small), st.lists(st.integers(1, 4), max_size=5))
def test_the_unmet_requirements_are_those_that_fail_alone_in_their_order(granted, types):
    asked = [Requirement(type_id, Comparator.GTE, (0,)) for type_id in types]

    assert unmet(asked, granted, "", "") == [one for one in asked if unmet([one], granted, "", "")]


@pytest.mark.parametrize("places", [["US"], ["US-CA"]])
def test_a_country_alone_stands_for_all_of_it_and_a_subdivision_for_itself(places):
    assert lives_well("eq", *places)
    assert lives_well("in", "DE", *places)
    assert not lives_well("ne", *places)
    assert not lives_well("not_in", "DE", *places)


@pytest.mark.parametrize("places", [["DE"], ["US-NY"], ["CA"]])
def test_another_country_or_subdivision_does_not_match(places):
    assert not lives_well("eq", *places)
    assert not lives_well("in", *places)
    assert lives_well("ne", *places)
    assert lives_well("not_in", *places)


def test_a_worker_without_a_subdivision_matches_no_subdivision():
    assert lives_well("eq", "US", subdivision="")
    assert not lives_well("eq", "US-CA", subdivision="")


@pytest.mark.parametrize("comparator", ["eq", "ne", "in", "not_in"])
def test_a_worker_of_unknown_country_fails_every_requirement_on_it(comparator):
    assert not lives_well(comparator, "US", country="", subdivision="")


@given(st.sampled_from(SINGLE), values)
def test_a_requirement_reads_back_from_its_own_json(comparator, value):
    (asked,) = asks(comparator, value)

    assert parse([asked.as_json()]) == [asked]


def test_requirements_on_countries_and_bare_ones_read_back_too():
    asked = [*asks("in", "US", "DE-BE", of="country"), *asks("exists")]

    assert parse([one.as_json() for one in asked]) == asked


def test_values_given_to_exists_are_ignored_as_mturks_clients_send_them():
    assert asks("exists", 1, 2) == asks("exists")


def test_the_types_asked_for_are_listed_without_the_country():
    asked = [*asks("eq", "US", of="country"), *asks("gte", 1, of=3), *asks("lt", 5, of=3)]

    assert type_ids(asked) == {3}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("gte", "give a list of requirements"),
        (None, "give a list of requirements"),
        ([{}] * 11, "at most 10"),
        (["gte"], r"requirements\[0\]: give an object"),
        ([{"qualification": 1, "comparator": "exists", "type": 2}], "remove type"),
        ([{"comparator": "exists"}], r"\.qualification: give the id"),
        ([{"qualification": True, "comparator": "exists"}], r"\.qualification: give the id"),
        ([{"qualification": 0, "comparator": "exists"}], r"\.qualification: give the id"),
        ([{"qualification": "7", "comparator": "exists"}], r"\.qualification: give the id"),
        ([{"qualification": 1}], r"\.comparator: give one of lt, lte, "),
        ([{"qualification": 1, "comparator": "bigger"}], r"\.comparator: give one of"),
        ([{"qualification": 1, "comparator": ["eq"]}], r"\.comparator: give one of"),
        ([{"qualification": 1, "comparator": "eq"}], "eq takes a list of exactly one value"),
        ([{"qualification": 1, "comparator": "eq", "values": [1, 2]}], "exactly one value"),
        ([{"qualification": 1, "comparator": "eq", "values": 1}], "exactly one value"),
        ([{"qualification": 1, "comparator": "in", "values": []}], "1 to 15 values"),
        ([{"qualification": 1, "comparator": "in", "values": [1] * 16}], "1 to 15 values"),
        ([{"qualification": 1, "comparator": "eq", "values": [True]}], "whole numbers"),
        ([{"qualification": 1, "comparator": "eq", "values": [1.5]}], "whole numbers"),
        ([{"qualification": 1, "comparator": "eq", "values": ["1"]}], "whole numbers"),
        ([{"qualification": 1, "comparator": "eq", "values": [2**31]}], "32 bits"),
        ([{"qualification": "country", "comparator": "lt", "values": ["US"]}], "eq, ne, in"),
        ([{"qualification": "country", "comparator": "exists"}], "eq, ne, in or not_in"),
        ([{"qualification": "country", "comparator": "eq", "values": ["us"]}], 'as "US"'),
        ([{"qualification": "country", "comparator": "eq", "values": ["USA"]}], 'as "US"'),
        ([{"qualification": "country", "comparator": "eq", "values": ["US\n"]}], 'as "US"'),
        ([{"qualification": "country", "comparator": "eq", "values": [1]}], 'as "US"'),
        ([{"qualification": "country", "comparator": "eq", "values": ["US", "DE"]}], "one value"),
        ([{"qualification": "country", "comparator": "in", "values": ["US"] * 31}], "1 to 30"),
    ],
)
def test_what_is_wrong_with_a_requirement_is_said_with_what_to_write(rows, said):
    with pytest.raises(InvalidRequirement, match=said):
        parse(rows)


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["qualification", "comparator", "values", "x"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(json)
def test_any_json_is_either_requirements_or_refused(rows):
    try:
        asked = parse(rows)
    except InvalidRequirement:
        return

    assert parse([one.as_json() for one in asked]) == asked
