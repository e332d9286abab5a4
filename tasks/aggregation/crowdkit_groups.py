"""crowd-kit's aggregators of comparisons, of embeddings and of multiple choice.

See ``crowdkit.py`` for why few files import crowd-kit or pandas, and when.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import isfinite
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from crowdkit.aggregation import (
    HRRASA,
    RASA,
    BinaryRelevance,
    BradleyTerry,
    ClosestToAverage,
    NoisyBradleyTerry,
)
from numpy.typing import NDArray

from tasks.aggregation.canonical import Canonical, canonical
from tasks.aggregation.comparisons import Comparison
from tasks.aggregation.errors import NotEnoughLabels, UnsupportedLabels
from tasks.aggregation.labels import Found, Label, Merged, Reading

Floats = NDArray[np.float64]

ROUNDS = 1000  # of Bradley-Terry; it stops as soon as scores settle
OFF_ZERO = 1e-3  # first coordinate of every list: crowd-kit cannot compare empty vectors
SAME = 1e-12  # distances this close are a tie: they differ by rounding only


def fit_comparisons(method: str, comparisons: Sequence[Comparison]) -> dict[str, float]:
    """Score items by ``method``, bradley_terry or noisy_bradley_terry: higher is better.

    crowd-kit knows no ties: they are left out. bradley_terry's scores sum to 1, and are those
    of the maximum likelihood, which is not finite for an item that never lost;
    noisy_bradley_terry's lie between 0 and 1.

    Raises ``NotEnoughLabels`` where no comparison has a winner, or a score is not finite.
    """
    rows = sorted(
        (c.worker, c.left, c.right, c.left if c.winner == "left" else c.right)
        for c in comparisons
        if c.winner != "tie"
    )
    if not comparisons:
        return {}
    if not rows:
        raise NotEnoughLabels("All comparisons are ties: there is nothing to learn from them.")
    frame = pd.DataFrame(rows, columns=["worker", "left", "right", "label"])
    with _quietly():
        scores = RANKERS[method](frame)
    if not np.isfinite(scores).all():
        raise NotEnoughLabels("Too few comparisons: some items have no finite score.")
    return {str(item): float(score) for item, score in scores.sort_index().items()}


RANKERS: Mapping[str, Callable[[Any], Any]] = {
    "bradley_terry": lambda frame: BradleyTerry(n_iter=ROUNDS).fit_predict(frame),
    "noisy_bradley_terry": lambda frame: NoisyBradleyTerry().fit_predict(frame),
}


def fit_multiple(method: str, readings: Sequence[Reading]) -> Merged:
    """Aggregate lists of ticked options by ``method``, binary_relevance over majority votes.

    An option wins with more than half of the answers. The confidence of a task is the lowest
    share of the answers that agree with the consensus about an option. Skills are empty.
    """
    table = canonical([Label(r.task, r.worker, "\n".join(_ticked(r.value))) for r in readings])
    ticked = [frozenset(filter(None, name.split("\n"))) for name in table.classes]
    given: defaultdict[int, list[frozenset[str]]] = defaultdict(list)
    for task, _, answer in table.rows:
        given[task].append(ticked[answer])
    rows = [(task, worker, sorted(ticked[answer])) for task, worker, answer in table.rows]
    frame = pd.DataFrame(rows, columns=["task", "worker", "label"])
    chosen: Mapping[int, list[str]] = {}
    if any(ticked):
        with _quietly():
            chosen = dict(MULTIPLE[method](frame))
    return Merged(
        {
            table.tasks[task]: Found(
                sorted(chosen.get(task, [])),
                _least_agreed(frozenset(chosen.get(task, [])), answers),
            )
            for task, answers in given.items()
        },
        {},
    )


MULTIPLE: Mapping[str, Callable[[Any], Any]] = {
    "binary_relevance": lambda frame: BinaryRelevance().fit_predict(frame),
}


def _ticked(value: object) -> list[str]:
    if not isinstance(value, list | tuple | set | frozenset) or not all(
        isinstance(option, str) and option and "\n" not in option for option in value
    ):
        raise UnsupportedLabels(f"{value!r} is not a list of options.")
    return sorted(set(value))


def _least_agreed(chosen: frozenset[str], answers: Sequence[frozenset[str]]) -> float:
    options = frozenset[str]().union(*answers)
    agreed = (
        sum((option in answer) == (option in chosen) for answer in answers) for option in options
    )
    return min(agreed, default=len(answers)) / len(answers)


def fit_embeddings(method: str, readings: Sequence[Reading]) -> Merged:
    """Choose by ``method`` the answer that is nearest to its task's mean embedding.

    ``method`` is closest_to_average, rasa or hrrasa. Values are numbers, or lists of numbers of
    one length; rasa and hrrasa compare lists by the angle between them, numbers by their
    difference. The confidence is 1 less the mean distance of the task's answers from the chosen
    one, as a share of the largest distance in the box around all answers. Ties go to the
    smaller answer. The answer of a task that has one is that answer. Skills are empty: what
    these methods estimate about workers is a weight without a unit.

    Raises ``UnsupportedLabels`` for a value that is no finite number or list of them, for lists
    of different lengths, and when a worker answered a task twice.
    """
    if not readings:
        return Merged({}, {})
    table = canonical([Label(r.task, r.worker, repr(_vector(r.value))) for r in readings])
    values = {repr(_vector(r.value)): r.value for r in readings}
    points = np.array(_of_one_length([_vector(values[name]) for name in table.classes]))
    chosen = _nearest(method, table, points, plain=not isinstance(readings[0].value, list | tuple))
    size = float(np.linalg.norm(np.ptp(points, axis=0))) or 1.0
    given: defaultdict[int, list[int]] = defaultdict(list)
    for task, _, answer in table.rows:
        given[task].append(answer)
    return Merged(
        {
            table.tasks[task]: Found(
                values[table.classes[chosen[task]]],
                1 - float(np.linalg.norm(points[of] - points[chosen[task]], axis=1).mean()) / size,
            )
            for task, of in given.items()
        },
        {},
    )


def _vector(value: Any) -> tuple[float, ...]:
    numbers = value if isinstance(value, list | tuple) else [value]
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, Real) or not isfinite(number):
            raise UnsupportedLabels(f"{value!r} is not a number or a list of numbers.")
    return tuple(float(number) + 0.0 for number in numbers)


def _of_one_length(vectors: Sequence[tuple[float, ...]]) -> Sequence[tuple[float, ...]]:
    if len({len(vector) for vector in vectors}) > 1 or not vectors[0]:
        raise UnsupportedLabels("Embeddings are compared: all must have the same length.")
    return vectors


def _nearest(method: str, table: Canonical, points: Floats, *, plain: bool) -> dict[int, int]:
    """Return by task code the class code of the chosen answer."""
    vectors = _on_a_quarter_circle(points) if plain else _off_zero(points)
    if method == "closest_to_average":
        vectors = points
    # Of equal distances crowd-kit takes the first row: the smaller answer, whoever gave it.
    ranks = {code: rank for rank, code in enumerate(np.lexsort(points.T[::-1]).tolist())}
    rows = sorted(table.rows, key=lambda row: (row[0], ranks[row[2]], row[1]))
    frame = pd.DataFrame(rows, columns=["task", "worker", "output"])
    frame["embedding"] = [vectors[code] for _, _, code in rows]
    shared = frame[frame.groupby("task")["task"].transform("size") > 1].reset_index(drop=True)
    chosen = {task: code for task, _, code in rows}
    if len(shared):
        with _quietly():
            found = CHOOSERS[method](shared)["output"]
        chosen |= {int(task): int(code) for task, code in found.items()}
    return chosen


def _on_a_quarter_circle(points: Floats) -> Floats:
    """Place numbers on an arc, where the angle between two grows with their difference."""
    low, size = points.min(), float(np.ptp(points)) or 1.0
    angle = (points[:, 0] - low) / size * np.pi / 2
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _off_zero(points: Floats) -> Floats:
    size = float(np.abs(points).max()) or 1.0
    return np.hstack([np.full((len(points), 1), OFF_ZERO), points / size])


def _distance(one: Floats, other: Floats) -> float:
    return float(np.round(np.linalg.norm(one - other) / SAME) * SAME)


CHOOSERS: Mapping[str, Callable[[Any], Any]] = {
    "closest_to_average": lambda frame: ClosestToAverage(distance=_distance).fit_predict(frame),
    "rasa": lambda frame: RASA().fit_predict(frame),
    # There are no texts to compare beside the embeddings.
    "hrrasa": lambda frame: HRRASA(
        lambda_emb=1.0, lambda_out=0.0, output_similarity=lambda _, __: 0.0
    ).fit_predict(frame),
}


@contextmanager
def _quietly() -> Iterator[None]:
    """Silence what crowd-kit does on purpose; put numpy's global generator back."""
    state = np.random.get_state()
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", pd.errors.SettingWithCopyWarning)
            warnings.simplefilter("ignore", FutureWarning)
            warnings.filterwarnings("ignore", r".*__sklearn_tags__", DeprecationWarning)
            yield
    finally:
        np.random.set_state(state)
