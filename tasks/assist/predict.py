"""What a requester does with models: register them, send predictions, say what they are for."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from django.db import transaction

from tasks.assist import ordering, predictions
from tasks.assist.prediction_rows import Pushed, Reader
from tasks.errors import IllegalTransition, InvalidOrder, InvalidPredictor
from tasks.interface import Choice
from tasks.models import Assignment, Batch, Predictor, Project
from tasks.versions import asked
from workers import events
from workers.models import User

CHUNK = 5_000  # rows held in memory at once
FIRST = {Predictor.Kind.BASELINE: "0"}  # a baseline's versions are counted from its first training


class Use(NamedTuple):
    """What a batch's predictions are for."""

    prelabels: bool = False
    votes: bool = False
    auto_label_error: float | None = None
    audit_rate: float = 0.05


@transaction.atomic
def register(
    *,
    project: Project,
    name: str,
    kind: str,
    version: str = "",
    url: str = "",
    actor: User,
    now: datetime,
) -> Predictor:
    """Make one version of a model known; the same again gives the one there is.

    Without a version it is "1". A baseline is trained by a job, which counts its versions.

    Raises:
        InvalidPredictor: the name belongs to another kind of model, the version to another
            address, or there is nothing that a baseline could learn or is told.
    """
    if version and kind in FIRST:
        raise InvalidPredictor("A baseline counts its versions itself: leave the version out.")
    version = FIRST.get(Predictor.Kind(kind), version or "1")
    _check_kind(project, name, kind, url)
    predictor, is_new = Predictor.objects.get_or_create(
        project=project,
        name=name,
        version=version,
        defaults={"kind": kind, "url": url, "created_at": now},
    )
    if predictor.url != url:
        raise InvalidPredictor(
            f"Version {version!r} of {name!r} has another address: give the new one a version."
        )
    if is_new:
        said = {"name": name, "version": version, "model": kind}
        _record("predictor_registered", "project", project.pk, actor, now, **said)
    return predictor


def _check_kind(project: Project, name: str, kind: str, url: str) -> None:
    if (kind == Predictor.Kind.BACKEND) != bool(url):
        raise InvalidPredictor("A backend needs its url, and no other kind has one.")
    others = Predictor.objects.filter(project=project, name=name).exclude(kind=kind)
    if other := others.first():
        raise InvalidPredictor(f"{name!r} is a model of the kind {other.kind}: use another name.")
    if kind == Predictor.Kind.BASELINE:
        interface = asked(project.latest.pk).checker.interface
        if not any(isinstance(each, Choice) and not each.multiple for each in interface.questions):
            raise InvalidPredictor("A baseline learns one choice of several; none is asked.")


@transaction.atomic
def push(
    *,
    batch: Batch,
    name: str,
    version: str,
    rows: Iterable[Any],
    actor: User,
    now: datetime,
) -> Pushed:
    """Store what a model says of the tasks of a batch, all good rows or, if anything fails, none.

    A row is ``{"task" or "external_id", "value", "score", "probabilities", "trained_on"}``; an
    exception in its place is refused with its own words. ``value`` may answer some of the
    questions only. Each question is checked by itself, as in a worker's answer; which ones must
    be answered together is not.

    Raises:
        IllegalTransition: the batch is closed.
        InvalidPredictor: the name belongs to another kind of model.
    """
    if batch.status == Batch.Status.CLOSED:
        raise IllegalTransition("A closed batch takes no predictions.")
    predictor = register(
        project=batch.project, name=name, kind="pushed", version=version, actor=actor, now=now
    )
    # One push at a time, or two in different orders would wait for each other.
    Predictor.objects.select_for_update(no_key=True).get(pk=predictor.pk)
    pushed, reader = Pushed(predictor), Reader(batch)
    numbered = enumerate(rows, start=1)
    while chunk := list(islice(numbered, CHUNK)):
        said = list(reader.read(chunk, pushed))
        stored = predictions.store(predictor, said, now=now)
        pushed.predictions += stored
        pushed.unchanged += len(said) - stored
    facts = {"predictor": predictor.pk, "count": pushed.predictions}
    _record("predictions_pushed", "batch", batch.pk, actor, now, **facts)
    return pushed


@transaction.atomic
def use(*, batch: Batch, wanted: Use, actor: User, now: datetime) -> Batch:
    """Say what a batch's predictions are for, from the next claim and the next job on.

    Raises:
        IllegalTransition: the batch is closing or closed.
    """
    batch = _locked(batch)
    if batch.status in {Batch.Status.CLOSING, Batch.Status.CLOSED}:
        raise IllegalTransition(f"A batch that is {batch.status} takes no more predictions.")
    voted = batch.model_votes
    batch.prelabels, batch.model_votes = wanted.prelabels, wanted.votes
    batch.auto_label_error, batch.audit_rate = wanted.auto_label_error, wanted.audit_rate
    batch.save(update_fields=["prelabels", "model_votes", "auto_label_error", "audit_rate"])
    if voted or batch.model_votes:
        # One answer that waits has all of the batch combined again, with or without the votes.
        one = Assignment.objects.counted().filter(batch=batch).values("pk")[:1]
        Assignment.objects.filter(pk__in=list(one.values_list("pk", flat=True))).update(
            aggregated_at=None
        )
    _record("batch_model_set", "batch", batch.pk, actor, now, **wanted._asdict())
    return batch


@transaction.atomic
def reorder(
    *, batch: Batch, strategy: str = ordering.DEFAULT, actor: User | None = None, now: datetime
) -> int:
    """Have people asked first what the batch's model is least sure of; return how many tasks.

    Tasks that somebody was given keep their place.

    Raises:
        InvalidOrder: there is no such strategy, or nothing is predicted.
        IllegalTransition: the batch is closing or closed.
    """
    batch = _locked(batch)
    if not batch.reopens and batch.status != Batch.Status.DRAFT:
        raise IllegalTransition(f"A batch that is {batch.status} hands nothing out.")
    try:
        placed = ordering.line_up(batch, strategy)
    except ordering.UnknownStrategy as error:
        raise InvalidOrder(str(error)) from None
    if not placed:
        raise InvalidOrder
    _record("batch_reordered", "batch", batch.pk, actor, now, strategy=strategy, tasks=placed)
    return placed


def _locked(batch: Batch) -> Batch:
    """Read the batch anew, and let nobody else change it until the transaction ends."""
    locked = Batch.objects.select_for_update(no_key=True, of=("self",)).select_related("project")
    return locked.get(pk=batch.pk)


def _record(
    kind: str, subject: str, pk: int, actor: User | None, now: datetime, **data: Any
) -> None:
    events.record(kind=kind, subject_kind=subject, subject_id=pk, actor=actor, at=now, data=data)
