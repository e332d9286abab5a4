"""What people's blind answers say about a model: how sure it must be, and whether that still holds.

Audits are tasks that a keyed hash has drawn; they always go to people. Taken in the order in
which their answers came in, the first ones choose a threshold (``tasks.learning.conformal``) and
those after them watch what it accepts (``tasks.learning.monitor``). A threshold is chosen anew
whenever half as many audits again have come in; so that all choices together are wrong about a
model with a probability of at most 10 %, each gets a part of it: 1 / (n (n + 1)), which sum to 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Count, Max, Q

from tasks.assist.predictions import CHUNK, NOTHING, model_of
from tasks.errors import InvalidAnswer
from tasks.learning.conformal import CONFIDENCE, Threshold, audit_sample, least_audits, threshold
from tasks.learning.monitor import Verdict, monitor
from tasks.models import Assignment, Batch, Consensus, Prediction, Predictor
from tasks.versions import asked
from workers.models import Event

FIRST = 1 - (1 - CONFIDENCE) / 2  # confidence of the first choice
GROWTH = 1.5  # times as many audits: then the threshold is chosen anew
STATED = ("batch_model_set", "batch_auto_label_stopped")  # events after which a new stream begins


class Audit(NamedTuple):
    """One task that the model predicted and people answered, without seeing what it said."""

    task: int
    score: float
    is_right: bool
    at: datetime  # of the last answer


class Standing(NamedTuple):
    """What is known of one batch's model."""

    model: Predictor | None
    audits: list[Audit]  # in the order of their last answers
    threshold: Threshold
    confidence: float  # with which the threshold is what it says
    verdict: Verdict  # of the audits of what a threshold would have accepted when they came in


def standing(batch: Batch, *, key: bytes) -> Standing:
    """Judge the batch's model by the audits so far; ``key`` draws which tasks are audits.

    The batch has an error bound. All follows from the rows: whoever asks gets the same.
    """
    assert batch.auto_label_error is not None
    model = model_of(batch)
    audits = sorted(_audits(batch, model, key), key=lambda each: (each.at, each.task))
    begun = _begun(batch)
    earlier = sum(each.at <= begun for each in audits) if begun else 0
    chosen, confidence, watched = _choose(audits, earlier, batch.auto_label_error)
    return Standing(
        model, audits, chosen, confidence, monitor(watched, error=batch.auto_label_error)
    )


def _choose(
    audits: Sequence[Audit], earlier: int, error: float
) -> tuple[Threshold, float, list[bool]]:
    """Return the threshold in force, its confidence, and whether each watched audit was right.

    An audit is watched from the lowest score on that was enough when its answers came in or
    before: what has been accepted once is watched for ever.
    """
    looks = _looks(len(audits), earlier, error)
    chosen, confidence = threshold([], [], error=error, confidence=FIRST), FIRST
    lowest: float | None = None
    watched: list[bool] = []
    for number, (size, confidence) in enumerate(looks, start=1):
        seen = audits[:size]
        chosen = threshold(
            [each.score for each in seen],
            [each.is_right for each in seen],
            error=error,
            confidence=confidence,
        )
        scores = [score for score in (lowest, chosen.score) if score is not None]
        lowest = min(scores, default=None)
        until = looks[number][0] if number < len(looks) else len(audits)
        if lowest is not None:
            watched += [each.is_right for each in audits[size:until] if each.score >= lowest]
    return chosen, confidence, watched


def _looks(audits: int, earlier: int, error: float) -> list[tuple[int, float]]:
    """Return the choices so far: on how many audits each rests, and its confidence.

    The first comes once there are enough to prove anything, and takes in all ``earlier`` ones:
    what broke the bound before is never left out.
    """
    looks: list[tuple[int, float]] = []
    size = max(earlier, least_audits(error, FIRST))
    while size <= audits:
        number = len(looks) + 1
        looks.append((size, 1 - (1 - CONFIDENCE) / (number * (number + 1))))
        size = int(size * GROWTH) + 1
    return looks


def _begun(batch: Batch) -> datetime | None:
    """When somebody last said what the model is for, or it was stopped."""
    said = Event.objects.filter(subject_kind="batch", subject_id=batch.pk, kind__in=STATED)
    at: datetime | None = said.aggregate(at=Max("at"))["at"]
    return at


def _voted(batch: Batch) -> bool:
    """Whether the model's own word has ever been part of the batch's consensus."""
    events = Event.objects.filter(subject_kind="batch", subject_id=batch.pk)
    return events.filter(kind="batch_model_set", data__votes=True).exists()


def _audits(batch: Batch, model: Predictor | None, key: bytes) -> Iterator[Audit]:
    if model is None:
        return
    predicted = candidates(batch, model).values_list("task", flat=True)
    drawn = drawn_among(predicted.iterator(chunk_size=CHUNK), batch, key)
    decided = _decided(batch, drawn)
    check = asked(batch.version_id).checker.check
    kinds = {each.name: each.kind for each in asked(batch.version_id).checker.interface.questions}
    ids = sorted(decided)
    for start in range(0, len(ids), CHUNK):
        rows = candidates(batch, model).filter(task__in=ids[start : start + CHUNK])
        for task, value, score in rows.values_list("task", "value", "score"):
            found, at = decided[task]
            if is_whole(value, check) and value.keys() <= found.keys():
                right = all(_same(value[name], found[name], kinds[name]) for name in value)
                yield Audit(task, score, right, at)


def _same(one: Any, other: Any, kind: str) -> bool:
    if one == other:
        return True
    # It imports scipy, which a web process needs for no other page.
    from tasks.aggregation.grouping import same_answer  # noqa: PLC0415

    return same_answer(one, other, kind)


def candidates(batch: Batch, model: Predictor) -> Any:
    """Return the model's predictions that may stand for an answer, or be judged as if they did."""
    return Prediction.objects.filter(
        predictor=model,
        task__batch=batch,
        task__gold=None,
        score__isnull=False,
        has_seen_labels=False,
    ).exclude(value=NOTHING)


def is_whole(value: object, check: Any) -> bool:
    """Whether a prediction could be a worker's answer as it is."""
    try:
        check(value)
    except InvalidAnswer:
        return False
    return True


def drawn_among(tasks: Iterable[int], batch: Batch, key: bytes) -> set[int]:
    """Return those of the tasks that people answer whatever the model says."""
    return audit_sample(tasks, batch.audit_rate, key)


def _decided(batch: Batch, tasks: Iterable[int]) -> dict[int, tuple[Mapping[str, Any], datetime]]:
    """Return, of tasks that people have finished blind, the consensus and when it was complete."""
    found: dict[int, tuple[Mapping[str, Any], datetime]] = {}
    since = _begun(batch) if _voted(batch) else None
    ids = sorted(tasks)
    for start in range(0, len(ids), CHUNK):
        chunk = ids[start : start + CHUNK]
        ended = _finished(chunk)
        values: dict[int, dict[str, Any]] = {}
        people = Consensus.objects.filter(task__in=ended).exclude(source=Consensus.Source.MODEL)
        if since is not None:  # before, the model's own vote may be in it
            people = people.filter(Q(source=Consensus.Source.REVIEW) | Q(aggregated_at__gte=since))
        for task, name, value in people.values_list("task", "name", "value"):
            values.setdefault(task, {})[name] = value
        found |= {task: (value, ended[task]) for task, value in values.items()}
    return found


def _finished(tasks: list[int]) -> dict[int, datetime]:
    """Return when those of the tasks that want no more answers got their last one."""
    counted = Q(status__in=Assignment.COUNTED)
    rows = (
        Assignment.objects.filter(task__in=tasks, task__remaining_overlap=0)
        .values("task")
        .annotate(
            waiting=Count("pk", filter=Q(status="active") | counted & Q(aggregated_at=None)),
            told=Count("pk", filter=counted & Q(suggestion__isnull=False)),
            at=Max("submitted_at", filter=counted),
        )
        .filter(waiting=0, told=0, at__isnull=False)
    )
    return {row["task"]: row["at"] for row in rows}
