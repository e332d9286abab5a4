"""Which mathematics each kind of question gets: its readings in, one answer per task out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from tasks.aggregation import methods
from tasks.aggregation.auto import PREFERRED, choose
from tasks.aggregation.boxes import fit_boxes
from tasks.aggregation.comparisons import fit_rankings
from tasks.aggregation.errors import AggregationError
from tasks.aggregation.keypoints import fit_keypoints
from tasks.aggregation.labels import Fit, Found, Label, Merged, Reading
from tasks.aggregation.masks import fit_masks_vote
from tasks.aggregation.methods import AUTO
from tasks.aggregation.multiple import NO, YES, fit_multiple
from tasks.aggregation.numbers import fit_numbers
from tasks.aggregation.polygons import fit_polygons
from tasks.aggregation.ratings import MOST_LEVELS, fit_ratings
from tasks.aggregation.regions import fit_regions
from tasks.aggregation.spans import fit_relations, fit_spans

LABELLED = frozenset({"choice", "pairwise"})
MAJORITY = "majority_vote"  # where the batch's method cannot work with what there is
FOR_TEXT = "text_majority"


class Asked(NamedTuple):
    """A question as aggregation sees it."""

    kind: str  # the element's type
    outcomes: tuple[str | int, ...]  # possible answers or options, if they can be listed
    is_multiple: bool = False
    spans: Merged | None = None  # for relations: what their spans came to


class Result(NamedTuple):
    """What came of the answers to one question, and by what method."""

    merged: Merged
    method: str


def resolve(asked: Asked, readings: Sequence[Reading], gold: Mapping[int, Any]) -> tuple[str, str]:
    """Say what ``AUTO`` means for a question, and why in a sentence.

    For questions with one label per answer gold decides, once there is enough of it.
    """
    if asked.is_multiple or asked.kind not in LABELLED:
        return PREFERRED, ""
    labels = [Label(each.task, each.worker, str(each.value)) for each in readings]
    chosen = choose(labels, {task: str(value) for task, value in gold.items()})
    return chosen.method, chosen.why


def merge(
    asked: Asked, readings: Sequence[Reading], method: str, gold: Mapping[int, Any]
) -> Result:
    """Make the ``readings`` of one question one answer per task.

    ``method`` is the batch's: questions of other kinds than it is for take their own. A method
    that cannot work with these answers gives way to the simplest, and the result says so.
    ``gold`` has the known answers of tasks among the readings.
    """
    if asked.is_multiple:
        return _multiple(asked, readings, method, gold)
    if asked.kind in LABELLED:
        return _labels(readings, method, gold)
    if asked.kind == "rating":
        return _rating(asked, readings, method, gold)
    return _values(asked, readings, method)


def _values(asked: Asked, readings: Sequence[Reading], method: str) -> Result:
    if asked.kind == "text":
        return _texts(readings, method)
    if asked.kind == "relations":
        return Result(fit_relations(readings, asked.spans), "matched_votes")
    if asked.kind == "masks" and method in methods.MASKS:
        return Result(methods.fit_masks(method, readings), method)
    fitter, name = OWN[asked.kind]
    return Result(fitter(readings), name)


OWN: Mapping[str, tuple[Callable[[Sequence[Reading]], Merged], str]] = {
    "number": (fit_numbers, "robust_number"),
    "boxes": (fit_boxes, "matched_votes"),
    "polygons": (fit_polygons, "matched_votes"),
    "keypoints": (fit_keypoints, "matched_votes"),
    "masks": (fit_masks_vote, "weighted_pixels"),
    "spans": (fit_spans, "matched_votes"),
    "audio_regions": (fit_regions, "matched_votes"),
    "video_regions": (fit_regions, "matched_votes"),
    "ranking": (fit_rankings, "weighted_kemeny"),
}


def _labels(readings: Sequence[Reading], method: str, gold: Mapping[int, Any]) -> Result:
    labels = [Label(each.task, each.worker, str(each.value)) for each in readings]
    known = {task: str(value) for task, value in gold.items()}
    fit, used = _classified(labels, method, known)
    return Result(_merged(fit), used)


def _rating(
    asked: Asked, readings: Sequence[Reading], method: str, gold: Mapping[int, Any]
) -> Result:
    if method not in methods.CLASSIFICATION and len(asked.outcomes) <= MOST_LEVELS:
        levels = int(asked.outcomes[0]), int(asked.outcomes[-1])
        return Result(fit_ratings(readings, levels), "ordinal_pool")
    if method not in methods.CLASSIFICATION:
        merged = fit_numbers(readings)
        rounded = {task: found._replace(value=round(found.value))
                   for task, found in merged.consensus.items()}  # fmt: skip
        return Result(merged._replace(consensus=rounded), "robust_number")
    # Zeros in front, so that ties go to the lower level and not to the one with fewer digits.
    code = {value: f"{place:04}" for place, value in enumerate(asked.outcomes)}
    coded = [each._replace(value=code[each.value]) for each in readings]
    found = _labels(coded, method, {task: code[value] for task, value in gold.items()})
    levels_of = {text: level for level, text in code.items()}
    decided = {task: Found(levels_of[each.value], each.confidence)
               for task, each in found.merged.consensus.items()}  # fmt: skip
    return found._replace(merged=found.merged._replace(consensus=decided))


def _texts(readings: Sequence[Reading], method: str) -> Result:
    labels = [Label(each.task, each.worker, each.value) for each in readings]
    fit, used = _fit(method if method in methods.TEXTS else FOR_TEXT, FOR_TEXT, labels, {})
    return Result(_merged(fit), used)


def _multiple(
    asked: Asked, readings: Sequence[Reading], method: str, gold: Mapping[int, Any]
) -> Result:
    """Aggregate option by option; see ``multiple``."""
    used: set[str] = set()

    def fit_one(option: str, labels: Sequence[Label]) -> Fit:
        known = {task: YES if option in ticked else NO for task, ticked in gold.items()}
        fit, name = _classified(labels, method, known)
        used.add(name)
        return fit

    options = [str(option) for option in asked.outcomes]
    ticked = [(each.task, each.worker, frozenset(each.value)) for each in readings]
    found = fit_multiple(ticked, options, fit_one)
    consensus = {
        # Options in the interface's order, as in an answer.
        task: Found([o for o in options if o in chosen.options], chosen.confidence)
        for task, chosen in found.consensus.items()
    }
    name = used.pop() if len(used) == 1 else MAJORITY
    return Result(Merged(consensus, found.skills), name)


def _classified(labels: Sequence[Label], method: str, gold: Mapping[int, str]) -> tuple[Fit, str]:
    wanted = PREFERRED if method == AUTO else method
    known = wanted if wanted in methods.CLASSIFICATION else MAJORITY
    return _fit(known, MAJORITY, labels, gold)


def _fit(
    wanted: str, spare: str, labels: Sequence[Label], gold: Mapping[int, str]
) -> tuple[Fit, str]:
    try:
        return methods.fit(wanted, labels, gold=gold), wanted
    except AggregationError:
        return methods.fit(spare, labels), spare


def _merged(fit: Fit) -> Merged:
    found = {task: Found(each.label, each.confidence) for task, each in fit.consensus.items()}
    return Merged(found, fit.skills)
