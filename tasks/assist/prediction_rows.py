"""What a model's owner sends: one row becomes one prediction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from tasks.assist.predictions import Said
from tasks.errors import InvalidAnswer, InvalidRow
from tasks.interface import Interface
from tasks.interface.partial import PartChecker
from tasks.models import Batch, Predictor, Task, TaskInput
from tasks.versions import asked

REJECTED_SHOWN = 1_000  # rejected rows named in the answer; all are counted
KEYS = {"task", "external_id", "value", "score", "probabilities", "trained_on"}
SLACK = 1e-6  # probabilities may sum to that much more than 1, by rounding


class Refused(NamedTuple):
    """A row that did not become a prediction."""

    row: int  # counted from 1
    reason: str


@dataclass(slots=True)
class Pushed:
    """What became of the predictions that were sent."""

    predictor: Predictor
    predictions: int = 0  # written, as new or over what was there
    unchanged: int = 0  # there already, or shown to a worker and so kept as it was
    rejected: int = 0
    rejections: list[Refused] = field(default_factory=list)

    def reject(self, row: int, reason: str) -> None:
        """Count a refused row, and remember the first ones."""
        self.rejected += 1
        if len(self.rejections) < REJECTED_SHOWN:
            self.rejections.append(Refused(row, reason))


class Reader:
    """Makes rows predictions of one batch's tasks."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._interface = asked(batch.version_id).checker.interface
        self._parts = parts(batch.version_id)
        self._seen: set[int] = set()

    def read(self, chunk: list[tuple[int, Any]], pushed: Pushed) -> Iterator[Said]:
        """Yield what good rows say; the others go into ``pushed``."""
        named = [raw for _, raw in chunk if isinstance(raw, Mapping)]
        ids, by_name = self._tasks(named), self._by_external_id(named)
        for number, raw in chunk:
            try:
                said = self._said(_task_of(raw, ids, by_name), raw)
            except (InvalidRow, InvalidAnswer) as error:
                pushed.reject(number, str(error))
            else:
                self._seen.add(said.task)
                yield said

    def _tasks(self, rows: list[Mapping[str, Any]]) -> set[int]:
        ids = {row["task"] for row in rows if _is_id(row.get("task"))}
        found = Task.objects.filter(batch=self._batch, pk__in=ids)
        return set(found.values_list("pk", flat=True))

    def _by_external_id(self, rows: list[Mapping[str, Any]]) -> dict[str, list[int]]:
        names = [row.get("external_id") for row in rows]
        texts = {each for each in names if isinstance(each, str) and each and "\0" not in each}
        if not texts:
            return {}
        found: dict[str, list[int]] = {}
        inputs = TaskInput.objects.filter(task__batch=self._batch, external_id__in=texts)
        for name, task in inputs.values_list("external_id", "task"):
            found.setdefault(name, []).append(task)
        return found

    def _said(self, task: int, raw: Mapping[str, Any]) -> Said:
        if task in self._seen:
            raise InvalidRow("An earlier row is about the same task.")
        trained_on = raw.get("trained_on")
        if not (trained_on is None or isinstance(trained_on, bool)):
            raise InvalidRow("trained_on must be true or false.")
        value = self._parts.check(raw.get("value"))
        probabilities = _probabilities(raw.get("probabilities"), self._interface)
        score = _score(raw.get("score"), value, probabilities)
        return Said(task, value, score, probabilities, trained_on)


@lru_cache(maxsize=64)
def parts(version_id: int) -> PartChecker:
    """Return the checker of predictions for one version, kept because a version never changes."""
    return PartChecker(asked(version_id).checker.interface)


def _is_id(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63


def _task_of(raw: Any, ids: set[int], by_name: Mapping[str, list[int]]) -> int:
    if isinstance(raw, Exception):
        raise InvalidRow(str(raw))
    if not isinstance(raw, Mapping) or raw.keys() - KEYS:
        raise InvalidRow(f"A row must be an object with no other fields than {_listed(KEYS)}.")
    task, name = raw.get("task"), raw.get("external_id")
    if (task is None) == (name is None):
        raise InvalidRow("Give either the task or the external_id.")
    if task is not None:
        if not (_is_id(task) and task in ids):
            raise InvalidRow(f"There is no task {task!r:.60} in this batch.")
        return int(task)
    found = by_name.get(name, []) if isinstance(name, str) else []
    if len(found) != 1:
        many = "Several tasks have" if found else "No task has"
        raise InvalidRow(f"{many} the external_id {name!r:.60} in this batch.")
    return found[0]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _score(
    score: Any, value: Mapping[str, Any], probabilities: Mapping[str, Mapping[str, float]] | None
) -> float | None:
    """Return the score, or without one the least of the probabilities of what is said."""
    if score is not None:
        if not _is_share(score):
            raise InvalidRow("score must be a number from 0 to 1.")
        return float(score)
    if not probabilities or value.keys() - probabilities.keys():
        return None
    each = [probabilities[name].get(str(said), 0.0) for name, said in value.items()]
    return float(min(each))


def _probabilities(said: Any, interface: Interface) -> dict[str, dict[str, float]] | None:
    if said is None:
        return None
    outcomes = {each.name: {str(one) for one in each.outcomes} for each in interface.questions}
    if not isinstance(said, Mapping) or said.keys() - outcomes.keys():
        raise InvalidRow("probabilities must be an object: by question, by possible answer.")
    for name, shares in said.items():
        if not isinstance(shares, Mapping) or shares.keys() - outcomes[name]:
            raise InvalidRow(f"The probabilities of {name!r} name what cannot be answered.")
        if not all(_is_share(each) for each in shares.values()) or not (
            0 < sum(shares.values()) <= 1 + SLACK
        ):
            raise InvalidRow(
                f"The probabilities of {name!r} must be from 0 to 1, and so their sum."
            )
    return {name: dict(shares) for name, shares in said.items()} or None
