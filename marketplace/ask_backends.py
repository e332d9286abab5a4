"""Asks models behind an HTTP address about the tasks they have not been asked about yet."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator
from datetime import datetime
from time import monotonic
from typing import Any

from django.db.models import Exists, Max, OuterRef

from marketplace import label_studio, ml_backend
from marketplace.ml_backend import Access, BackendError
from tasks.alone import alone
from tasks.assist import predictions
from tasks.assist.prediction_rows import parts
from tasks.assist.predictions import NOTHING, Said
from tasks.errors import InvalidAnswer
from tasks.interface import Interface
from tasks.models import Batch, Prediction, Predictor, TaskInput
from tasks.versions import asked

ASK = 4_720  # class of advisory locks, beside those of tasks.alone; the rest is the predictor
ASKED_ABOUT = (Batch.Status.DRAFT, Batch.Status.OPEN, Batch.Status.PAUSED)
AT_ONCE = 50  # tasks in one request
TASKS_MAX = 1_000  # asked of one model in one run
SECONDS_MAX = 60.0  # for one run; what is left waits for the next
TIMEOUT_SECONDS = 20.0  # for one request

logger = logging.getLogger(__name__)


def ask_backends(*, now: datetime, allow_private: bool, seconds: float = SECONDS_MAX) -> int:
    """Ask the newest version of every model about tasks it has not predicted; return how many.

    A server that fails is left alone until the next run, and the log says why. A task of which a
    model says nothing, or nothing that fits, is noted as predicted with an empty answer, so that
    it is not asked again. Dying in the middle loses one request's answers.
    """
    access = Access(allow_private=allow_private, timeout_seconds=TIMEOUT_SECONDS)
    until = monotonic() + seconds
    backends = _newest()
    random.shuffle(backends)  # so that slow ones do not always come first
    return sum(_ask_about_all(each, access, until, now) for each in backends)


def _ask_about_all(predictor: Predictor, access: Access, until: float, now: datetime) -> int:
    """Ask one model, unless another run does, until nothing, or no time, is left."""
    asked_for = 0
    with alone(ASK, predictor.pk) as mine:
        for batch, inputs in _waiting(predictor) if mine else ():
            if monotonic() > until:
                break
            try:
                asked_for += ask(predictor, batch, inputs, access=access, now=now)
            except BackendError as error:
                named = predictor.name, predictor.project_id
                logger.warning("model %s of project %s: %s", *named, error)
                break
    return asked_for


def _newest() -> list[Predictor]:
    named = Predictor.objects.filter(kind=Predictor.Kind.BACKEND).values("project", "name")
    ids = named.annotate(newest=Max("pk")).values_list("newest", flat=True)
    return list(Predictor.objects.filter(pk__in=list(ids)))


def _waiting(predictor: Predictor) -> Iterator[tuple[Batch, dict[int, dict[str, Any]]]]:
    """Yield what the model has not been asked about, a request's worth at a time."""
    said = Prediction.objects.filter(predictor=predictor, task=OuterRef("task"))
    left = TASKS_MAX
    batches = Batch.objects.filter(project=predictor.project_id, status__in=ASKED_ABOUT)
    for batch in batches.order_by("pk"):
        unasked = TaskInput.objects.filter(~Exists(said), task__batch=batch).order_by("task")
        while left > 0 and (inputs := dict(unasked.values_list("task", "data")[:AT_ONCE])):
            left -= len(inputs)
            yield batch, inputs


def ask(
    predictor: Predictor,
    batch: Batch,
    inputs: dict[int, dict[str, Any]],
    *,
    access: Access,
    now: datetime,
) -> int:
    """Ask about the tasks with these inputs and store what is said; return how many were asked.

    Raises ``BackendError``; nothing is stored then.
    """
    interface = asked(batch.version_id).checker.interface
    replies = ml_backend.predict(
        predictor.url,
        {task: label_studio.task_data(interface, shown) for task, shown in inputs.items()},
        project=predictor.project_id,
        config=label_studio.label_config(interface),
        access=access,
    )
    said = [_said(interface, batch, predictor, reply) for reply in replies]
    predictions.store(predictor, said, now=now)
    return len(said)


def _said(
    interface: Interface, batch: Batch, predictor: Predictor, reply: ml_backend.Prediction
) -> Said:
    value = NOTHING
    try:
        if found := label_studio.to_answer(interface, reply.result):
            value = parts(batch.version_id).check(found)
    except (BackendError, InvalidAnswer) as error:
        logger.warning("model %s, task %s: %s", predictor.name, reply.task, error)
    return Said(reply.task, value, reply.score if value else None)
