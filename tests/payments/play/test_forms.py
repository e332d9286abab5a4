from __future__ import annotations

from urllib.parse import urlencode

from hypothesis import given, settings
from hypothesis import strategies as st
from stripe._encode import _api_encode

from payments.play.forms import decode

names = st.from_regex(r"[a-z_]{1,8}", fullmatch=True)
leaves = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
maps = st.deferred(lambda: st.dictionaries(names, trees, min_size=1, max_size=3))
# The SDK writes no list inside a list.
trees = leaves | maps | st.lists(leaves | maps, min_size=1, max_size=11)


@settings(deadline=None)
@given(st.dictionaries(names, trees, max_size=4))
def test_what_the_sdk_writes_is_read_again(params):
    assert decode(urlencode(list(_api_encode(params)))) == params


def test_maps_lists_and_unnumbered_lists_are_read():
    text = "amount=5&metadata[a]=b&line_items[0][quantity]=2&line_items[10][quantity]=3&expand[]=x"

    assert decode(text) == {
        "amount": "5",
        "metadata": {"a": "b"},
        "line_items": [{"quantity": "2"}, {"quantity": "3"}],
        "expand": ["x"],
    }


def test_an_empty_body_has_no_parameters():
    assert decode("") == {}
