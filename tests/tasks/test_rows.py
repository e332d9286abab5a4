"""What a requester uploads, and what of it can become a task."""

from __future__ import annotations

import json
import string
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import InvalidRow
from tasks.interface import Checker, parse
from tasks.models.task import POSITION_BITS, PRIORITY_MAX, position_of
from tasks.rows import INPUT_BYTES_MAX, OPTIONS, Row, holds_nul, json_text, read_row
from tests.factories import CATS_OR_DOGS

check_label = Checker(parse(CATS_OR_DOGS)).check
check_text = Checker(parse([{"type": "text", "name": "said"}])).check


def read(raw, check_answer=check_label):
    return read_row(raw, check_answer)


def refusal(raw, check_answer=check_label):
    with pytest.raises(InvalidRow) as refused:
        read_row(raw, check_answer)
    return str(refused.value)


def test_all_fields_of_a_flat_row_that_are_no_options_are_input():
    row = read({"text": "Miau", "lang": "de"})

    assert row == Row(input='{"text":"Miau","lang":"de"}')


def test_a_row_may_keep_its_input_apart_from_its_options():
    row = read({"input": {"text": "Miau", "gold": "as shown"}, "gold": "cat"})

    assert row == Row(input='{"text":"Miau","gold":"as shown"}', gold='{"label":"cat"}')


def test_an_input_that_is_no_object_is_a_field_like_any_other():
    row = read({"input": "Miau", "priority": 1})

    assert row == Row(input='{"input":"Miau"}', priority=1)


def test_a_row_may_have_every_option():
    row = read(
        {
            "text": "Miau",
            "gold": "cat",
            "external_id": "row-7",
            "priority": 3,
            "overlap": 5,
            "expires_at": "2026-12-01T12:00:00Z",
            "author": "A0123456789ABC",
        }
    )

    assert row == Row(
        input='{"text":"Miau"}',
        gold='{"label":"cat"}',
        external_id="row-7",
        priority=3,
        overlap=5,
        expires_at=datetime(2026, 12, 1, 12, tzinfo=UTC),
        author="A0123456789ABC",
    )


@pytest.mark.parametrize("empty", [None, ""])
def test_empty_options_are_no_options(empty):
    row = read({"text": "Miau", **dict.fromkeys(OPTIONS, empty)})

    assert row == Row(input='{"text":"Miau"}')


def test_letters_of_all_scripts_are_kept_as_they_are():
    row = read({"text": "Ünïcode 猫 😺"})

    assert row.input == '{"text":"Ünïcode 猫 😺"}'


@pytest.mark.parametrize("raw", [None, 7, "text", ["text"], True])
def test_a_row_must_be_an_object(raw):
    assert refusal(raw) == "A row must be a JSON object."


@pytest.mark.parametrize("raw", [{}, {"gold": "cat"}, {"input": {}}, {"input": {}, "gold": "cat"}])
def test_a_row_must_have_something_to_show(raw):
    assert refusal(raw) == ("The row has no input: give at least one field to show to the worker.")


def test_what_stands_beside_the_input_must_be_an_option():
    assert refusal({"input": {"text": "Miau"}, "lang": "de", "zone": 1}) == (
        "Unknown option 'lang' beside 'input'. "
        "Known: author, expires_at, explanation, external_id, gold, overlap, priority."
    )


@pytest.mark.parametrize("gold", ["cat", {"label": "cat"}, '{"label": "cat"}'])
def test_gold_is_stored_in_the_form_answers_have(gold):
    assert read({"text": "Miau", "gold": gold}).gold == '{"label":"cat"}'


def test_gold_that_no_worker_could_answer_is_refused():
    assert refusal({"text": "Miau", "gold": "bird"}) == (
        "The gold answer does not fit the interface: 'label' must be one of 'cat', 'dog'."
    )


@pytest.mark.parametrize(
    "cell", ["{label: cat}", "[", "[" * 100_000], ids=["no quotes", "no end", "too deep"]
)
def test_gold_that_starts_like_json_must_be_json(cell):
    assert refusal({"text": "Miau", "gold": cell}) == (
        "The gold answer starts like JSON but is not."
    )


def test_gold_may_be_false_or_zero_if_that_can_be_answered():
    assert refusal({"text": "Miau", "gold": False}).startswith("The gold answer does not fit")
    assert refusal({"text": "Miau", "gold": 0}).startswith("The gold answer does not fit")


@pytest.mark.parametrize(("given", "kept"), [("7", "7"), (7, "7"), ("a" * 200, "a" * 200)])
def test_the_requesters_own_name_for_a_row_is_kept(given, kept):
    assert read({"text": "Miau", "external_id": given}).external_id == kept


@pytest.mark.parametrize("option", ["external_id", "author"])
@pytest.mark.parametrize(
    "given", ["a" * 201, 1.5, True, ["a"], {"a": 1}, "a\0b", "\ud800"], ids=repr
)
def test_names_are_texts_of_a_length_that_fits(option, given):
    assert refusal({"text": "Miau", option: given}) == (
        f"{option} must be a text of at most 200 characters."
    )


@pytest.mark.parametrize(
    ("given", "priority"),
    [(-1000, -1000), (1000, 1000), ("-1000", -1000), ("1000", 1000), ("007", 7), (0, 0)],
)
def test_priority_is_a_whole_number_also_from_a_cell(given, priority):
    assert read({"text": "Miau", "priority": given}).priority == priority


NO_WHOLE_NUMBERS = [
    1001, -1001, "1001", 1.0, 1.5, "1.0", True, "--5", "-", "5-", "1_0", "0x1", " 5", "+5",
    "\N{ARABIC-INDIC DIGIT FIVE}", "\N{FULLWIDTH DIGIT FIVE}", "\N{SUPERSCRIPT TWO}",
    "9" * 5000, 10**400, [5], "five",
]  # fmt: skip


@pytest.mark.parametrize("given", NO_WHOLE_NUMBERS, ids=lambda given: repr(given)[:20])
def test_what_is_no_whole_number_within_bounds_is_no_priority(given):
    assert refusal({"text": "Miau", "priority": given}) == (
        "priority must be a whole number from -1000 to 1000."
    )


@pytest.mark.parametrize("given", [0, 101, -3, "0", "three"])
def test_an_overlap_is_from_1_to_100(given):
    assert read({"text": "Miau", "overlap": 100}).overlap == 100
    assert refusal({"text": "Miau", "overlap": given}) == (
        "overlap must be a whole number from 1 to 100."
    )


@pytest.mark.parametrize(
    ("given", "instant"),
    [
        ("2026-12-01T12:00:00Z", datetime(2026, 12, 1, 12, tzinfo=UTC)),
        ("2026-12-01 12:00:00.5+00:00", datetime(2026, 12, 1, 12, 0, 0, 500_000, tzinfo=UTC)),
        (
            "2026-12-01T12:00:00+05:45",
            datetime(2026, 12, 1, 12, tzinfo=timezone(timedelta(hours=5, minutes=45))),
        ),
        ("2028-02-29T00:00:00Z", datetime(2028, 2, 29, tzinfo=UTC)),
    ],
)
def test_a_task_may_expire_at_an_instant(given, instant):
    assert read({"text": "Miau", "expires_at": given}).expires_at == instant


@pytest.mark.parametrize(
    "given",
    [
        "2026-12-01T12:00:00",
        "2026-12-01",
        "2027-02-29T00:00:00Z",
        "2026-12-01T25:00:00Z",
        "2026-12-01T12:00:00+99:99",
        "1999-12-31T23:59:59Z",
        "9001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "tomorrow",
        1_796_126_400,
        True,
    ],
)
def test_an_expiry_is_an_instant_with_a_zone(given):
    assert refusal({"text": "Miau", "expires_at": given}) == (
        "expires_at must be an instant with a zone, like 2026-12-01T12:00:00Z."
    )


def test_an_input_may_be_as_large_as_a_mebibyte():
    most = INPUT_BYTES_MAX - len('{"text":""}')

    assert len(read({"text": "a" * most}).input) == INPUT_BYTES_MAX
    assert refusal({"text": "a" * (most + 1)}) == "The input is larger than 1,048,576 bytes."


def test_size_is_counted_in_bytes():
    assert refusal({"text": "猫" * (INPUT_BYTES_MAX // 3)}).startswith("The input is larger")


@pytest.mark.parametrize(
    "shown",
    [{"text": "a\0b"}, {"a\0b": "text"}, {"list": [1, {"deep": "\0"}]}],
    ids=["value", "key", "deep"],
)
def test_what_the_database_cannot_hold_is_refused(shown):
    assert refusal(shown) == "The input holds a NUL character, which cannot be stored."


def test_an_input_that_only_speaks_of_nul_is_kept():
    assert json.loads(read({"text": "\\u0000"}).input) == {"text": "\\u0000"}


def test_half_a_surrogate_pair_is_refused():
    assert refusal({"text": "\ud83d"}) == (
        "The input holds half a surrogate pair, which is not text."
    )


@pytest.mark.parametrize(
    "number",
    [float("nan"), float("inf"), -float("inf"), 10**5000],
    ids=["nan", "infinity", "minus infinity", "5,001 digits"],
)
def test_numbers_that_json_cannot_write_are_refused(number):
    assert refusal({"value": number}).startswith("The input holds a number")


ANY_TEXT = st.text(st.characters(exclude_categories=[]), max_size=8)
NUMBERS = st.integers() | st.floats() | st.just(float("nan"))
SCALARS = st.none() | st.booleans() | NUMBERS | ANY_TEXT
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=8,
)
CELLS = st.text(string.digits + "-+.eE_ []{}:TZ", max_size=8)
ROWS = st.fixed_dictionaries(
    {"text": JSON}, optional=dict.fromkeys(sorted({*OPTIONS, "input"}), JSON | CELLS)
)


@given(JSON | ROWS)
def test_whatever_is_uploaded_becomes_a_row_or_is_refused_with_a_reason(raw):
    try:
        row = read(raw)
    except InvalidRow:
        return

    shown = json.loads(row.input)
    assert shown
    assert not holds_nul(shown)
    assert -PRIORITY_MAX <= row.priority <= PRIORITY_MAX
    assert row.overlap is None or 1 <= row.overlap <= 100


GOOD = st.text(max_size=5).filter(lambda text: "\0" not in text)


@given(
    st.dictionaries(GOOD, GOOD | st.integers() | st.floats(allow_nan=False, allow_infinity=False))
)
def test_what_is_shown_is_exactly_what_was_uploaded(shown):
    assert json.loads(json_text(shown, what="input")) == shown


@given(GOOD.filter(lambda said: said.strip() and not said.startswith(("{", "["))))
def test_a_gold_text_is_kept_to_the_letter(said):
    assert json.loads(read({"shown": 1, "gold": said}, check_text).gold) == {"said": said}


priorities = st.integers(-PRIORITY_MAX, PRIORITY_MAX)
draws = st.integers(0, 2**POSITION_BITS - 1)


@given(st.tuples(priorities, draws), st.tuples(priorities, draws))
def test_the_higher_priority_comes_first_and_chance_decides_among_equals(one, other):
    def rank(task):
        priority, draw = task
        return -priority, draw

    assert (position_of(*one) < position_of(*other)) == (rank(one) < rank(other))


@given(priorities, draws)
def test_every_position_fits_the_column_and_lies_after_every_start(priority, draw):
    assert -(2**63) < position_of(priority, draw) < 2**63 - 1


def test_a_row_must_have_the_fields_that_the_interface_shows():
    with pytest.raises(InvalidRow, match="no field 'image', which the interface shows"):
        read_row({"text": "a cat"}, dict, needed={"image", "text"})


def test_a_known_answer_may_be_explained():
    row = read({"text": "Miau", "gold": "cat", "explanation": "Cats say so."})

    assert (row.explanation, row.gold) == ("Cats say so.", '{"label":"cat"}')
    assert read({"text": "Miau", "gold": "cat"}).explanation == ""


def test_an_explanation_of_nothing_known_is_refused_and_not_lost():
    assert refusal({"text": "Miau", "explanation": "Cats say so."}) == (
        "explanation goes with gold. To show it to workers, put it into 'input'."
    )
    assert "explanation" in read({"input": {"explanation": "Cats say so."}}).input


def test_an_explanation_has_a_length():
    long = {"text": "Miau", "gold": "cat", "explanation": "x" * 5_001}

    assert refusal(long) == "explanation must be a text of at most 5000 characters."
