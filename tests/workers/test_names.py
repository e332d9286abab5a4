# ruff: noqa: RUF001  (letters that look alike are what these tests are about)
from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers import names
from workers.errors import InvalidName


@pytest.mark.parametrize("text", ["ALICE", "Alice", "ⓐlice", "Ａｌｉｃｅ"])
def test_all_spellings_of_a_username_are_one(text):
    assert names.valid_username(text) == "alice"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "a b",
        "a\0b",
        "a\nb",
        "al\u202eice",
        "a\u200bb",
        "me@site.org",
        "-a",
        "x" * 151,
        "\ufdfa",
    ],
)
def test_a_username_of_other_characters_is_refused(text):
    with pytest.raises(InvalidName):
        names.valid_username(text)


@pytest.mark.parametrize("text", ["zoë", "李雷", "алиса", "straße", "a.b+c-d_e", "ᎠᎡ"])
def test_usernames_may_be_written_in_any_script(text):
    assert names.valid_username(text)


@given(st.text(max_size=50))
def test_the_canonical_spelling_is_its_own_canonical_spelling(text):
    spelt = names.canonical_username(text)

    assert names.canonical_username(spelt) == spelt


@pytest.mark.parametrize(
    "text", ["", "  ", "a\0", "a\x1bb", "a\u202eb", "\u2066a", "\ufeffa", "x" * 21]
)
def test_a_name_that_is_empty_long_or_invisible_is_refused(text):
    with pytest.raises(InvalidName):
        names.valid_name(text, limit=20)


def test_a_name_keeps_its_case_and_its_joiners_and_loses_outer_spaces():
    persian = "می\u200cخواهم"

    assert names.valid_name(f" Ana {persian} ", limit=50) == f"Ana {persian}"


@given(st.text(max_size=30))
def test_a_valid_name_is_stored_as_it_is_read(text):
    try:
        name = names.valid_name(text, limit=30)
    except InvalidName:
        return

    assert names.valid_name(name, limit=30) == name == unicodedata.normalize("NFC", name)
