"""The job runner and its timetable. Jobs themselves live in ``marketplace.jobs``."""

from __future__ import annotations

import os
import warnings

from celery import Celery

# It warns of root because of pickle; this runner takes nothing but JSON.
warnings.filterwarnings("ignore", module="celery.platforms")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
app = Celery("marketplace", include=["marketplace.jobs"])
app.config_from_object("django.conf:settings", namespace="CELERY")


def every(seconds: float, job: str) -> dict[str, object]:
    """A line of the timetable. A tick nobody took before the next one is not worth keeping."""
    return {
        "task": f"marketplace.jobs.{job}",
        "schedule": seconds,
        "options": {"expires": max(seconds, 10)},
    }


app.conf.beat_schedule = {
    "pay accepted answers": every(2, "pay_accepted"),
    "accept answers nobody decided on": every(2, "accept_due"),
    "give back overdue assignments": every(3, "expire_overdue"),
    "withdraw expired tasks": every(15, "expire_tasks"),
    "open slots where more answers are wanted": every(1, "decide_due"),
    "combine answers": every(2, "aggregate_due"),
    "ask models about new tasks": every(5, "ask_backends"),
    "train models on new labels": every(60, "retrain_due"),
    "let predictions stand": every(30, "auto_label_due"),
    "count progress": every(2, "count_due"),
    "close finished batches": every(3, "wind_up"),
    "write down where labels come from": every(10, "record_due"),
    "bring stragglers to the front": every(30, "collect_stragglers"),
    "score forecasts": every(60, "score_due"),
    "put doubtful tasks up for review": every(60, "queue_reviews"),
    "collect what experts say": every(15, "collect_experts"),
    "check gold": every(120, "check_gold"),
    "grade exams": every(10, "grade_exams"),
    "apply the rules of batches": every(30, "apply_rules"),
    "lift ended restrictions": every(15, "lift_ended"),
    "look for spam and copies": every(120, "flag_suspects"),
    "audit the ledger": every(3600, "audit_ledger"),
    "forget stored responses": every(3600, "forget_responses"),
}
