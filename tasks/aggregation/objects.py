"""Lists of objects → one list: match them, vote on which are real, average those that are.

What the kinds of objects share; ``boxes.py`` and its neighbours add the geometry.
Source: S. Branson, G. Van Horn, P. Perona, Lean Crowdsourcing: Combining Humans and Machines
in an Online System, CVPR 2017, for workers who miss objects, invent them and place them
badly; here the three are estimated one after the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import fmean
from typing import Any, NamedTuple

import numpy as np

from tasks.aggregation.detection import TIE, Ballots, Detection, detect
from tasks.aggregation.drawings import Codes, Drawings, Floats, Geometry, Shapes, even_out, read
from tasks.aggregation.labels import Found, Merged, Reading
from tasks.aggregation.matching import match

# A worker's mean distance from what the others drew counts as if the crowd's mean had been
# seen that often before.
STRANGER = 5.0
TINY = 1e-9  # what differs by less than this, relatively, differs by rounding
NARROWEST = 0.01  # nobody's drawing is trusted to be nearer than this, in 1 - similarity


class Drawn(NamedTuple):
    """One object of a consensus and what speaks for it."""

    value: dict[str, Any]  # in the form of an answer
    probability: float  # that there is such an object; its label has a vote of its own
    label_share: float  # of the weight of those who drew it
    drawn_by: int  # workers
    of: int  # workers who answered the task


class Groups(NamedTuple):
    """Which objects are the same; all arrays are by object or by group."""

    of_object: Codes  # the group
    task: Codes  # by group, ascending
    ballots: Ballots
    own_ballot: Codes  # by object: the ballot of its worker on its group


class Verdicts(NamedTuple):
    """What sets of objects come to, one row per set."""

    shapes: Shapes
    labels: Codes
    shares: Floats  # of the label's weight


class Model(NamedTuple):
    drawings: Drawings
    groups: Groups
    detection: Detection
    nearness: Floats  # by worker: how much their drawing weighs in an average


def fit_objects(readings: Sequence[Reading], geometry: Geometry) -> Merged:
    """Make one list of objects per task out of the workers' lists.

    Objects are matched (``matching.match``). A group is kept when it is likelier real than
    not given who drew it and who did not (``detection.detect``); a tie is left out. Its label
    is the one with the most weight behind it, a tie going to the alphabetically first; its
    place is the average of its objects, those of precise workers weighing more. Objects are
    listed by place, then by label.

    The confidence of a task is the mean, over all its groups, of the probability that what was
    decided is right: to leave it out, or to keep it under its label. A task on which nobody
    drew anything is ``[]`` with confidence 1. With a single answer it is that answer, unless
    its worker is known to be no better than chance.

    A skill is the mean, over the tasks that others answered too, of
    ``overlap.list_similarity`` between the worker's answer and what the others' objects come
    to without theirs, in the same groups and with the same weights. Who shares no task with
    anyone has none.

    Raises ``UnsupportedLabels`` when a worker answered a task twice.
    """
    model = _model(readings, geometry)
    kept = _kept(model, geometry)
    confidences = _confidences(model, kept)
    tasks = model.drawings.tasks
    return Merged(
        consensus={
            task: Found([drawn.value for drawn in kept.get(code, {}).values()], confidences[code])
            for code, task in enumerate(tasks)
        },
        skills=_skills(model, geometry),
    )


def list_objects(readings: Sequence[Reading], geometry: Geometry) -> dict[int, list[Drawn]]:
    """Return the objects of ``fit_objects`` by task, each with what speaks for it."""
    model = _model(readings, geometry)
    kept = _kept(model, geometry)
    return {
        task: list(kept.get(code, {}).values()) for code, task in enumerate(model.drawings.tasks)
    }


def _model(readings: Sequence[Reading], geometry: Geometry) -> Model:
    drawings = read(readings, geometry.encode)
    groups = _group(drawings, geometry)
    detection = detect(groups.ballots, np.ones(len(groups.task)), len(drawings.workers))
    strangers = Model(drawings, groups, detection, np.ones(len(drawings.workers)))
    return strangers._replace(nearness=_nearness(strangers, geometry))


def _group(drawings: Drawings, geometry: Geometry) -> Groups:
    of_object = np.zeros(len(drawings.task), dtype=np.int64)
    tasks: list[int] = []
    bounds = np.searchsorted(drawings.task, np.arange(len(drawings.tasks) + 1)).tolist()
    for task, (start, end) in enumerate(pairwise(bounds)):
        part = slice(start, end)
        alike = geometry.alike(drawings.shapes[part])
        for group in match(alike, drawings.worker[part], drawings.label[part]):
            of_object[[start + position for position in group]] = len(tasks)
            tasks.append(task)
    ballots = _ballots(drawings, np.array(tasks, dtype=np.int64))
    workers = len(drawings.workers)
    own = np.searchsorted(
        ballots.candidate * workers + ballots.worker, of_object * workers + drawings.worker
    )
    ballots.drew[own] = True
    return Groups(of_object, np.array(tasks, dtype=np.int64), ballots, own)


def _ballots(drawings: Drawings, tasks: Codes) -> Ballots:
    """Return a ballot for everyone who answered a group's task, sorted, and nothing drawn yet."""
    first = np.searchsorted(drawings.answered[:, 0], np.arange(len(drawings.tasks) + 1))
    counts = np.diff(first)[tasks]
    candidate = np.repeat(np.arange(len(tasks)), counts)
    within = np.arange(len(candidate)) - np.repeat(np.cumsum(counts) - counts, counts)
    worker = drawings.answered[first[tasks][candidate] + within, 1]
    return Ballots(candidate, worker, np.zeros(len(candidate), dtype=bool))


def _nearness(model: Model, geometry: Geometry) -> Floats:
    """Return the weight of each worker's drawing: one over how far it is from the others'."""
    drawings = model.drawings
    real = model.detection.probabilities[model.groups.of_object]
    distance, seen = np.zeros(len(drawings.task)), np.zeros(len(drawings.task))
    for own, others in _without_each(model.groups):
        verdicts = _decide(model, geometry, others)
        distance[own] = 1 - geometry.paired(drawings.shapes[own], verdicts.shapes)
        seen[own] = real[own]
    total = np.bincount(drawings.worker, seen, len(drawings.workers))
    sums = np.bincount(drawings.worker, seen * distance, len(drawings.workers))
    mean = sums.sum() / max(total.sum(), TINY)
    spread = (STRANGER * mean + sums) / (STRANGER + total)
    return np.asarray(1 / (spread + NARROWEST))


def _decide(model: Model, geometry: Geometry, members: Codes) -> Verdicts:
    """Average the objects and vote on the label of each row of ``members``, (g, k)."""
    drawings = model.drawings
    workers, labels = drawings.worker[members], drawings.label[members]
    weights = model.detection.weights[workers]
    weights = np.where(weights.sum(axis=1, keepdims=True) > TINY, weights, 1.0)
    support = ((labels[:, :, None] == labels[:, None]) * weights[:, None]).sum(axis=-1)
    total = weights.sum(axis=1)
    winning = support >= support.max(axis=1, keepdims=True) - TINY * total[:, None]
    return Verdicts(
        shapes=geometry.average(drawings.shapes, members, model.nearness[workers]),
        labels=np.where(winning, labels, len(drawings.labels)).min(axis=1),
        shares=np.minimum(support.max(axis=1) / total, 1.0),
    )


def _by_size(groups: Groups) -> Iterator[tuple[Codes, Codes]]:
    """Yield groups of one size and their objects: (g,), (g, k)."""
    order = np.argsort(groups.of_object, kind="stable")
    sizes = np.bincount(groups.of_object, minlength=len(groups.task))
    first = np.cumsum(sizes) - sizes
    for size in np.unique(sizes):
        chosen = np.flatnonzero(sizes == size)
        yield chosen, order[first[chosen][:, None] + np.arange(size)]


def _without_each(groups: Groups) -> Iterator[tuple[Codes, Codes]]:
    """Yield the objects of groups of one size, and the others of their groups: (n,), (n, k)."""
    for _, members in _by_size(groups):
        size = members.shape[1]
        if size > 1:
            others = [[j for j in range(size) if j != i] for i in range(size)]
            yield members.ravel(), members[:, others].reshape(-1, size - 1)


def _kept(model: Model, geometry: Geometry) -> dict[int, dict[int, Drawn]]:
    """Return what is kept, by task code and group, in the order it is listed in."""
    drawings, groups = model.drawings, model.groups
    probabilities = model.detection.probabilities.tolist()
    answers = np.bincount(drawings.answered[:, 0]).tolist()
    tasks = groups.task.tolist()
    found: list[tuple[int, Any, str, int, Drawn]] = []
    for chosen, members in _by_size(groups):
        real = model.detection.real[chosen]
        verdicts = _decide(model, geometry, members[real])
        columns = (chosen[real], verdicts.labels, verdicts.shares)
        for group, label, share, shape in zip(
            *(column.tolist() for column in columns), verdicts.shapes.tolist(), strict=True
        ):
            name, task = drawings.labels[label], tasks[group]
            value = {"label": name, **geometry.decode(shape)}
            drawn = Drawn(value, probabilities[group], share, members.shape[1], answers[task])
            found.append((task, shape, name, group, drawn))
    kept: dict[int, dict[int, Drawn]] = {}
    for task, _, _, group, drawn in sorted(found, key=lambda row: row[:4]):
        kept.setdefault(task, {})[group] = drawn
    return kept


def _confidences(model: Model, kept: dict[int, dict[int, Drawn]]) -> list[float]:
    certain = 1 - model.detection.probabilities
    for of_task in kept.values():
        for group, drawn in of_task.items():
            certain[group] = drawn.probability * drawn.label_share
    tasks = len(model.drawings.tasks)
    counts = np.bincount(model.groups.task, minlength=tasks)
    means = np.bincount(model.groups.task, certain, tasks) / np.maximum(counts, 1)
    return [float(mean) for mean in np.where(counts > 0, means, 1.0)]


def _skills(model: Model, geometry: Geometry) -> dict[int, float]:
    drawings, groups = model.drawings, model.groups
    shared = np.bincount(drawings.answered[:, 0])[drawings.answered[:, 0]] > 1
    sizes = len(drawings.workers)
    answer = drawings.answered[:, 0] * sizes + drawings.answered[:, 1]
    alike, without = _agreement(model, geometry)
    of_object = np.searchsorted(answer, drawings.task * sizes + drawings.worker)
    of_ballot = np.searchsorted(
        answer, groups.task[groups.ballots.candidate] * sizes + groups.ballots.worker
    )
    common = 2 * np.bincount(of_object, alike, len(answer))
    both = np.bincount(of_object, minlength=len(answer)) + np.bincount(
        of_ballot, without, len(answer)
    )
    scores = np.where(both > 0, np.minimum(common / np.maximum(both, 1), 1.0), 1.0)
    by_worker: dict[int, list[float]] = {}
    for worker, score in zip(
        drawings.answered[shared, 1].tolist(), scores[shared].tolist(), strict=True
    ):
        by_worker.setdefault(worker, []).append(score)
    skills = even_out({worker: fmean(own) for worker, own in by_worker.items()}, drawings.twins)
    return {drawings.workers[worker]: skill for worker, skill in skills.items()}


def _agreement(model: Model, geometry: Geometry) -> tuple[Floats, Floats]:
    """Compare with what the others found: similarity by object, whether they found it by ballot."""
    drawings, groups, detection = model.drawings, model.groups, model.detection
    without = detection.log_odds[groups.ballots.candidate] - detection.evidence > TIE
    alike = np.zeros(len(drawings.task))
    for own, others in _without_each(groups):
        verdicts = _decide(model, geometry, others)
        similarity = geometry.paired(drawings.shapes[own], verdicts.shapes)
        agreed = (verdicts.labels == drawings.label[own]) & without[groups.own_ballot[own]]
        alike[own] = np.where(agreed, similarity, 0.0)
    return alike, without.astype(np.float64)
