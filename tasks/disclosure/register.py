"""The register of automated decisions: every rule and job that watches workers or affects them.

Source: Directive (EU) 2024/2831, articles 9 to 11: what is written down for whoever asks. A rule
that changes gets a new version, and a new date once its impact was looked at again.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

REVIEWED = date(2026, 11, 25)
EVERY_YEARS = 2  # between two reviews of impact, at most

OPERATOR = "the operator of this site; a person answers"
REQUESTER = "the batch's requester, and the operator of this site; a person answers"


@dataclass(frozen=True)
class Rule:
    """One automated rule: what it looks at, weightiest first, and what can come of it."""

    name: str
    purpose: str
    inputs: tuple[str, ...]  # in the order of their weight
    can: tuple[str, ...]
    cannot: str
    remedy: str  # what a worker can do about it
    contact: str = OPERATOR
    jobs: tuple[str, ...] = field(default=())  # of the timetable; none: it acts on a request
    version: int = 1
    reviewed_on: date = REVIEWED


NEVER = "It does not suspend anybody, and does not touch pay."

RULES: tuple[Rule, ...] = (
    Rule(
        name="pay",
        purpose="Pay for accepted answers within seconds.",
        inputs=("that the answer was accepted", "the reward as it was at the claim"),
        can=("move the reward from the batch's funds to the worker's earnings",),
        cannot="It does not withhold, reduce or take back pay.",
        remedy="Read your statement; ask the operator about what is missing.",
        jobs=("pay_accepted",),
    ),
    Rule(
        name="acceptance by time",
        purpose="Let nobody wait for a requester who does not decide.",
        inputs=("the time since the submit",),
        can=("accept an answer",),
        cannot="It does not reject.",
        remedy="None is needed; the date is on each pending answer.",
        jobs=("accept_due",),
    ),
    Rule(
        name="deadlines",
        purpose="Offer a task again that was claimed and not answered in time.",
        inputs=("the deadline told at the claim, with 30 seconds of grace",),
        can=("end a claim without an answer",),
        cannot="It does not count against the worker in any rule, score or rank.",
        remedy="Claim again; ask for a longer deadline in a return's text.",
        jobs=("expire_overdue", "expire_tasks"),
    ),
    Rule(
        name="rules of conduct",
        purpose="Check more closely, for a while, where a worker's record in a batch calls for it.",
        inputs=(
            "answers to control tasks",
            "agreement with other workers' answers",
            "speed below the batch's 5 % quantile",
            "tasks handed back in a row",
            "final rejections",
            "rewards of the last hours, where a batch caps them",
        ),
        can=(
            "give a larger share of control tasks, for three days",
            "lower how many tasks can be held at once, for three days",
            "pause claiming in one batch, for at most 168 hours",
            "ask a human to look",
        ),
        cannot=f"{NEVER} It ends by itself.",
        remedy="Ask for a human's look: POST /restrictions/{id}/appeal.",
        contact=REQUESTER,
        jobs=("apply_rules", "lift_ended"),
    ),
    Rule(
        name="spam, copies and rings",
        purpose="Find answers that may not be anybody's own work.",
        inputs=(
            "how the answers depend on the tasks",
            "equal mistakes of two workers",
            "equal texts",
        ),
        can=("ask a human to look, with the figures",),
        cannot=f"{NEVER} The human's answer has no effect by itself either.",
        remedy="Read the question and its answer under GET /standing.",
        contact=REQUESTER,
        jobs=("flag_suspects",),
    ),
    Rule(
        name="control tasks",
        purpose="Measure by tasks whose answers are known, and retire those that are wrong.",
        inputs=("the answers of good workers", "how many have met the task"),
        can=("retire a control task", "take a disputed one out of everybody's figures"),
        cannot=NEVER,
        remedy="Disagree by answering; a task that good workers dispute is retired.",
        contact=REQUESTER,
        jobs=("check_gold",),
    ),
    Rule(
        name="skill",
        purpose="Weigh answers by how often a worker is right, and show them their figures.",
        inputs=("control tasks", "agreement with the consensus", "reviews by people"),
        can=("weigh an answer more or less in the result",),
        cannot="It does not change the pay of an answer, or who may claim.",
        remedy="Read it under GET /standing.",
        contact=REQUESTER,
        jobs=("aggregate_due",),
    ),
    Rule(
        name="adaptive redundancy",
        purpose="Ask for more answers where those so far do not settle a task.",
        inputs=("the answers' confidence", "the batch's budget"),
        can=("open another slot of a task", "stop asking for answers"),
        cannot="It does not take back a task that is claimed.",
        remedy="None is needed: no answer is judged.",
        jobs=("decide_due",),
    ),
    Rule(
        name="labels by a model",
        purpose="Ask nobody about tasks that a model answers well enough.",
        inputs=("the model's score", "audits by people"),
        can=("withdraw open slots, and so the chance to answer them",),
        cannot="It does not take back a task that is claimed, and judges no answer.",
        remedy="None is needed: no answer is judged.",
        jobs=("auto_label_due",),
    ),
    Rule(
        name="exams",
        purpose="Grant a qualification to whoever passes an exam.",
        inputs=("answers to the exam's tasks, all known", "the pass mark shown beforehand"),
        can=("grant the qualification",),
        cannot="It takes no qualification away, and pays the exam pass or fail.",
        remedy="Ask the requester to look, or sit the next exam.",
        contact=REQUESTER,
        jobs=("grade_exams",),
    ),
    Rule(
        name="qualification requirements",
        purpose="Offer a batch to workers who meet what its requester asks for.",
        inputs=(
            "qualifications granted by requesters",
            "the country the worker gave",
            "blocks, on either side",
            "content the worker agreed to be shown",
        ),
        can=("hide a batch from a worker", "refuse a claim, naming what is not met"),
        cannot=f"{NEVER} A block hides one requester's batches and has no other effect.",
        remedy="Read `unmet` in the answer; ask the requester for the qualification.",
        contact=REQUESTER,
    ),
    Rule(
        name="working time",
        purpose="Measure what work takes, so that it can be paid by the hour.",
        inputs=(
            "claim and submit, by the server's clock",
            "signs of work at most every 15 seconds, while the page is in sight",
            "the time the worker reports",
        ),
        can=("set the time of an answer, which top-ups rest on",),
        cannot="It reads no keys, screens or cameras, and lowers no reward.",
        remedy="Report the time it took when you submit; it counts within bounds.",
        jobs=("look_at_wages", "judge_pilots"),
    ),
    Rule(
        name="top-ups",
        purpose="Raise pay to the wage floor.",
        inputs=("the floor in force", "the batch's usual time", "the worker's own time", "rewards"),
        can=("pay more from the batch's reserve, or from the platform's guarantee",),
        cannot="It takes nothing back, and bonuses do not count against it.",
        remedy="The formula's figures are in your statement.",
        jobs=("top_up_due",),
    ),
    Rule(
        name="returned tasks",
        purpose="Pay for time spent on tasks that could not be done.",
        inputs=("the reason given", "how many workers gave the same", "the time it took"),
        can=("pay for the time, up to half the reward", "pause a batch called harmful"),
        cannot="It refuses nothing; only the requester can, with a reason. Returning is free.",
        remedy="Ask the operator about a refusal.",
        contact=REQUESTER,
        jobs=("settle_returns",),
    ),
    Rule(
        name="rate guard",
        purpose="Have a human look first where a requester refuses unusually often.",
        inputs=("rejections among the requester's last 200 decisions and the batch's first 20",),
        can=("hold a rejection until a human agrees",),
        cannot="It rejects nothing.",
        remedy="None is needed; while it waits the reward is held.",
    ),
    Rule(
        name="rejections and effort pay",
        purpose="Carry out what a person refused, once no appeal is open, and pay the effort.",
        inputs=("the person's decision", "the time for an appeal", "the measured time"),
        can=("make a rejection final when its appeal window is over", "pay the effort"),
        cannot="It refuses nothing itself: each refusal has a person's name and reasons.",
        remedy="Appeal in one call: POST /rejections/{id}/appeal.",
        jobs=("finish_rejections", "pay_efforts"),
    ),
    Rule(
        name="jury",
        purpose="Have appeals decided by three workers who know neither side.",
        inputs=("who is qualified and not involved", "the three votes, all equal"),
        can=("seat jurors", "end an appeal by two of three votes", "pass it to a human in time"),
        cannot="It does not vote.",
        remedy="Ask for a human instead of the jury, or after a tie.",
        jobs=("escalate_appeals", "pay_jurors"),
    ),
    Rule(
        name="rest",
        purpose="Protect from overwork.",
        inputs=("hours worked in the last 24",),
        can=("advise rest from 8 hours on", "refuse new claims from 12 hours on, for a while"),
        cannot="It ends nothing that is claimed; that is paid as always.",
        remedy="Submit what you hold; claims open again at the time shown.",
        jobs=("look_at_hours",),
    ),
    Rule(
        name="slow work",
        purpose="Notice who may need another interface or more time.",
        inputs=("time against the batch's usual time, in at least 20 answers of 3 batches",),
        can=("ask the operator to look",),
        cannot=f"{NEVER} It limits nothing; only a person may, with reasons and an appeal.",
        remedy="Tell the operator what would help.",
        jobs=("look_at_equity",),
    ),
    Rule(
        name="equity",
        purpose="Notice when regions or new workers fare worse than others.",
        inputs=("offers", "acceptance", "final rejections", "pay per hour; by country and newness"),
        can=("tell the operator",),
        cannot="It acts on no worker.",
        remedy="None is needed.",
        jobs=("look_at_equity",),
    ),
    Rule(
        name="requesters' records",
        purpose="Tell workers how a requester has treated answers.",
        inputs=("final decisions", "times to pay", "appeals", "ratings, averaged per person"),
        can=("change what a task card says of the requester",),
        cannot="It names no worker, and shows no ratings of fewer than five persons.",
        remedy="Change your rating by giving it again.",
        jobs=("update_records",),
    ),
    Rule(
        name="disputed payments",
        purpose="Offer no new work of a requester whose payment is disputed at their bank.",
        inputs=("whether a dispute is open",),
        can=("pause the requester's batches",),
        cannot="It touches no claim and no pay: what is claimed is taken and paid as always.",
        remedy="None is needed; what was lost is the platform's.",
        jobs=("pause_frozen",),
    ),
    Rule(
        name="payouts",
        purpose="Send earnings to the worker's account.",
        inputs=(
            "what was earned, or asked for by the worker",
            "what the payment provider says of the account",
        ),
        can=("send money, and return to the earnings what the provider refuses",),
        cannot="It keeps nothing back.",
        remedy="Correct the account; the money waits in your earnings.",
        jobs=("request_payouts", "send_payouts", "make_calls"),
    ),
)

# Jobs that decide nothing about a worker, and why that is so.
TOUCHES_NO_WORKER: dict[str, str] = {
    "ask_backends": "asks models about tasks; who sees the answers may correct them",
    "audit_ledger": "counts what does not balance",
    "close_old": "ends batches that have been out for 90 days; claimed work is paid as usual",
    "collect_debts": "collects from requesters' wallets what they owe the platform",
    "collect_experts": "carries experts' answers into reviews of tasks",
    "collect_stragglers": "reorders tasks that everybody has passed",
    "count_due": "counts progress",
    "count_votes": "counts ballots that workers cast",
    "follow_up_leavers": "pays what came to accounts that were erased on their own wish",
    "forget_provider_events": "removes what the payment provider said over 13 months ago",
    "forget_responses": "removes stored replies after a day",
    "listen_to_provider": "books what the payment provider says has happened",
    "look_at_clearing": "looks for money that sits too long",
    "publish_reports": "publishes sums, none of fewer than ten workers",
    "queue_reviews": "puts tasks up for review, by the doubt about their labels",
    "reconcile_hourly": "holds the books against the payment provider's",
    "reconcile_nightly": "holds the books against the payment provider's",
    "record_due": "writes down where labels come from, by pseudonym",
    "retrain_due": "trains models on labels",
    "roll_up": "sums busy accounts",
    "score_due": "holds forecasts of batches against what happened",
    "seal_ledger": "seals what was posted",
    "wind_up": "closes finished batches once everything in them is decided and paid",
}


def register() -> list[dict[str, Any]]:
    """Return the register as JSON values, in a fixed order."""
    return [
        {**asdict(rule), "reviewed_on": rule.reviewed_on.isoformat(), "jobs": list(rule.jobs)}
        for rule in RULES
    ]
