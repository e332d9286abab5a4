"""One element of every type that asks, and answers to it: most fit, some do not."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

SPANS = {"type": "spans", "name": "spans", "labels": ["a", "b"], "of": "${text}", "overlap": False}
IMAGE = {"labels": ["b", "a"], "of": "${url}"}
FIRST = {"title": "1", "elements": [{"type": "choice", "name": "q", "options": ["a", "b"]}]}
SECOND = {"show_if": {"name": "q", "is": "a"}, "elements": [{"type": "rating", "name": "r"}]}

ELEMENTS: dict[str, dict[str, Any]] = {
    "choice": {
        "type": "choice",
        "name": "c",
        "options": ["big", "wet", "old"],
        "multiple": True,
        "shuffle": True,
    },
    "text": {"type": "text", "name": "t", "max_length": 5},
    "rating": {"type": "rating", "name": "r", "min": -1, "max": 3},
    "number": {"type": "number", "name": "n", "min": -1, "max": 3, "step": 0.1},
    "whole": {"type": "number", "name": "n", "step": 3},
    "free": {"type": "number", "name": "n", "unit": "kg"},
    "pairwise": {"type": "pairwise", "name": "p", "left": "${a}", "right": "${b}", "tie": True},
    "ranking": {"type": "ranking", "name": "r", "items": ["a", "b", "c"], "top": 2},
    "boxes": {"type": "boxes", "name": "b", **IMAGE},
    "polygons": {"type": "polygons", "name": "p", **IMAGE},
    "keypoints": {"type": "keypoints", "name": "k", **IMAGE, "per_label": 2},
    "masks": {"type": "masks", "name": "m", **IMAGE},
    "spans": SPANS,
    "relations": {"type": "relations", "name": "relations", "labels": ["a"], "spans": "spans"},
    "audio_regions": {"type": "audio_regions", "name": "a", "labels": ["b", "a"], "of": "${u}"},
    "video_regions": {"type": "video_regions", "name": "v", "labels": ["b", "a"], "of": "${u}"},
    "survey": {"type": "survey", "pages": [FIRST, SECOND]},
}

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["a", "big", "label", "choice", "survey", 10**400, 0.5, -0.0]),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text() | st.sampled_from(["label", "x", "start", "type"]), inner)
    ),
    max_leaves=8,
)

labels = st.sampled_from(["a", "b"])
shares = st.sampled_from([0, 1, 0.5, 0.25, -0.0, 1e-7, -1e-6, 1 / 3, 1.0000005]) | st.floats(0, 1)
numbers = st.integers(-2, 4) | st.floats(-2, 4) | st.integers(-20, 40).map(lambda n: n * 0.1)
positions = st.integers(0, 6) | st.sampled_from([3.0, 1.0])
seconds = st.floats(0, 9) | st.integers(0, 9)
ends = st.fixed_dictionaries({"start": positions, "end": positions})


def marks(**place: st.SearchStrategy[Any]) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(st.fixed_dictionaries({"label": labels, **place}), max_size=4)


ANSWERS: dict[str, st.SearchStrategy[Any]] = {
    "choice": st.lists(st.sampled_from(["old", "big", "wet", "dry"]), max_size=3),
    "text": st.text(max_size=6),
    "rating": st.integers(-2, 4) | st.sampled_from([2.0, -1.0, True, 1.5]),
    "number": numbers,
    "whole": st.integers(-(10**16), 10**16) | st.floats(-100, 100),
    "free": st.floats() | st.integers(),
    "pairwise": st.sampled_from(["left", "right", "tie", "both"]),
    "ranking": st.permutations(["a", "b", "c"]).map(lambda items: items[:2]),
    "boxes": marks(x=shares, y=shares, width=shares, height=shares),
    "polygons": marks(points=st.lists(st.lists(shares, min_size=2, max_size=2), max_size=6)),
    "keypoints": marks(x=shares, y=shares),
    "masks": marks(size=st.just([2, 3]), counts=st.lists(st.integers(0, 4), max_size=6)),
    "spans": marks(start=positions, end=positions),
    "relations": marks(**{"from": ends, "to": ends}),
    "audio_regions": marks(start=seconds, end=seconds),
    "video_regions": marks(start=seconds, end=seconds),
}


def interface_of(key: str) -> list[dict[str, Any]]:
    """Return an interface with the element; relations come with what they relate."""
    return [SPANS, ELEMENTS[key]] if key == "relations" else [ELEMENTS[key]]


def answers(key: str) -> st.SearchStrategy[Any]:
    """Answers to ``interface_of(key)`` that have at least the right form."""
    if key == "survey":
        asked = {"q": st.sampled_from(["a", "b"]), "r": st.integers(1, 6)}
        return st.fixed_dictionaries({}, optional=asked)
    if key == "relations":
        return st.fixed_dictionaries({"spans": ANSWERS["spans"], "relations": ANSWERS[key]})
    return ANSWERS[key].map(lambda answer: {ELEMENTS[key]["name"]: answer})
