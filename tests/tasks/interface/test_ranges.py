"""Spans of text, their relations, and regions of recordings."""

from __future__ import annotations

import pytest

from tasks.errors import InvalidAnswer, InvalidInterface
from tasks.interface import Checker, parse

SPANS = {"type": "spans", "name": "spans", "labels": ["who", "where"], "of": "${text}"}
FACTS = {"type": "relations", "name": "facts", "labels": ["in", "at"], "spans": "spans"}
REGIONS = {"type": "audio_regions", "name": "r", "labels": ["b", "a"], "of": "${url}"}
WHO, WHERE = {"start": 0, "end": 3}, {"start": 13, "end": 19}


def mark(label, start, end):
    return {"label": label, "start": start, "end": end}


def fact(label, source, target):
    return {"label": label, "from": source, "to": target}


def check(answer, *elements):
    return Checker(parse(list(elements))).check(answer)


def refusal(answer, *elements):
    with pytest.raises(InvalidAnswer) as refused:
        check(answer, *elements)
    return str(refused.value)


def test_spans_are_ordered_by_start_end_and_label():
    spans = [mark("who", 4, 9), mark("who", 0, 5.0), mark("where", 0, 5), mark("who", 0, 3)]

    assert repr(check(spans, SPANS)["spans"]) == repr(
        [mark("who", 0, 3), mark("where", 0, 5), mark("who", 0, 5), mark("who", 4, 9)]
    )
    assert parse([SPANS]).fields == {"text"}


@pytest.mark.parametrize(
    ("spans", "message"),
    [
        ([mark("who", 3, 3)], "'spans': span 1 must start before it ends."),
        ([mark("who", 0, 3), mark("who", 4, 3)], "'spans': span 2 must start before it ends."),
        ([mark("who", 0, 3)] * 2, "'spans': a span is there twice: leave one out."),
        ([mark("who", -1, 3)], "Item 1 does not fit, at its 'start'."),
        ([mark("who", 0, 1.5)], "Item 1 does not fit, at its 'end'."),
        ([mark("who", 0, 2**20 + 1)], "Item 1 does not fit, at its 'end'."),
        ([mark("when", 0, 1)], "Item 1 does not fit, at its 'label'."),
    ],
)
def test_spans_that_do_not_fit_are_refused(spans, message):
    assert message in refusal({"spans": spans}, SPANS)


def test_spans_may_touch_but_not_overlap_where_that_is_forbidden():
    apart = {**SPANS, "overlap": False}

    assert len(check([mark("who", 3, 5), mark("who", 0, 3)], apart)["spans"]) == 2
    assert refusal([mark("who", 2, 5), mark("where", 0, 3)], apart) == (
        "'spans': the spans at 0 and 2 must not overlap."
    )


def test_relations_join_spans_of_the_same_answer():
    answer = {
        "facts": [fact("in", WHO, WHERE), fact("at", WHO, WHERE), fact("in", WHO, WHO)],
        "spans": [mark("where", 13, 19), mark("who", 0, 3)],
    }

    assert check(answer, FACTS, SPANS)["facts"] == [
        fact("in", WHO, WHO),
        fact("at", WHO, WHERE),
        fact("in", WHO, WHERE),
    ]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            {"spans": [mark("who", 0, 3)], "facts": [fact("in", WHO, WHERE)]},
            "'facts': \"to\" 13 to 19 of a relation must be a span given in 'spans'.",
        ),
        (
            {"facts": [fact("in", WHO, WHERE)]},
            "'facts': \"from\" 0 to 3 of a relation must be a span given in 'spans'.",
        ),
        (
            {"spans": [mark("who", 0, 3)], "facts": [fact("in", WHO, WHO)] * 2},
            "'facts': a relation is there twice: leave one out.",
        ),
        ({"facts": [fact("in", WHO, {"start": 0})]}, "Item 1 does not fit, at its 'to'."),
    ],
)
def test_relations_that_do_not_fit_are_refused(answer, message):
    assert message in refusal(answer, {**SPANS, "required": False}, FACTS)


def test_without_spans_there_are_no_relations():
    assert check({"facts": []}, {**SPANS, "required": False}, FACTS) == {"facts": []}


@pytest.mark.parametrize(
    ("elements", "message"),
    [
        ([FACTS], "'facts': \"spans\" must be the name of a question of type spans"),
        ([SPANS, {**FACTS, "spans": "facts"}], '"spans" must be the name of a question'),
        ([SPANS, {**FACTS, "spans": None}], 'needs a "spans" of 1 to 50'),
        ([SPANS, {**FACTS, "of": "${text}"}], "does not know 'of'"),
        ([{**SPANS, "overlap": 0}], '"overlap" must be true or false'),
        ([{**REGIONS, "overlap": False}], "does not know 'overlap'"),
    ],
)
def test_faulty_ranges_are_refused(elements, message):
    with pytest.raises(InvalidInterface, match=message):
        parse(elements)


@pytest.mark.parametrize("kind", ["audio_regions", "video_regions"])
def test_regions_are_rounded_to_milliseconds_and_ordered(kind):
    regions = [mark("b", 1, 2.0004), mark("a", 1, 2), mark("a", -0.0, 0.0005001)]

    assert repr(check(regions, {**REGIONS, "type": kind})["r"]) == repr(
        [mark("a", 0.0, 0.001), mark("a", 1.0, 2.0), mark("b", 1.0, 2.0)]
    )


@pytest.mark.parametrize(
    ("region", "message"),
    [
        (mark("a", 1, 1), "'r': region 1 must start a millisecond or more before it ends."),
        (mark("a", 1, 1.0001), "'r': region 1 must start a millisecond or more before it ends."),
        (mark("a", float("nan"), 1), "'r': region 1 must start a millisecond or more before it"),
        (mark("a", -1, 1), "Item 1 does not fit, at its 'start'."),
        (mark("a", 0, 1_000_001), "Item 1 does not fit, at its 'end'."),
    ],
)
def test_regions_that_do_not_fit_are_refused(region, message):
    assert message in refusal({"r": [region]}, REGIONS)
