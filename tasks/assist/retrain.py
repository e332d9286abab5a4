"""The built-in text model of a project, trained again as labels arrive.

A baseline is a predictor that a requester has registered; each training leaves another version
of it, with predictions. What is due follows from the rows: how many answers have come since the
newest version was made.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from django.db import transaction
from django.db.models import Max, Q

from tasks.alone import alone
from tasks.assist import ordering, predictions
from tasks.assist.predictions import Said
from tasks.interface import Choice, Display, Interface, Survey
from tasks.learning import baseline
from tasks.learning.errors import LearningError
from tasks.models import Assignment, Batch, Consensus, Predictor, TaskInput
from tasks.versions import asked
from workers import events

TRAIN = 4_713  # class of advisory locks, beside those of tasks.alone; the rest is the project
TEXTS_MAX = 20_000  # read in one training, the newest; half of them may have labels
CELLS_MAX = 50_000  # labels times classes: about a minute of one core
CHARACTERS_MAX = 20_000_000  # of all texts together
NEW_ANSWERS = 50  # the least that a training is worth
GROWTH = 0.2  # of the answers so far, so that a large project is trained ever more rarely
SURE_MIN = 0.01  # weight of a label that nothing speaks for
CHUNK = 1_000
TEXTS = frozenset({"text", "html"})


class Material(NamedTuple):
    """What one training reads."""

    texts: dict[int, str]
    labels: dict[int, str]
    weights: dict[int, float]


def retrain_due(*, now: datetime, limit: int = 1) -> int:
    """Train up to ``limit`` baselines for which enough answers have come; return how many."""
    trained = 0
    newest = (
        Predictor.objects.filter(kind=Predictor.Kind.BASELINE)
        .values("project", "name")
        .annotate(newest=Max("pk"))
        .order_by("newest")
        .values_list("newest", flat=True)
    )
    for predictor in Predictor.objects.filter(pk__in=list(newest)).order_by("created_at", "pk"):
        if trained == limit:
            break
        if _is_due(predictor):
            trained += retrain(predictor=predictor, now=now)
    return trained


def retrain(*, predictor: Predictor, now: datetime) -> bool:
    """Train the baseline after ``predictor``; store its predictions, and reorder open batches.

    Returns False, having done nothing, while there is too little to learn from or another run
    has the project in hand. A run that dies leaves nothing behind.
    """
    with alone(TRAIN, predictor.project_id) as mine:
        if not mine:
            return False
        batches = alike(predictor.project_id)
        question = _question(batches)
        if question is None:
            return False
        material = _material(batches, question)
        try:
            trained = baseline.train(material.texts, material.labels, weights=material.weights)
        except LearningError:
            return False
        said = [
            Said(task, {question.name: each.label}, each.probabilities[each.label],
                 {question.name: each.probabilities}, trained_on=False)
            for task, each in trained.predictions.items()
        ]  # fmt: skip
        return _keep(predictor, said, batches, now, accuracy=trained.accuracy)


def _is_due(predictor: Predictor) -> bool:
    of_project = Assignment.objects.counted().filter(batch__project=predictor.project_id)
    new = of_project.filter(submitted_at__gt=predictor.created_at).count()
    first = not predictor.predictions.exists()
    total = of_project.count()
    return (total if first else new) >= max(NEW_ANSWERS, GROWTH * total)


def alike(project_id: int) -> list[Batch]:
    """Return the project's published batches whose first single choice is the newest one's."""
    batches = list(Batch.objects.published().filter(project=project_id).order_by("-pk"))
    question = _question(batches)
    return [batch for batch in batches if question and _same(_question([batch]), question)]


def _same(one: Choice | None, other: Choice) -> bool:
    return one is not None and (one.name, one.outcomes) == (other.name, other.outcomes)


def _question(batches: list[Batch]) -> Choice | None:
    """Return what the newest of the batches asks first that has one answer of several."""
    for batch in batches[:1]:
        for each in asked(batch.version_id).checker.interface.questions:
            if isinstance(each, Choice) and not each.multiple:
                return each
    return None


def _material(batches: list[Batch], question: Choice) -> Material:
    """Read labels that people gave, and texts: up to half for these, the rest for other tasks."""
    most = min(TEXTS_MAX // 2, CELLS_MAX // len(question.options))
    labels: dict[int, str] = {}
    weights: dict[int, float] = {}
    rows = (
        Consensus.objects.filter(task__batch__in=batches, name=question.name, task__gold=None)
        .exclude(source=Consensus.Source.MODEL)
        .order_by("-task")
        .values_list("task", "value", "confidence", "source")
    )
    for task, value, confidence, source in rows[:most]:
        labels[task] = str(value)
        reviewed = source == Consensus.Source.REVIEW
        weights[task] = 1.0 if reviewed else max(SURE_MIN, confidence)
    fields = _shown(asked(batches[0].version_id).checker.interface)
    known = TaskInput.objects.filter(task__in=labels)
    # Gold is predicted like any other task: without a suggestion it would show.
    live = Batch.objects.live().filter(pk__in=[batch.pk for batch in batches])
    others = TaskInput.objects.filter(task__batch__in=live).exclude(task__in=labels)
    texts: dict[int, str] = {}
    for inputs, room in (known, most), (others, TEXTS_MAX - len(labels)):
        _read(inputs.order_by("-task").values_list("task", "data")[:room], fields, texts)
    return Material(texts, labels, weights)


def _read(rows: Iterable[tuple[int, dict[str, object]]], fields: list[str] | None,
          texts: dict[int, str]) -> None:  # fmt: skip
    """Add texts until there are too many characters."""
    room = CHARACTERS_MAX - sum(map(len, texts.values()))
    pages = rows.iterator(chunk_size=CHUNK) if hasattr(rows, "iterator") else rows
    for task, data in pages:
        text = baseline.text_of(data, fields)[: baseline.MOST_CHARACTERS]
        room -= len(text)
        if room < 0:
            return
        texts[task] = text


def _shown(interface: Interface) -> list[str] | None:
    """Return the fields that hold text the worker reads; None, for all, where none is declared."""
    fields: list[str] = []
    for element in interface.elements:
        inner = [element] if not isinstance(element, Survey) else [
            each for page in element.pages for each in page.elements
        ]  # fmt: skip
        for each in inner:
            if isinstance(each, Display) and each.kind in TEXTS:
                fields += each.fields
    return sorted(set(fields)) or None


@transaction.atomic
def _keep(
    before: Predictor, said: list[Said], batches: list[Batch], now: datetime, *, accuracy: float
) -> bool:
    """Store the predictions as the baseline's next version, and put the batches in their order."""
    versions = Predictor.objects.filter(project=before.project_id, name=before.name)
    predictor = Predictor.objects.create(
        project_id=before.project_id,
        name=before.name,
        version=str(versions.count()),
        kind=Predictor.Kind.BASELINE,
        created_at=now,
    )
    predictions.store(predictor, said, now=now)
    ids = sorted(batch.pk for batch in batches)
    for pk in ids:
        # One that is busy keeps its order until the next training.
        locked = Batch.objects.select_for_update(no_key=True, skip_locked=True).filter(pk=pk)
        for batch in locked.filter(Q(status=Batch.Status.OPEN) | Q(status=Batch.Status.PAUSED)):
            ordering.line_up(batch)
    events.record(
        kind="baseline_trained",
        subject_kind="project",
        subject_id=before.project_id,
        actor=None,
        at=now,
        data={"name": before.name, "version": predictor.version, "tasks": len(said),
              "accuracy": accuracy},
    )  # fmt: skip
    return True
