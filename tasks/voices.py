"""How sure the answers to one question make us of each task, and what one more would be worth.

``Voices`` hears questions that have classes, and learns who gives the answers; ``Opinions`` the
others, by how far answers agree. Tasks and workers go by their places, numbers from 0 on.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.aggregation.adaptive import Policy, expected_gain
from tasks.aggregation.calibration import fit_exponent, tempered
from tasks.aggregation.grouping import ACCURACY, Grouping, grouped
from tasks.aggregation.online import ROUNDS, WARM_ROUNDS, OnlineModel
from tasks.aggregation.online import Answers as Labels
from tasks.coding import Coding

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


NOTHING = Grouping(0, 0)


class Judged(NamedTuple):
    """What one question says about tasks, an entry for each."""

    confidence: Floats
    gain: Floats  # expected of one more answer
    soundness: Floats  # probability that the answers say anything
    spoke: Flags  # whether anybody answered the question there


class Voices:
    """The answers to one question that has classes, and the model of who gives them."""

    def __init__(self, question: Coding) -> None:
        self.question = question
        self.units, self.workers, self.labels = array("q"), array("q"), array("q")
        self.gold: dict[int, int] = {}
        self.model: OnlineModel | None = None

    def add(self, place: int, worker: int, value: Any) -> None:
        """Hear ``worker`` say ``value`` about the task at ``place``."""
        for unit, label in self.question.code(value):
            self.units.append(place * self.question.units + unit)
            self.workers.append(worker)
            self.labels.append(label)

    def know(self, place: int, value: Any) -> None:
        """Learn the answer of the gold task at ``place``, to measure the model by, not to teach it.

        Told, it would use what one group of a gold task's answers taught it on the next group.
        """
        for unit, label in self.question.code(value):
            self.gold[place * self.question.units + unit] = label

    def fit(self, places: int, workers: int) -> OnlineModel:
        """Bring the model up to date with everything heard."""
        said = Labels(
            *(np.array(each, np.int64) for each in (self.units, self.workers, self.labels))
        )
        model = OnlineModel(
            said,
            tasks=places * self.question.units,
            workers=workers,
            classes=self.question.classes,
            start=self.model,
        )
        self.model = model.refit(WARM_ROUNDS if self.model else ROUNDS)
        return model

    def judge(self, chosen: Ints, places: int, workers: int) -> Judged:
        """Judge the tasks at the places ``chosen``.

        Of a task with several units its least certain one speaks.
        """
        model = self.fit(places, workers)
        exponent = self._exponent(model)
        units = (chosen[:, None] * self.question.units + np.arange(self.question.units)).ravel()
        posteriors = tempered(model.evidence[units], exponent)
        gain = expected_gain(posteriors, model.accuracy, exponent=exponent)
        shape = (len(chosen), self.question.units)
        confidence = posteriors.max(axis=1).reshape(shape)
        least = confidence.argmin(axis=1)[:, None]

        def of_least(values: Floats) -> Floats:
            return np.take_along_axis(values.reshape(shape), least, axis=1)[:, 0]

        spoke = (model.answered[units] > 0).reshape(shape).any(axis=1)
        return Judged(
            of_least(confidence), of_least(gain), of_least(model.soundness()[units]), spoke
        )

    def _exponent(self, model: OnlineModel) -> float:
        known = [unit for unit in self.gold if model.answered[unit]]
        truth = np.array([self.gold[unit] for unit in known], np.int64)
        return fit_exponent(model.evidence[np.array(known, np.int64)], truth)


class Opinions:
    """The answers to one question without classes: how far those to one task agree."""

    def __init__(self, name: str, kind: str) -> None:
        self.name, self.kind = name, kind
        self.values: defaultdict[int, list[Any]] = defaultdict(list)
        self.groups: dict[int, Grouping] = {}
        self.fresh: set[int] = set()

    def add(self, place: int, worker: int, value: Any) -> None:
        """Hear somebody say ``value`` about the task at ``place``."""
        self.values[place].append(value)
        self.fresh.add(place)

    def know(self, place: int, value: Any) -> None:
        """Gold teaches nothing where nobody is weighed."""

    def judge(self, chosen: Ints, places: int, workers: int) -> Judged:
        """Judge the tasks at the places ``chosen``, as ``Voices.judge`` does.

        A task is sound until many answered it and no two agree: more will not either.
        """
        for place in self.fresh:
            self.groups[place] = grouped(self.values[place], self.kind)
        self.fresh.clear()
        groups = [self.groups.get(place, NOTHING) for place in chosen.tolist()]
        confidence = np.array([each.confidence for each in groups])
        answers = np.array([each.answers for each in groups], np.int64)
        alone = np.array([each.size == 1 for each in groups])
        sure = np.clip(confidence, 0.5, 1.0)
        gain = expected_gain(np.stack([sure, 1 - sure], axis=1), ACCURACY)
        sound = np.where(alone & (answers >= Policy.hopeless_after), 0.0, 1.0)
        return Judged(confidence, gain, sound, answers > 0)
