"""How each type of question is asked, read and written in Label Studio's words.

Label Studio has places in percent where ours are shares, and wraps most values in a list.
Source: the pages of https://labelstud.io/tags/
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from tasks.interface import Question

DECIMALS = 6  # of a share: a millionth of an image is less than a pixel
POINT_SIZE = 0.5  # per cent of the image: what a keypoint is drawn with

Value = Mapping[str, Any]  # the "value" of one part of a result


@dataclass(frozen=True)
class Form:
    """How one kind of element is asked, read and written."""

    tag: str
    option_tag: str  # of each option or label; "" for none
    object_kind: str  # of what marks are made on; "" for an answer to the whole task
    attributes: Callable[[Any], dict[str, str]]  # of the control, from the question
    read: Callable[[Any, list[Value]], Any]  # question, values of its parts → answer
    write: Callable[[Any], list[dict[str, Any]]]  # answer → values of its parts

    @property
    def type(self) -> str:
        """What the parts of a result are marked with."""
        return self.tag.lower()


def form_of(question: Question) -> Form | None:
    """Return the form of a question, or None where Label Studio has none that fits."""
    if question.kind == "rating":
        # Stars are counted from 1.
        return RATING if getattr(question, "least", None) == 1 else NUMBER
    return FORMS.get(question.kind)


def _number(value: object) -> float | int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise ValueError(f"{value!r:.60} is no number")
    return value


def _known(question: Any, value: object) -> str:
    options = [option.value for option in question.listed]
    if not isinstance(value, str) or value not in options:
        raise ValueError(f"{value!r:.60} is not one of {', '.join(options[:10])}")
    return value


def _only(values: object) -> Any:
    """Return the one element of a list of one."""
    if not isinstance(values, list) or len(values) != 1:
        raise ValueError(f"one value is expected, not {values!r:.60}")
    return values[0]


def _required(question: Any) -> dict[str, str]:
    return {"required": "true" if question.required else "false"}


def _bounds(question: Any) -> dict[str, str]:
    step = getattr(question, "step", 1)  # a rating has whole numbers
    steps = {"step": f"{step:.15g}"} if step is not None else {}
    return {"min": f"{question.least:.15g}", "max": f"{question.most:.15g}", **steps}


def _read_choice(question: Any, values: list[Value]) -> str | list[str]:
    ticked = [_known(question, choice) for value in values for choice in value["choices"]]
    if not question.multiple:
        return str(_only(ticked))
    return list(dict.fromkeys(ticked))


def _read_text(_: Any, values: list[Value]) -> str:
    texts = [value["text"] for value in values]
    lines = [line for text in texts for line in ([text] if isinstance(text, str) else text)]
    return "\n".join(lines)


def _share(value: object) -> float:
    return round(min(max(_number(value) / 100, 0.0), 1.0), DECIMALS)


def _percent(share: float) -> float:
    return round(share * 100, DECIMALS - 2)


def _read_box(value: Value) -> dict[str, Any] | None:
    if _number(value.get("rotation", 0)):
        raise ValueError("a rotated box is not supported")
    left, top = _share(value["x"]), _share(value["y"])
    right = _share(_number(value["x"]) + _number(value["width"]))
    bottom = _share(_number(value["y"]) + _number(value["height"]))
    width, height = round(right - left, DECIMALS), round(bottom - top, DECIMALS)
    if width <= 0 or height <= 0:
        return None
    return {"x": left, "y": top, "width": width, "height": height}


def _write_box(box: Value) -> dict[str, Any]:
    sides = {side: _percent(box[side]) for side in ("x", "y", "width", "height")}
    return {**sides, "rotation": 0}


def _read_polygon(value: Value) -> dict[str, Any]:
    return {"points": [[_share(x), _share(y)] for x, y in value["points"]]}


def _write_polygon(polygon: Value) -> dict[str, Any]:
    points = [[_percent(x), _percent(y)] for x, y in polygon["points"]]
    return {"points": points, "closed": True}


def _read_keypoint(value: Value) -> dict[str, Any]:
    return {"x": _share(value["x"]), "y": _share(value["y"])}


def _write_keypoint(point: Value) -> dict[str, Any]:
    return {"x": _percent(point["x"]), "y": _percent(point["y"]), "width": POINT_SIZE}


def _read_span(value: Value) -> dict[str, Any]:
    start, end = int(value["start"]), int(value["end"])
    if not 0 <= start < end:
        raise ValueError(f"{start} to {end} is no span")
    return {"start": start, "end": end}


def _read_audio(value: Value) -> dict[str, Any]:
    start, end = _number(value["start"]), _number(value["end"])
    if not 0 <= start < end:
        raise ValueError(f"{start} to {end} is no stretch of time")
    return {"start": start, "end": end}


def _write_interval(interval: Value) -> dict[str, Any]:
    return {"start": interval["start"], "end": interval["end"]}


def _regions(
    tag: str,
    kind: str,
    read: Callable[[Value], dict[str, Any] | None],
    write: Callable[[Value], dict[str, Any]],
) -> Form:
    """Return the form of a list of labelled places in a display of ``kind``."""
    key = tag.lower()

    def read_all(question: Any, values: list[Value]) -> list[dict[str, Any]]:
        labels = [_known(question, _only(value[key])) for value in values]
        places = [read(value) for value in values]
        return [
            {"label": label, **place}
            for label, place in zip(labels, places, strict=True)
            if place is not None
        ]

    return Form(
        tag=tag,
        option_tag="Label",
        object_kind=kind,
        attributes=lambda _: {},
        read=read_all,
        write=lambda answer: [{**write(region), key: [region["label"]]} for region in answer],
    )


def _whole(
    tag: str,
    attributes: Callable[[Any], dict[str, str]],
    read: Callable[[Any, list[Value]], Any],
    write: Callable[[Any], dict[str, Any]],
    option_tag: str = "",
) -> Form:
    """Return the form of one answer to a whole task."""
    return Form(tag, option_tag, "", attributes, read, lambda answer: [write(answer)])


NUMBER = _whole(
    "Number",
    lambda q: {**_bounds(q), **_required(q)},
    lambda _, values: _number(_only(values)["number"]),
    lambda answer: {"number": answer},
)
RATING = _whole(
    "Rating",
    lambda q: {"maxRating": str(q.most), **_required(q)},
    lambda _, values: _number(_only(values)["rating"]),
    lambda answer: {"rating": answer},
)
FORMS = {
    "choice": _whole(
        "Choices",
        lambda q: {"choice": "multiple" if q.multiple else "single", **_required(q)},
        _read_choice,
        lambda answer: {"choices": [answer] if isinstance(answer, str) else list(answer)},
        option_tag="Choice",
    ),
    "text": _whole(
        "TextArea",
        lambda q: {"maxSubmissions": "1", **_required(q)},
        _read_text,
        lambda answer: {"text": [answer]},
    ),
    "number": NUMBER,
    "boxes": _regions("RectangleLabels", "image", _read_box, _write_box),
    "polygons": _regions("PolygonLabels", "image", _read_polygon, _write_polygon),
    "keypoints": _regions("KeyPointLabels", "image", _read_keypoint, _write_keypoint),
    # Label Studio's documents say characters; ours, and what Python models count, are code points.
    "spans": _regions("Labels", "text", _read_span, _write_interval),
    "audio_regions": _regions("Labels", "audio", _read_audio, _write_interval),
}
