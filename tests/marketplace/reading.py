"""What a route that reads a body is, and how to read back what became of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from payments.models import Transfer
from tasks.models import (
    Answer,
    Appeal,
    Assignment,
    Batch,
    Flag,
    Project,
    ProjectVersion,
    Rejection,
    Return,
    Review,
    Task,
)
from tests.factories import CATS_OR_DOGS
from workers.models import (
    Event,
    Proposal,
    Qualification,
)

INTERFACE = [*CATS_OR_DOGS, {"type": "text", "name": "note", "required": False}]
SECONDS_MAX = 1.0  # of CPU, for one request
HERE = "<here>"
REFUSAL = {"code": "fraud", "reason": "r" * 40, "instruction": "i"}


@dataclass(frozen=True)
class Endpoint:
    """A route with a body that it takes, and how to read back what became of each field."""

    method: str
    route: str
    body: dict[str, Any]
    read: Callable[[], dict[str, Any]]
    may_be_empty: bool = False  # no body is a request, too
    key: str = ""  # an Idempotency-Key, where one must be given

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
        "estimate_seconds": batch.estimate_seconds,
        "content_warnings": batch.content_warnings,
        "data_use": batch.data_use,
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


def refusal_fields() -> dict[str, Any]:
    return Rejection.objects.values("code", "reason", "instruction").latest("made_at")


def latest_appeal() -> Appeal:
    return Appeal.objects.latest("made_at")


def reason_of(status: str) -> dict[str, Any]:
    return {"reason": Assignment.objects.filter(status=status).latest("pk").reason}


def submitted_fields() -> dict[str, Any]:
    given = Answer.objects.latest("created_at")
    return {"answer": given.value, "seconds": given.assignment.reported_seconds}


def skipped_fields() -> dict[str, Any]:
    skipped = Assignment.objects.filter(status="skipped").latest("pk")
    returned = Return.objects.filter(pk=skipped.pk).first()
    return {"reason": skipped.reason, "code": returned and returned.reason}


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


def proposal_fields() -> dict[str, Any]:
    made = latest(Proposal)
    days = (made.closes_at - made.opened_at).days
    return {"kind": made.kind, "title": made.title, "text": made.text, "days": days}


def qualification_fields() -> dict[str, Any]:
    held = latest(Qualification)
    return {"worker": held.worker.public_id, "value": held.value, "reason": held.reason}
