"""Background jobs: the clock's way into the domain.

A job only reads the clock and calls one verb. The rows say what is due, so a lost, repeated or
parallel run changes nothing but latency.

*Task* and *worker* are crowd words here; background work is a *job*.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from marketplace import ask_backends as backends
from marketplace.models import Heartbeat, StoredResponse
from payments import audit, backfill, clearing, debts, payouts, rollups, rounds, seals
from tasks import aggregate, distribute, leaving, progress, provenance, publish, redundancy, settle
from tasks.assist import auto_label, retrain
from tasks.checks import restrict, suspicion
from tasks.compensation import hours, pilot, returns, topups, wage
from tasks.control import exam, gold
from tasks.disclosure import equity, records, report
from tasks.foresight import foresee
from tasks.hearings import appeals, jury, rejections
from tasks.reviews import experts, review
from workers import proposals


def job(work: Callable[[], int]) -> Callable[[], int]:
    """Register ``work`` with the job runner, and note each run that ends well."""

    @shared_task(name=f"marketplace.jobs.{work.__name__}")
    @wraps(work)
    def run() -> int:
        done = work()
        Heartbeat.objects.update_or_create(
            job=work.__name__, defaults={"finished_at": timezone.now(), "done": done}
        )
        return done

    return run


@job
def expire_overdue() -> int:
    """Return the slots of assignments nobody answered in time."""
    return distribute.expire_overdue(now=timezone.now())


@job
def expire_tasks() -> int:
    """Withdraw the slots of tasks whose own time is up."""
    return distribute.expire_tasks(now=timezone.now())


@job
def collect_stragglers() -> int:
    """Bring tasks that everybody has passed to the front."""
    return distribute.collect_stragglers()


@job
def aggregate_due() -> int:
    """Give each task with new answers its consensus."""
    return aggregate.aggregate_due(now=timezone.now())


@job
def decide_due() -> int:
    """Open slots for tasks whose answers so far do not settle them."""
    return redundancy.decide_due(now=timezone.now())


@job
def retrain_due() -> int:
    """Train a built-in model again when enough labels have come."""
    return retrain.retrain_due(now=timezone.now())


@job
def ask_backends() -> int:
    """Ask models behind an address about new tasks."""
    return backends.ask_backends(
        now=timezone.now(), allow_private=settings.ML_BACKEND_ALLOW_PRIVATE
    )


@job
def auto_label_due() -> int:
    """Let predictions stand where audits prove that few of them are wrong."""
    return auto_label.auto_label_due(key=settings.SECRET_KEY.encode(), now=timezone.now())


@job
def count_due() -> int:
    """Bring each batch's progress up to date."""
    return progress.count_due(now=timezone.now())


@job
def accept_due() -> int:
    """Accept answers nobody decided on in time."""
    return settle.accept_due(now=timezone.now())


@job
def pay_accepted() -> int:
    """Pay for accepted answers."""
    return settle.pay_accepted(now=timezone.now())


@job
def pay_efforts() -> int:
    """Pay the time that refused answers took."""
    return rejections.pay_efforts(now=timezone.now())


@job
def finish_rejections() -> int:
    """Make rejections final that nobody appealed in time."""
    return rejections.finish_due(now=timezone.now())


@job
def escalate_appeals() -> int:
    """Put appeals to a human that no jury decided in time."""
    return appeals.escalate_due(now=timezone.now())


@job
def pay_jurors() -> int:
    """Pay jurors for their votes."""
    return jury.pay_jurors(now=timezone.now())


@job
def close_old() -> int:
    """Begin to close batches that have been out for months."""
    return settle.close_old(now=timezone.now())


@job
def wind_up() -> int:
    """Close finished batches and refund what they did not need."""
    return settle.wind_up(now=timezone.now())


@job
def judge_pilots() -> int:
    """Let batches go on whose first answers show that their reward pays the floor."""
    return pilot.look_due(now=timezone.now())


@job
def look_at_wages() -> int:
    """Find what the work of batches with new answers takes and earns."""
    return wage.look_due(now=timezone.now())


@job
def top_up_due() -> int:
    """Raise pay to the wage floor."""
    return topups.top_up_due(now=timezone.now())


@job
def collect_debts() -> int:
    """Collect what requesters owe from their wallets."""
    return debts.collect_due(now=timezone.now())


@job
def pause_frozen() -> int:
    """Pause the batches of requesters whose payments are disputed."""
    return publish.pause_frozen(now=timezone.now())


@job
def record_due() -> int:
    """Write down where the labels of closed batches come from."""
    return provenance.record_due(now=timezone.now())


@job
def score_due() -> int:
    """Hold forecasts against what became of their batches."""
    return foresee.score_due(now=timezone.now())


@job
def queue_reviews() -> int:
    """Put tasks up for review that their answers do not settle."""
    return review.queue_due(now=timezone.now())


@job
def collect_experts() -> int:
    """Let what experts have answered decide the reviews they were asked about."""
    return experts.collect_experts(now=timezone.now())


@job
def check_gold() -> int:
    """Retire gold tasks that good workers dispute, that leaked, or that most have met."""
    return gold.check_gold(now=timezone.now())


@job
def grade_exams() -> int:
    """Grade whoever is through with an exam."""
    return exam.grade_due(now=timezone.now())


@job
def apply_rules() -> int:
    """Check more, or ask a human, where a worker's record calls for it."""
    return restrict.apply_due(now=timezone.now())


@job
def lift_ended() -> int:
    """End restrictions whose time is up."""
    return restrict.lift_ended(now=timezone.now())


@job
def flag_suspects() -> int:
    """Ask a human about answers that look like spam, copies or a ring."""
    return suspicion.flag_suspects(now=timezone.now())


@job
def look_at_hours() -> int:
    """Tell workers who have had a long day to rest."""
    return hours.look(now=timezone.now())


@job
def count_votes() -> int:
    """Count the votes on proposals whose time is over."""
    return proposals.close_due(now=timezone.now())


@job
def follow_up_leavers() -> int:
    """Pay what came to erased accounts, or note how long it has waited."""
    return leaving.follow_up(now=timezone.now())


@job
def settle_returns() -> int:
    """Pay for tasks that were handed back because of what they are."""
    return returns.settle_due(now=timezone.now())


@job
def update_records() -> int:
    """Bring the records of requesters with new decisions or ratings up to date."""
    return records.update_due(now=timezone.now())


@job
def publish_reports() -> int:
    """Publish the reports of quarters that are settled."""
    return report.publish_due(now=timezone.now())


@job
def look_at_equity() -> int:
    """Tell a human where a region or new workers fare worse, and of who may need more time."""
    return equity.look(now=timezone.now())


@job
def make_calls() -> int:
    """Make the calls to the provider that are due."""
    return rounds.make_calls(now=timezone.now())


@job
def listen_to_provider() -> int:
    """Look into what the provider has told."""
    return rounds.listen(now=timezone.now())


@job
def send_payouts() -> int:
    """Send what was asked for to everybody whose account is ready."""
    return payouts.send_due(now=timezone.now())


@job
def request_payouts() -> int:
    """Ask for what workers with an account have earned."""
    return payouts.request_due(now=timezone.now())


@job
def reconcile_hourly() -> int:
    """Hold the books against the provider, and fetch what it told in vain."""
    return rounds.hourly(now=timezone.now())


@job
def reconcile_nightly() -> int:
    """The same for workers' accounts, and for what has become available."""
    return rounds.nightly(now=timezone.now())


@job
def forget_provider_events() -> int:
    """Forget what the provider told more than thirteen months ago."""
    return backfill.forget_events(now=timezone.now())


@job
def audit_ledger() -> int:
    """Count what does not balance; ``/metrics`` shows it, and it must be 0."""
    return len(audit.imbalances())


@job
def roll_up() -> int:
    """Write down the balances of busy accounts, so that nobody sums all of their past."""
    return rollups.roll_up(now=timezone.now())


@job
def seal_ledger() -> int:
    """Seal what was posted since the last time."""
    return seals.seal(now=timezone.now())


@job
def look_at_clearing() -> int:
    """Tell a human of money that sits where it should only pass through."""
    return clearing.look(now=timezone.now())


@job
def forget_responses() -> int:
    """Forget replies kept for replay longer than a day."""
    old = StoredResponse.objects.filter(created_at__lt=timezone.now() - timedelta(days=1))
    return old.delete()[0]
