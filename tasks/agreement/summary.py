"""What a requester reads about the agreement on one question: everything in one JSON object."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import Any, NamedTuple, TypedDict

from tasks.aggregation.labels import Label, Reading
from tasks.aggregation.majority import majority
from tasks.aggregation.overlap import KINDS
from tasks.aggregation.text import normalise
from tasks.agreement.alpha import alpha_of, expected_distance
from tasks.agreement.distances import JACCARD, Distance, distance_of
from tasks.agreement.kappa import above_chance, fleiss
from tasks.agreement.pairs import Pair, pairs
from tasks.agreement.uncertainty import consistency, overall_uncertainty, task_uncertainty
from tasks.agreement.units import (
    Units,
    as_text,
    grouped,
    interned,
    pairable,
    remembered,
    weighed_pairs,
)

MOST = 10  # disputed tasks named
FEW = 5  # pairs of workers named, best and worst
ALIKE = 0.5  # similarity from which two drawings, or two sets of spans, count as agreeing
LABELS = ("choice", "pairwise", "text")
SIMILARITIES = {
    "choice": "equal or not",
    "pairwise": "equal or not",
    "multiple_choice": "Jaccard",
    "text": "1 - edit distance / length",
    "rating": "1 - difference / range",
    "number": "1 - difference / range",
    "ranking": "pairs in the same order",
    "keypoints": "matched nearness",
}


class Similarity(TypedDict):
    """How alike two answers to a task are, from 0 to 1; tasks weigh the same."""

    name: str
    mean: float | None  # None without a task that has two answers
    chance: float | None  # of any two answers at all
    above_chance: float | None  # how much of what chance leaves open was reached
    agree_from: float  # two answers this similar count as agreeing


class Uncertainty(TypedDict):
    """Entropies in nats: 0 when all answers are the same."""

    tasks: float  # mean over tasks
    overall: float  # of all answers together: what the labels' shares alone leave open


class Dispute(TypedDict):
    task: int
    disagreement: float  # 1 - mean similarity, in [0, 1]
    answers: int


class Summary(TypedDict):
    """Agreement on one question, over the tasks that two or more answered; JSON-ready."""

    kind: str
    tasks: int
    answers: int
    workers: int
    alpha: dict[str, Any]  # the fields of ``Alpha``
    fleiss: dict[str, Any] | None  # the fields of ``Kappa``; of labels only
    similarity: Similarity
    percent_agreement: float | None  # share in [0, 1] of pairs of answers that agree
    unanimous: float | None  # share in [0, 1] of tasks all of whose answers agree
    uncertainty: Uncertainty | None  # of labels only
    consistency: float | None  # of labels only: mean probability of the majority's label
    disputed: list[Dispute]  # most disputed first; ties by task id
    pairs_compared: int
    best_pairs: list[dict[str, Any]]  # the fields of ``Pair``; most agreement first
    worst_pairs: list[dict[str, Any]]  # least agreement first; none of the best


class _Unit(NamedTuple):
    task: int
    answers: int
    similarity: float  # mean over its pairs of answers
    agreeing: float  # share of its pairs of answers


def agreement_of(
    kind: str, readings: Sequence[Reading], skills: Mapping[int, float] | None = None
) -> Summary:
    """Summarise how far ``readings``, answers to a question of type ``kind``, agree.

    Answers that are None, and tasks that only one worker answered, are left out. Consistency
    is the probability of the majority's label given ``skills``, probabilities of a right label
    by worker, and where these are left out given each worker's agreement with the others.

    Raises ``UnsupportedLabels`` when a worker answered a task twice, there is no such kind, or
    an answer does not fit it.
    """
    distance = distance_of(kind)
    kept = pairable(readings)
    codes, values = interned(kept, distance.read)
    units = grouped(kept, codes, values)
    measure = _measure(kind, distance, values)
    apart = remembered(values, measure.between)
    found = _by_unit(units, apart, _agree_from(kind))
    labels = _labels(kind, kept)
    coded = [reading._replace(value=code) for reading, code in zip(kept, codes, strict=True)]
    compared = pairs(coded, lambda a, b: 1.0 - apart(a, b))
    best, worst = _named(compared)
    known = apart if measure is distance else None
    return Summary(
        kind=kind,
        tasks=len(units.tasks),
        answers=len(kept),
        workers=len({reading.worker for reading in kept}),
        alpha=alpha_of(*_by_code(units, distance, known))._asdict(),
        fleiss=_fleiss(labels),
        similarity=_similarity(kind, _by_code(units, measure, apart), found),
        percent_agreement=_mean([unit.agreeing for unit in found]),
        unanimous=_mean([float(unit.agreeing == 1) for unit in found]),
        uncertainty=_uncertainty(labels),
        consistency=_consistency(labels, skills),
        disputed=_disputed(found),
        pairs_compared=len(compared),
        best_pairs=best,
        worst_pairs=worst,
    )


def _measure(kind: str, distance: Distance, values: Sequence[Any]) -> Distance:
    """Return a distance in [0, 1] whose complement a person can read as a similarity."""
    if kind == "multiple_choice":
        return JACCARD
    if distance.scale in {"nominal", "pairs"}:
        return distance
    span = max(values, default=0.0) - min(values, default=0.0)

    def of_range(first: float, second: float) -> float:
        return abs(first - second) / span if span else 0.0

    return Distance("difference / range", of_range, distance.read)


def _agree_from(kind: str) -> float:
    return ALIKE if kind in KINDS else 1.0


def _by_code(
    units: Units, distance: Distance, apart: Callable[[int, int], float] | None
) -> tuple[Units, Distance]:
    """Return ``units`` and ``distance`` for answers as codes: what ``apart`` knows is kept."""
    if apart is None or distance.scale != "pairs":
        return units, distance
    return units._replace(values=list(range(len(units.values)))), distance._replace(between=apart)


def _by_unit(units: Units, apart: Callable[[int, int], float], agree_from: float) -> list[_Unit]:
    found = []
    for task, codes in zip(units.tasks, units.members(), strict=True):
        pairs_of, total = weighed_pairs(codes)
        distances = [(apart(a, b), number) for a, b, number in pairs_of]
        mean = math.fsum(distance * number for distance, number in distances) / total
        against = sum(number for distance, number in distances if 1 - distance < agree_from)
        found.append(_Unit(task, len(codes), 1 - mean, 1 - against / total))
    return found


def _similarity(kind: str, compared: tuple[Units, Distance], found: Sequence[_Unit]) -> Similarity:
    mean = _mean([unit.similarity for unit in found])
    chance = 1 - expected_distance(*compared)[0] if found else None
    return Similarity(
        name=SIMILARITIES.get(kind, "matched IoU"),
        mean=mean,
        chance=chance,
        above_chance=None if mean is None or chance is None else above_chance(mean, chance),
        agree_from=_agree_from(kind),
    )


def _labels(kind: str, kept: Sequence[Reading]) -> list[Label]:
    """Return the answers as labels, and none where they are no labels."""
    if kind not in LABELS:
        return []
    read = normalise if kind == "text" else as_text
    return [Label(task, worker, read(value)) for task, worker, value in kept]


def _fleiss(labels: Sequence[Label]) -> dict[str, Any] | None:
    return fleiss([Reading(*label) for label in labels])._asdict() if labels else None


def _uncertainty(labels: Sequence[Label]) -> Uncertainty | None:
    if not labels:
        return None
    return Uncertainty(
        tasks=fmean(task_uncertainty(labels).values()), overall=overall_uncertainty(labels)
    )


def _consistency(labels: Sequence[Label], skills: Mapping[int, float] | None) -> float | None:
    if not labels:
        return None
    fit = majority(labels)
    winners = {task: consensus.label for task, consensus in fit.consensus.items()}
    known = fit.skills if skills is None else skills
    return fmean(consistency(labels, known, winners).values())


def _disputed(found: Sequence[_Unit]) -> list[Dispute]:
    ranked = sorted(found, key=lambda unit: (unit.similarity, unit.task))
    return [
        Dispute(task=unit.task, disagreement=1 - unit.similarity, answers=unit.answers)
        for unit in ranked[:MOST]
        if unit.similarity < 1
    ]


def _named(compared: Sequence[Pair]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the best and the worst of pairs that come from least to most agreement."""
    best = sorted(compared, key=lambda pair: (-pair.agreement, -pair.tasks, pair.a, pair.b))
    best = best[: min(FEW, (len(best) + 1) // 2)]
    worst = [pair for pair in compared if pair not in best][:FEW]
    return [pair._asdict() for pair in best], [pair._asdict() for pair in worst]


def _mean(shares: Sequence[float]) -> float | None:
    return fmean(shares) if shares else None
