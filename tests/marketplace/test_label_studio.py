from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.label_studio import (
    NotExpressible,
    example,
    label_config,
    task_data,
    to_answer,
    to_result,
)
from marketplace.ml_backend import BackendAnswerInvalid
from tasks.interface import Checker, parse

IMAGE = {"type": "image", "value": "${url}"}
LABELS = ["cat", "dog"]
ASKED = {
    "choice": {"options": LABELS},
    "text": {},
    "number": {"min": -5, "max": 5},
    "rating": {},
    "boxes": {"labels": LABELS, "of": "${url}"},
    "polygons": {"labels": LABELS, "of": "${url}"},
    "keypoints": {"labels": LABELS, "of": "${url}", "per_label": 3},
    "spans": {"labels": LABELS, "of": "${words}"},
    "audio_regions": {"labels": LABELS, "of": "${sound}"},
}


def asking(kind, *shown, **changed):
    return parse([*shown, {"type": kind, "name": "label", **ASKED[kind], **changed}])


def said(value, kind="choices", name="label"):
    return {"from_name": name, "to_name": "image-1", "type": kind, "value": value}


def box(x, y, width, height, **more):
    sides = {"x": x, "y": y, "width": width, "height": height}
    return said({**sides, "rectanglelabels": ["cat"], **more}, "rectanglelabels")


def test_a_config_shows_and_asks_what_the_interface_does():
    interface = parse(
        [
            IMAGE,
            {"type": "choice", "name": "label", "options": LABELS},
            {"type": "text", "name": "why", "required": False},
        ]
    )

    assert label_config(interface) == (
        '<View><Image name="image-1" value="$url" />'
        '<Choices name="label" toName="image-1" choice="single" required="true">'
        '<Choice value="cat" /><Choice value="dog" /></Choices>'
        '<TextArea name="why" toName="image-1" maxSubmissions="1" required="false" /></View>'
    )


def test_every_type_has_its_tag():
    interface = parse([{"type": kind, "name": kind, **more} for kind, more in ASKED.items()])

    view = ET.fromstring(label_config(interface))

    tags = {tag.get("name"): (tag.tag, tag.get("toName")) for tag in view if tag.get("toName")}
    assert tags == {
        "choice": ("Choices", "image-boxes"),
        "text": ("TextArea", "image-boxes"),
        "number": ("Number", "image-boxes"),
        "rating": ("Rating", "image-boxes"),
        "boxes": ("RectangleLabels", "image-boxes"),
        "polygons": ("PolygonLabels", "image-boxes"),
        "keypoints": ("KeyPointLabels", "image-boxes"),
        "spans": ("Labels", "text-spans"),
        "audio_regions": ("Labels", "audio-audio_regions"),
    }
    shown = {tag.get("name"): tag.get("value") for tag in view if tag.get("value")}
    assert shown == {
        "image-boxes": "$url",
        "text-spans": "$words",
        "audio-audio_regions": "$sound",
    }
    assert [label.get("value") for label in view.find("RectangleLabels")] == LABELS


def test_marks_on_what_is_shown_anyway_are_about_that():
    config = ET.fromstring(label_config(asking("boxes", {**IMAGE, "value": "${other}"}, IMAGE)))

    assert [tag.get("name") for tag in config.iter("Image")] == ["image-1", "image-2"]
    assert config.find("RectangleLabels").get("toName") == "image-2"


def test_ranges_are_said():
    number = ET.fromstring(label_config(asking("number", step=0.5))).find("Number")
    stars = ET.fromstring(label_config(asking("rating", max=7))).find("Rating")
    levels = ET.fromstring(label_config(asking("rating", min=0, max=10))).find("Number")

    assert (number.get("min"), number.get("max"), number.get("step")) == ("-5", "5", "0.5")
    assert stars.get("maxRating") == "7"
    assert (levels.get("min"), levels.get("max"), levels.get("step")) == ("0", "10", "1")


PRINTABLE = st.characters(exclude_categories=["Cs", "Cc"])


@given(st.lists(st.text(PRINTABLE, min_size=1, max_size=200), unique=True))
def test_options_survive_xml_whatever_they_are(options):
    options = [*options, '"><script>&amp;', "two\nlines"]

    view = ET.fromstring(label_config(asking("choice", options=options)))

    assert [choice.get("value") for choice in view.iter("Choice")] == options


def test_an_option_that_xml_cannot_hold_is_refused():
    with pytest.raises(NotExpressible, match="x0b"):
        label_config(asking("choice", options=["a\x0bb"]))


def test_what_label_studio_cannot_ask_is_left_out_until_nothing_remains():
    ranking = {"type": "ranking", "name": "order", "items": LABELS}
    both = parse([ranking, {"type": "text", "name": "why"}])

    assert [tag.tag for tag in ET.fromstring(label_config(both))] == ["Text", "TextArea"]
    assert to_result(both, {"order": LABELS, "why": "so"})[0]["from_name"] == "why"
    with pytest.raises(NotExpressible, match="no form"):
        label_config(parse([ranking]))


def test_questions_on_pages_are_asked_like_any_other():
    page = {"title": "One", "elements": [IMAGE, {"type": "text", "name": "why"}]}
    interface = parse([{"type": "survey", "pages": [page]}])

    view = ET.fromstring(label_config(interface))

    assert [(tag.tag, tag.get("name")) for tag in view] == [
        ("Image", "image-1"),
        ("TextArea", "why"),
    ]


def test_a_template_of_more_than_a_field_is_filled_in_for_the_model():
    greeting = {"type": "text", "value": "${name} says: ${words}"}
    interface = asking("choice", greeting, IMAGE)
    task_input = {"name": "Ann", "words": "hi", "url": "a.jpg"}

    assert task_data(interface, task_input) == {**task_input, "filled_text_1": "Ann says: hi"}
    view = ET.fromstring(label_config(interface))
    assert view.find("Text").get("value") == "$filled_text_1"
    assert view.find("Image").get("value") == "$url"


def test_a_choice_is_read():
    interface = asking("choice", IMAGE)

    assert to_answer(interface, [said({"choices": ["cat"]})]) == {"label": "cat"}


def test_several_choices_are_read_in_the_order_of_the_options():
    interface = asking("choice", multiple=True)

    assert to_answer(interface, [said({"choices": ["dog", "cat"]})]) == {"label": LABELS}
    both = [said({"choices": ["dog"]}), said({"choices": ["cat"]})]
    assert to_answer(interface, both) == {"label": LABELS}


def test_boxes_come_in_percent_and_are_cut_off_at_the_edge():
    result = [box(25, 50, 10.5, 20), box(-5, 90, 10, 20), box(101, 0, 5, 5)]

    assert to_answer(asking("boxes"), result) == {
        "label": [
            {"label": "cat", "x": 0.25, "y": 0.5, "width": 0.105, "height": 0.2},
            {"label": "cat", "x": 0.0, "y": 0.9, "width": 0.05, "height": 0.1},
        ]
    }


def test_polygons_and_keypoints_are_read():
    corner = {"points": [[0, 0], [50, 0], [0, 50.5]], "polygonlabels": ["dog"]}
    nose = {"x": 10, "y": 20, "width": 0.3, "keypointlabels": ["dog"]}

    assert to_answer(asking("polygons"), [said(corner, "polygonlabels")]) == {
        "label": [{"label": "dog", "points": [[0.0, 0.0], [0.5, 0.0], [0.0, 0.505]]}]
    }
    assert to_answer(asking("keypoints"), [said(nose, "keypointlabels")]) == {
        "label": [{"label": "dog", "x": 0.1, "y": 0.2}]
    }


def test_spans_and_audio_regions_are_read():
    span = {"start": "2", "end": 81, "text": "…", "labels": ["cat"]}
    region = {"start": 3.1, "end": 8.2, "labels": ["cat"]}

    assert to_answer(asking("spans"), [said(span, "labels")]) == {
        "label": [{"label": "cat", "start": 2, "end": 81}]
    }
    assert to_answer(asking("audio_regions"), [said(region, "labels")]) == {
        "label": [{"label": "cat", "start": 3.1, "end": 8.2}]
    }


def test_texts_numbers_and_ratings_are_read():
    assert to_answer(asking("text"), [said({"text": ["a", "b"]}, "textarea")]) == {"label": "a\nb"}
    assert to_answer(asking("text"), [said({"text": "a"}, "textarea")]) == {"label": "a"}
    assert to_answer(asking("number"), [said({"number": 2.5}, "number")]) == {"label": 2.5}
    assert to_answer(asking("rating"), [said({"rating": 4}, "rating")]) == {"label": 4}
    assert to_answer(asking("rating", min=0), [said({"number": 0}, "number")]) == {"label": 0}


def test_a_result_about_something_else_answers_nothing():
    assert to_answer(asking("choice"), [said({"choices": ["cat"]}, name="other"), {}]) == {}
    assert to_answer(asking("boxes"), []) == {}


@pytest.mark.parametrize(
    ("kind", "part"),
    [
        ("choice", said({"choices": ["cow"]})),
        ("choice", said({"choices": ["cat", "dog"]})),
        ("choice", said({"choices": []})),
        ("choice", said({"choices": 3})),
        ("choice", said({"choices": [["cat"]]})),
        ("choice", said({})),
        ("choice", said(None)),
        ("choice", said({"choices": ["cat"]}, "labels")),
        ("text", said({"text": [1]}, "textarea")),
        ("text", said({"text": "a\x00"}, "textarea")),
        ("number", said({"number": "2"}, "number")),
        ("number", said({"number": True}, "number")),
        ("number", said({"number": float("nan")}, "number")),
        ("boxes", box(0, 0, "1", 1)),
        ("boxes", box(0, 0, 1, 1, rotation=30)),
        ("boxes", box(0, 0, 1, 1, rectanglelabels=["cow"])),
        ("boxes", box(0, 0, 1, 1, rectanglelabels=["cat", "dog"])),
        ("boxes", box(float("inf"), 0, 1, 1)),
        ("polygons", said({"points": [[0, 0]], "polygonlabels": ["cat"]}, "polygonlabels")),
        ("polygons", said({"points": [[0]], "polygonlabels": ["cat"]}, "polygonlabels")),
        ("keypoints", said({"x": 1, "keypointlabels": ["cat"]}, "keypointlabels")),
        ("spans", said({"start": "/p[1]", "end": 2, "labels": ["cat"]}, "labels")),
        ("spans", said({"start": 2, "end": 2, "labels": ["cat"]}, "labels")),
        ("spans", said({"start": -1, "end": 2, "labels": ["cat"]}, "labels")),
        ("spans", said({"start": 0, "end": float("inf"), "labels": ["cat"]}, "labels")),
        ("audio_regions", said({"start": 2, "end": 1, "labels": ["cat"]}, "labels")),
    ],
    ids=lambda given: f"{given!s:.80}",
)
def test_a_part_that_is_no_answer_is_refused_and_named(kind, part):
    with pytest.raises(BackendAnswerInvalid, match="'label'"):
        to_answer(asking(kind, required=True), [part])


def test_a_number_is_answered_once():
    with pytest.raises(BackendAnswerInvalid, match="one value"):
        to_answer(asking("number"), [said({"number": 2}, "number")] * 2)


SHARES = st.integers(0, 1_000_000).map(lambda millionths: millionths / 1_000_000)
SIDES = st.tuples(st.integers(0, 999_999), st.integers(1, 1_000_000)).map(
    lambda side: (side[0] / 1e6, min(side[1], 1_000_000 - side[0]) / 1e6)
)
STRETCHES = st.tuples(st.integers(0, 10_000), st.integers(1, 100))
MARKS = {
    "boxes": st.tuples(SIDES, SIDES).map(
        lambda s: {"x": s[0][0], "width": s[0][1], "y": s[1][0], "height": s[1][1]}
    ),
    "polygons": st.tuples(SIDES, SIDES).map(
        lambda s: {
            "points": [[s[0][0], s[1][0]], [sum(s[0]), s[1][0]], [s[0][0], sum(s[1])]],
        }
    ),
    "keypoints": st.builds(lambda x, y: {"x": x, "y": y}, SHARES, SHARES),
    "spans": STRETCHES.map(lambda s: {"start": s[0], "end": sum(s)}),
    "audio_regions": STRETCHES.map(lambda s: {"start": s[0] / 1e3, "end": sum(s) / 1e3}),
}


def answers(kind):
    if kind not in MARKS:
        return {
            "choice": st.sampled_from(LABELS),
            "text": st.text(
                st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
            ).map(lambda text: f"x{text}"),
            "number": st.floats(-5, 5),
            "rating": st.integers(1, 5),
        }[kind]
    marks = st.tuples(st.sampled_from(LABELS), MARKS[kind])
    labelled = marks.map(lambda mark: {"label": mark[0], **mark[1]})
    return st.lists(labelled, min_size=1, max_size=3, unique_by=str)


@pytest.mark.parametrize("kind", ASKED)
@given(data=st.data())
def test_an_answer_comes_back_as_it_went(kind, data):
    interface = asking(kind)
    answer = Checker(interface).check({"label": data.draw(answers(kind))})

    assert to_answer(interface, to_result(interface, answer)) == answer


def test_parts_of_a_result_have_ids_of_their_own_and_name_what_they_are_about():
    mark = {"label": "cat", "x": 0.25, "y": 0.5, "width": 0.1, "height": 0.2}

    assert to_result(asking("boxes", IMAGE), {"label": [mark, {**mark, "label": "dog"}]}) == [
        {
            "id": f"label-{place}",
            "from_name": "label",
            "to_name": "image-1",
            "type": "rectanglelabels",
            "value": {
                "x": 25.0,
                "y": 50.0,
                "width": 10.0,
                "height": 20.0,
                "rotation": 0,
                "rectanglelabels": [label],
            },
        }
        for place, label in ((1, "cat"), (2, "dog"))
    ]


def test_an_example_is_a_task_with_its_answer():
    interface = asking("choice", IMAGE)

    assert example(interface, 7, {"url": "a.jpg"}, {"label": "cat"}) == {
        "id": 7,
        "data": {"url": "a.jpg"},
        "annotations": [{"id": 7, "result": [{"id": "label-1", **said({"choices": ["cat"]})}]}],
    }
