"""Every route that reads a body, with a good one, and how to read back what became of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from time import thread_time
from typing import Any

from django.db import transaction

from payments.models import Payout, Transfer
from tasks import settle
from tasks.models import (
    Answer,
    Assignment,
    Batch,
    Flag,
    Forecast,
    Predictor,
    Project,
    ProjectVersion,
    Review,
    Task,
)
from tests.factories import CATS_OR_DOGS, NOON, a_requester, a_user, published_batch, submitted, usd
from tests.marketplace.clients import JSON, api, problem_of
from tests.marketplace.estates import estate
from tests.tasks.marketplace import reread
from workers.models import Block, Event, Qualification, QualificationType

INTERFACE = [*CATS_OR_DOGS, {"type": "text", "name": "note", "required": False}]
SECONDS_MAX = 1.0  # of CPU, for one request
HERE = "<here>"


@dataclass(frozen=True)
class Endpoint:
    """A route with a body that it takes, and how to read back what became of each field."""

    method: str
    route: str
    body: dict[str, Any]
    read: Callable[[], dict[str, Any]]
    may_be_empty: bool = False  # no body is a request, too

    def __str__(self) -> str:
        return f"{self.method} {self.route}"


def latest(model: Any) -> Any:
    return model.objects.latest("pk")


def batch_fields() -> dict[str, Any]:
    batch = latest(Batch)
    return {
        "purpose": batch.purpose,
        "grants": batch.grants_id,
        "pass_mark": batch.pass_mark,
        "reward": batch.reward_minor,
        "currency": batch.currency,
        "overlap": batch.overlap,
        "redundancy": {
            "policy": batch.redundancy,
            "min": batch.overlap_min,
            "max": batch.overlap_max,
            "rule": batch.rule,
            "target": batch.target,
            "budget": batch.cap_minor,
        },
        "assignment_duration_seconds": batch.assignment_duration.total_seconds(),
        "auto_accept_delay_seconds": batch.auto_accept_delay.total_seconds(),
        "gold_rate": batch.gold_rate,
        "max_live_assignments": batch.max_live_assignments,
        "qualifications": batch.requirements,
        "aggregation": batch.aggregation,
    }


def version_fields() -> dict[str, Any]:
    version = latest(ProjectVersion)
    return {
        "title": latest(Project).title,
        "instructions": version.instructions,
        "interface": version.interface,
    }


def bonus_fields() -> dict[str, Any]:
    paid = latest(Transfer)
    token = paid.key.split(":", 2)[2]
    return {"amount": paid.amount_minor, "reason": HERE, "token": token}


def reason_of(status: str) -> dict[str, Any]:
    return {"reason": Assignment.objects.filter(status=status).latest("pk").reason}


def decision_of(status: str) -> dict[str, Any]:
    return {"reason": Flag.objects.get(status=status).reason}


def model_fields() -> dict[str, Any]:
    said = Event.objects.get(kind="batch_model_set")
    batch = Batch.objects.get(pk=said.subject_id)
    return {
        "prelabels": batch.prelabels,
        "votes": batch.model_votes,
        "auto_label_error": batch.auto_label_error,
        "audit_rate": batch.audit_rate,
    }


def decided_fields() -> dict[str, Any]:
    decided = Review.objects.exclude(status="waiting").get()
    given = Task.objects.get(pk=decided.task_id).remaining_overlap
    return {"value": decided.value, "note": decided.note, "answers": given}


def qualification_fields() -> dict[str, Any]:
    held = latest(Qualification)
    return {"worker": held.worker.public_id, "value": held.value, "reason": held.reason}


ENDPOINTS = [
    Endpoint(
        "POST",
        "projects",
        {"title": "t", "instructions": "i", "interface": INTERFACE},
        version_fields,
    ),
    Endpoint(
        "POST",
        "projects/<project>/versions",
        {"instructions": "i", "interface": INTERFACE},
        version_fields,
    ),
    Endpoint(
        "POST",
        "projects/<project>/batches",
        {
            "purpose": "work",
            "grants": None,
            "pass_mark": 0.7,
            "reward": 5,
            "currency": "USD",
            "overlap": 3,
            "redundancy": {
                "policy": "adaptive",
                "min": 2,
                "max": 5,
                "rule": "target",
                "target": 0.9,
                "budget": 1000,
            },
            "assignment_duration_seconds": 60,
            "auto_accept_delay_seconds": 60,
            "gold_rate": 0.1,
            "max_live_assignments": 5,
            "qualifications": [],
            "aggregation": "majority_vote",
        },
        batch_fields,
    ),
    Endpoint(
        "POST",
        "batches/<draft>/forecast",
        {
            "basis": "assumptions",
            "accuracy": [0.6, 0.9],
            "seconds": [10, 60],
            "workers_per_hour": 2,
            "answers_per_worker": 40,
        },
        lambda: {"basis": latest(Forecast).basis, **(latest(Forecast).data["given"] or {})},
    ),
    Endpoint(
        "PUT",
        "batches/<open>/qualifications",
        {"qualifications": []},
        lambda: {"qualifications": Batch.objects.get(requirements_version=1).requirements},
    ),
    Endpoint(
        "POST",
        "batches/<adaptive>/budget",
        {"budget": 90},
        lambda: {"budget": Batch.objects.get(redundancy="adaptive", cap_minor__gt=0).cap_minor},
    ),
    Endpoint(
        "POST",
        "projects/<project>/predictors",
        {"name": "n", "kind": "backend", "version": "v", "url": "http://model.example/x"},
        lambda: Predictor.objects.values("name", "kind", "version", "url").latest("pk"),
    ),
    Endpoint(
        "POST",
        "batches/<open>/order",
        {"strategy": "margin"},
        lambda: {"strategy": Event.objects.get(kind="batch_reordered").data["strategy"]},
        may_be_empty=True,
    ),
    Endpoint(
        "PUT",
        "batches/<open>/model",
        {"prelabels": True, "votes": True, "auto_label_error": 0.1, "audit_rate": 0.2},
        model_fields,
        may_be_empty=True,
    ),
    Endpoint(
        "POST",
        "batches/<open>/reviews",
        {"below": 0.5, "limit": 5},
        lambda: {"below": HERE, "limit": HERE},
    ),
    Endpoint("POST", "reviews/<review>/accept", {"note": "n"}, decided_fields, may_be_empty=True),
    Endpoint(
        "POST",
        "reviews/<review>/fix",
        {"value": {"label": "dog", "note": "n"}, "note": "n"},
        decided_fields,
    ),
    Endpoint(
        "POST",
        "reviews/<review>/send_back",
        {"answers": 2, "note": "n"},
        decided_fields,
        may_be_empty=True,
    ),
    Endpoint(
        "POST",
        "batches/<open>/gold/promote",
        {"count": 1, "explanation": "e"},
        lambda: {"count": HERE, "explanation": HERE},
    ),
    Endpoint(
        "PUT",
        "batches/<open>/rules",
        {"rules": []},
        lambda: {"rules": Event.objects.get(kind="batch_rules_set").data["rules"]},
    ),
    Endpoint(
        "POST",
        "restrictions/<restriction>/appeal",
        {"message": "m"},
        lambda: {"message": Flag.objects.get(kind="appeal").evidence["message"]},
    ),
    Endpoint("POST", "flags/<flag>/dismiss", {"reason": "r"}, lambda: decision_of("dismissed")),
    Endpoint("POST", "flags/<flag>/uphold", {"reason": "r"}, lambda: decision_of("upheld")),
    Endpoint(
        "POST",
        "batches/<open>/accept",
        {"assignments": []},
        lambda: {"assignments": HERE},
        may_be_empty=True,
    ),
    Endpoint(
        "POST",
        "assignments/<submitted>/reject",
        {"reason": "r"},
        lambda: reason_of("rejected"),
    ),
    Endpoint(
        "POST",
        "assignments/<submitted>/bonus",
        {"amount": 1, "reason": "r", "token": "t"},
        bonus_fields,
    ),
    Endpoint(
        "POST",
        "qualifications",
        {"name": "n", "description": "d", "keywords": "k"},
        lambda: QualificationType.objects.values("name", "description", "keywords").latest("pk"),
    ),
    Endpoint(
        "POST",
        "qualifications/<type>/grant",
        {"worker": "<worker>", "value": 2},
        qualification_fields,
    ),
    Endpoint(
        "POST",
        "qualifications/<type>/revoke",
        {"worker": "<worker>", "reason": "r"},
        qualification_fields,
    ),
    Endpoint(
        "POST",
        "blocks",
        {"worker": "<worker>", "reason": "r"},
        lambda: {"worker": latest(Block).worker.public_id, "reason": latest(Block).reason},
    ),
    Endpoint(
        "POST",
        "blocks/lift",
        {"worker": "<worker>", "reason": "r"},
        lambda: {"worker": HERE, "reason": HERE},
    ),
    Endpoint(
        "POST",
        "assignments/<active>/submit",
        {"answer": {"label": "cat", "note": "n"}},
        lambda: {"answer": Answer.objects.latest("created_at").value},
    ),
    Endpoint(
        "POST",
        "assignments/<active>/skip",
        {"reason": "r"},
        lambda: reason_of("skipped"),
        may_be_empty=True,
    ),
    Endpoint(
        "POST",
        "payouts",
        {"amount": 1, "currency": "USD"},
        lambda: {"amount": latest(Payout).amount_minor, "currency": latest(Payout).currency},
    ),
]
WORKERS = {
    "assignments/<active>/submit",
    "assignments/<active>/skip",
    "payouts",
    "restrictions/<restriction>/appeal",
}


def a_world():
    """A requester and a worker who share their batches, with money; and their clients."""
    requester, user = a_requester(usd(10**6)), a_user(worker=True)
    worker = user.worker
    owned = estate(requester, worker, INTERFACE)
    paid = reread(submitted(published_batch(tasks=1, reward=usd(50)), worker=worker))
    settle.accept(assignment=paid, actor=paid.batch.project.requester, now=NOON)
    settle.pay_accepted(now=NOON)
    world = {
        "ids": {name: str(pk) for name, pk in owned.items()},
        "worker": worker.public_id,
        "requester": api(requester, errors_as_500=True),
        "working": api(user, errors_as_500=True),
    }
    for client in world["requester"], world["working"]:
        client.get("payouts")  # imports every view, and notes the key's use
    world["savepoint"] = transaction.savepoint()
    return world


def addressed(route, ids):
    return re.sub(r"<(\w+)>", lambda name: ids[name[1]], route)


class Asked:
    """One request and what it left behind, undone."""

    def __init__(self, world, endpoint, raw, kind=JSON, read=None):
        client = world["working" if endpoint.route in WORKERS else "requester"]
        path = addressed(endpoint.route, world["ids"])
        started = thread_time()
        self.response = client.send(endpoint.method, path, raw, kind)
        self.seconds = thread_time() - started
        self.status = self.response.status_code
        self.stored = {}
        if self.status < 300:
            self.stored = (read or endpoint.read)()
            transaction.savepoint_rollback(world["savepoint"])

    def complaint(self):
        """What is wrong with the answer itself, or nothing."""
        if self.status >= 500:
            return f"{self.status}: {self.response.content[:200]!r}"
        if self.seconds > SECONDS_MAX:
            return f"took {self.seconds:.1f} s"
        if self.status >= 400:
            problem_of(self.response)
        return None
