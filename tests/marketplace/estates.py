"""What one requester can have: rows in every state that a route of the API asks for."""

from __future__ import annotations

from datetime import timedelta

from tasks import publish
from tasks.assist import predict
from tasks.checks import flags, overrides
from tasks.models import Consensus, Flag, Gold, Restriction
from tasks.reviews import review
from tests.factories import (
    NOON,
    a_project,
    a_worker,
    claim,
    drafted_batch,
    published_batch,
    submitted,
)
from workers import qualify

DAY = timedelta(days=1)
CANARY = "canary"  # in every text of the requester's


def estate(requester, worker, interface=None):
    """One requester's rows in every state that a route asks for, with one worker's among them."""
    project = a_project(requester=requester, interface=interface)
    project.title = CANARY
    project.save()
    made = published_batch(tasks=9, project=project)
    paused = published_batch(tasks=1, project=project)
    publish.pause(batch=paused, actor=requester, now=NOON)
    said = [{"external_id": str(number), "value": {"label": "cat"}} for number in range(9)]
    said = [{**each, "score": 0.5} for each in said]
    predict.push(batch=made, name="model", version="1", rows=said, actor=requester, now=NOON)
    kind = qualify.define(requester=requester, name=CANARY, now=NOON)
    qualify.grant(type=kind, worker=worker, now=NOON, actor=requester)
    doubted = published_batch(tasks=1, gold=1, gold_rate=0.5, project=project)
    doubtful = doubt(doubted, requester)
    return {
        **judge(made, worker),
        "doubted": doubted.pk,
        "task": doubtful.task_id,
        "review": doubtful.pk,
        "gold": Gold.objects.get(task__batch=doubted).pk,
        "project": project.pk,
        "draft": drafted_batch(project=project).pk,
        "open": made.pk,
        "paused": paused.pk,
        "adaptive": published_batch(tasks=1, project=project, redundancy="adaptive").pk,
        "type": kind.pk,
        "submitted": submitted(made, worker=worker).pk,
        "active": claim(made, worker).pk,
    }


def judge(batch, worker):
    """A live restriction of the worker in the batch, and a question about them that waits."""
    claim(batch, worker)
    made = Restriction.objects.create(
        worker=worker, batch=batch, kind="more_gold", value=0.5, sentence=CANARY, evidence={},
        made_at=NOON, until=NOON + DAY,
    )  # fmt: skip
    overrides.bring_up(worker_id=worker.pk, project_id=batch.project_id)
    asked = {"sentence": CANARY, "evidence": {"observations": 10}}
    flags.raise_flag(worker_id=worker.pk, batch_id=batch.pk, kind="gold", now=NOON, **asked)
    return {"restriction": made.pk, "flag": Flag.objects.get(worker=worker).pk}


def doubt(batch, requester):
    """A waiting review of the only task of ``batch``, which somebody has answered."""
    answered = submitted(batch, worker=a_worker())
    Consensus.objects.create(
        task=answered.task, name="label", value="cat", confidence=0.6, method="majority_vote",
        answers=1, aggregated_at=NOON,
    )  # fmt: skip
    review.request_named(batch=batch, tasks=[answered.task_id], actor=requester, now=NOON)
    return batch.reviews.get()
