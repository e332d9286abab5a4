"""What one requester can have: rows in every state that a route of the API asks for."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from payments.models import Funding
from tasks import answer, publish
from tasks.assist import predict
from tasks.checks import flags, overrides
from tasks.disclosure import ratings, report
from tasks.hearings import appeals, jury
from tasks.models import Consensus, Flag, Gold, RequesterRecord, Restriction, Return
from tasks.reviews import review
from tests.factories import (
    NOON,
    WHY,
    a_project,
    a_worker,
    claim,
    drafted_batch,
    fresh,
    published_batch,
    refuse,
    rejected,
    submitted,
)
from workers import decisions, forum, proposals, qualify, terms
from workers.models import Decision, Office, Proposal

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
        **voice(worker),
        **rated(project, worker),
        "funding": deposited(requester).pk,
        **heard(project, worker),
        "returned": handed_back(made, worker),
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


def deposited(requester):
    """A deposit through the provider that could go back."""
    return Funding.objects.create(
        owner=requester, amount_minor=50, currency="USD", status="paid", refundable_minor=50,
        payment_intent_id=f"pi_{requester.pk}", created_at=NOON, paid_at=NOON,
    )  # fmt: skip


def rated(project, worker):
    """A batch in which an answer of the worker's was rejected, and what they said of it."""
    batch = published_batch(tasks=1, project=project)
    rejected(batch, worker=worker)
    marks = dict.fromkeys(["fairness", "pay", "speed", "communication"], 3)
    said = ratings.rate(worker=worker, batch=batch, **marks, text=CANARY, now=NOON)
    report.publish_due(now=timezone.now())
    RequesterRecord.objects.create(requester=project.requester, ratings=5, computed_at=NOON)
    return {"rated": batch.pk, "rating": said.pk, "requester": project.requester_id}


def heard(project, worker):
    """A rejection and a limit that the worker may appeal, a case to join, and one they sit on."""
    now = timezone.now()
    batch = published_batch(tasks=3, project=project)
    refused = [fresh(submitted(batch, worker=who)) for who in (worker, a_worker(), a_worker())]
    said = {"actor": project.requester, "now": now, "reason": f"{CANARY}: {WHY}"}
    first, *others = [refuse(assignment=each, **said) for each in refused]
    case, seat = [appeals.appeal(rejection=each, message=CANARY, now=now) for each in others]
    elected(worker, now)
    jury.join(appeal_id=seat.pk, worker=worker, now=now)
    limited = decisions.record(
        kind=Decision.Kind.LIMIT, subject_kind="restriction", subject_id=1, concerns=worker.user,
        made_by=project.requester, reasons=CANARY, now=now,
    )  # fmt: skip
    return {
        "refused": first.pk, "case": case.pk, "seat": seat.pk, "decision": limited.pk,
        "refusing": batch.pk,
    }  # fmt: skip


def elected(worker, now):
    """Make the worker a reviewer, as an election does."""
    won = Proposal.objects.create(
        kind="reviewer", title="t", text="t", candidate=worker, proposed_by=worker.user,
        opened_at=NOON, closes_at=NOON + DAY, yes=1, no=0, outcome="carried",
        counted_at=NOON + DAY,
    )  # fmt: skip
    Office.objects.create(
        worker=worker, kind=won.kind, proposal=won, since=now - DAY, until=now + 100 * DAY
    )


def voice(worker):
    """What a worker says among workers, and the terms; a vote that is open now."""
    proposed = proposals.propose(
        proposed_by=worker.user,
        kind=Proposal.Kind.RULE,
        title="A vote",
        text="On something.",
        now=timezone.now(),
    )
    return {
        "post": forum.post(author=worker, text=CANARY, now=NOON).pk,
        "proposal": proposed.pk,
        "terms": terms.load_shipped(NOON).version,
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


def handed_back(batch, worker):
    """A return that waits for the requester, as it would where a floor is in force."""
    held = claim(batch, worker)
    answer.skip(assignment=held, reason=CANARY, code=Return.Reason.BROKEN, now=NOON)
    Return.objects.filter(pk=held.pk).update(status="waiting", amount_minor=1)
    return held.pk


def doubt(batch, requester):
    """A waiting review of the only task of ``batch``, which somebody has answered."""
    answered = submitted(batch, worker=a_worker())
    Consensus.objects.create(
        task=answered.task, name="label", value="cat", confidence=0.6, method="majority_vote",
        answers=1, aggregated_at=NOON,
    )  # fmt: skip
    review.request_named(batch=batch, tasks=[answered.task_id], actor=requester, now=NOON)
    return batch.reviews.get()
