"""What a simulated worker draws, marks, rates, compares or ranks.

There is a true answer per task, drawn from the seed. Who is right gives it with a hand that
shakes a little; who is wrong leaves something out, adds something, or answers otherwise.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

from marketplace.simulation.crowd import SimulatedWorker, likely_truth
from tasks.interface import (
    AudioRegions,
    Boxes,
    Keypoints,
    Masks,
    Number,
    Pairwise,
    Polygons,
    Question,
    Ranking,
    Rating,
    Relations,
    Spans,
    VideoRegions,
)

SHAKE = 0.01  # standard deviation of a hand, in shares of the picture
MARKS = 2  # true marks per task
SIDE = 16  # of a mask, in pixels
WORDS_LONG = 40  # code points that spans are placed within
SECONDS_LONG = 30.0


def respond(
    question: Question, worker: SimulatedWorker, key: str, so_far: Mapping[str, Any]
) -> Any:
    """Return the worker's answer to a question that is neither a choice nor free text.

    ``so_far`` has the answers given before it, which relations refer to. Raises ``KeyError``
    for a type of question that nobody taught the simulation.
    """
    if isinstance(question, Rating | Pairwise):
        return _one_of(question, worker, key)
    if isinstance(question, Relations):
        return _relations(question, so_far)
    draw = random.Random(f"{worker.seed}|{worker.name}|{key}|hand")  # noqa: S311
    truth = random.Random(f"{worker.seed}|{key}|truth")  # noqa: S311
    is_right = worker.choose(key, "yes", ("yes", "no"), {}) == "yes"
    return HANDS[type(question)](question, truth if is_right else draw, draw)


def _one_of(question: Rating | Pairwise, worker: SimulatedWorker, key: str) -> str | int:
    texts = {str(outcome): outcome for outcome in question.outcomes}
    truth = likely_truth(key, list(texts), seed=worker.seed)
    return texts[worker.choose(key, truth, list(texts), {})]


def _relations(question: Relations, so_far: Mapping[str, Any]) -> list[dict[str, Any]]:
    spans = so_far.get(question.spans) or []
    ends = [{"start": span["start"], "end": span["end"]} for span in spans]
    if len(ends) < 2 or question.most < 1:  # noqa: PLR2004 - a relation has two ends
        return []
    return [{"label": question.labels[0].value, "from": ends[0], "to": ends[1]}]


def _number(question: Number, truth: random.Random, hand: random.Random) -> float:
    low, high = max(question.least, -1000.0), min(question.most, 1000.0)
    known = truth.uniform(low, high)
    near = min(max(known + hand.gauss(0, 0.01 * (high - low)), low), high)
    if question.step is None:
        return round(near, 3)
    steps = round((near - question.start) / question.step)
    stepped = question.start + steps * question.step
    return stepped if low <= stepped <= high else question.start


def _ranking(question: Ranking, truth: random.Random, _: random.Random) -> list[str]:
    items = [item.value for item in question.items]
    truth.shuffle(items)
    return items[: question.top]


def _boxes(question: Boxes, truth: random.Random, hand: random.Random) -> list[dict[str, Any]]:
    def box() -> dict[str, float]:
        x, y, width, height = (truth.uniform(0.05, 0.4) for _ in range(4))
        return {
            "x": _near(x, hand),
            "y": _near(y, hand),
            "width": _near(width, hand),
            "height": _near(height, hand),
        }

    return _marks(question, truth, box)


def _polygons(
    question: Polygons, truth: random.Random, hand: random.Random
) -> list[dict[str, Any]]:
    def polygon() -> dict[str, Any]:
        x, y, size = (truth.uniform(0.1, 0.4) for _ in range(3))
        corners = [(x, y), (x + size, y), (x + size, y + size), (x, y + size)]
        return {"points": [[_near(a, hand), _near(b, hand)] for a, b in corners]}

    return _marks(question, truth, polygon)


def _keypoints(
    question: Keypoints, truth: random.Random, hand: random.Random
) -> list[dict[str, Any]]:
    labels = [option.value for option in question.labels][: question.most]
    return [
        {
            "label": label,
            "x": _near(truth.uniform(0.1, 0.9), hand),
            "y": _near(truth.uniform(0.1, 0.9), hand),
        }
        for label in labels
    ]


def _masks(question: Masks, truth: random.Random, hand: random.Random) -> list[dict[str, Any]]:
    before = truth.randrange(SIDE * SIDE // 2) + hand.randrange(3)
    inside = SIDE * SIDE // 4
    counts = [before, inside, SIDE * SIDE - before - inside]
    return [{"label": question.labels[0].value, "size": [SIDE, SIDE], "counts": counts}]


def _spans(question: Spans, truth: random.Random, _: random.Random) -> list[dict[str, Any]]:
    places = iter(range(0, WORDS_LONG, WORDS_LONG // MARKS))

    def span() -> dict[str, int]:
        start = next(places) + truth.randrange(5)
        return {"start": start, "end": start + 3 + truth.randrange(5)}

    return _marks(question, truth, span)


def _regions(
    question: AudioRegions | VideoRegions, truth: random.Random, hand: random.Random
) -> list[dict[str, Any]]:
    def region() -> dict[str, float]:
        start = truth.uniform(0, SECONDS_LONG)
        return {
            "start": round(max(0.0, start + hand.gauss(0, 0.05)), 3),
            "end": round(start + 2 + abs(hand.gauss(0, 0.05)), 3),
        }

    return _marks(question, truth, region)


def _marks(question: Any, truth: random.Random, place: Callable[[], dict[str, Any]]) -> list[Any]:
    count = min(max(MARKS, question.least), question.most)
    labels = [option.value for option in question.labels]
    return [{"label": truth.choice(labels), **place()} for _ in range(count)]


def _near(value: float, hand: random.Random) -> float:
    return round(min(max(value + hand.gauss(0, SHAKE), 0.01), 0.95), 6)


HANDS: Mapping[type, Callable[[Any, random.Random, random.Random], Any]] = {
    Number: _number,
    Ranking: _ranking,
    Boxes: _boxes,
    Polygons: _polygons,
    Keypoints: _keypoints,
    Masks: _masks,
    Spans: _spans,
    AudioRegions: _regions,
    VideoRegions: _regions,
}
