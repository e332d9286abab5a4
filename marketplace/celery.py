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
    "pay the time of refused answers": every(15, "pay_efforts"),
    "end rejections nobody appealed": every(10, "finish_rejections"),
    "put late appeals to a human": every(60, "escalate_appeals"),
    "pay jurors": every(15, "pay_jurors"),
    "give back overdue assignments": every(3, "expire_overdue"),
    "withdraw expired tasks": every(15, "expire_tasks"),
    "open slots where more answers are wanted": every(1, "decide_due"),
    "combine answers": every(2, "aggregate_due"),
    "ask models about new tasks": every(5, "ask_backends"),
    "train models on new labels": every(60, "retrain_due"),
    "let predictions stand": every(30, "auto_label_due"),
    "count progress": every(2, "count_due"),
    "close finished batches": every(3, "wind_up"),
    "close old batches": every(3600, "close_old"),
    "judge pilots": every(5, "judge_pilots"),
    "look at what work takes": every(30, "look_at_wages"),
    "raise pay to the floor": every(3600, "top_up_due"),
    "collect debts": every(60, "collect_debts"),
    "pause batches of disputed requesters": every(30, "pause_frozen"),
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
    "pay for returned tasks": every(15, "settle_returns"),
    "look at working hours": every(60, "look_at_hours"),
    "count votes": every(60, "count_votes"),
    "follow up on erased accounts": every(3600, "follow_up_leavers"),
    "make calls to the provider": every(5, "make_calls"),
    "listen to the provider": every(5, "listen_to_provider"),
    "send payouts": every(60, "send_payouts"),
    "ask for payouts": every(86_400, "request_payouts"),
    "hold the books against the provider": every(3600, "reconcile_hourly"),
    "hold workers' accounts against the books": every(86_400, "reconcile_nightly"),
    "forget what the provider told long ago": every(86_400, "forget_provider_events"),
    "audit the ledger": every(3600, "audit_ledger"),
    "roll up busy accounts": every(86_400, "roll_up"),
    "seal the ledger": every(86_400, "seal_ledger"),
    "look for money that sits too long": every(3600, "look_at_clearing"),
    "keep requesters' records": every(60, "update_records"),
    "publish the quarter's report": every(86_400, "publish_reports"),
    "look for disparities": every(7 * 86_400, "look_at_equity"),
    "forget stored responses": every(3600, "forget_responses"),
}
