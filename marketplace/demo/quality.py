"""The report's parts on quality: how right the labels are, and how far their word can be taken."""

from __future__ import annotations

from typing import Any

from rich.console import ConsoleRenderable, Group
from rich.text import Text

from marketplace.demo.findings import Accuracy
from marketplace.demo.layout import bar, grid, lines
from marketplace.demo.requester import QUESTION
from marketplace.demo.story import Outcome

METHODS = {"online": "online model"}


def accuracy(outcome: Outcome) -> ConsoleRenderable:
    """Compare one answer, the majority and the consensus, beside the scan most in dispute."""
    found = outcome.accuracy
    method = _method(found)
    bars = grid()
    for name, score in (
        ("single answers", found.answers),
        ("majority", found.majority),
        (method, found.consensus),
    ):
        wrong = f"{score.wrong:,} of {score.of:,} wrong"
        bars.add_row(name, bar(score.share), Text(f"{score.share:.1%}", style="bold"), wrong)
    dispute = found.dispute
    votes = ", ".join(f"{times} for {label}" for label, times in dispute.votes)
    words = lines(
        "",
        "All three are of the same answers, by a simulated crowd. The majority has few to go by "
        f"where one was enough; the {method} knows who gave it.",
        f"The scan beside this was disputed most: {votes}.",
        f"The {method} says {dispute.consensus}; it is {dispute.truth}.",
    )
    beside = grid(gap=4)
    beside.add_row(Group(bars, words), lines(*outcome.dispute.drawing()))
    return beside


def sureness(outcome: Outcome) -> ConsoleRenderable:
    """Say how many scans are done at the target, and whether such confidence deserves belief."""
    report = outcome.played.report
    closed, element = report["closed"], report["elements"][QUESTION]
    gold, after = closed["gold"][QUESTION], _calibration(element)
    score = outcome.accuracy.closed
    alpha = element["agreement"]["alpha"]
    kind = "calibrated" if closed["calibrated"] else "uncalibrated"
    rows = grid()
    rows.add_row(
        "closed",
        f"{score.of:,} of {closed['tasks']:,} scans reached the {kind} confidence of "
        f"{closed['target']:.0%}. {score.right:,} of them are right: {score.share:.1%}. By its "
        f"gold alone the site says {gold['estimate']:.1%} ({gold['low']:.1%} to "
        f"{gold['high']:.1%}).",
    )
    rows.add_row("all", f"{outcome.accuracy.confidence:.1%} confident on average, and "
                 f"{outcome.accuracy.consensus.share:.1%} right.")  # fmt: skip
    rows.add_row("gold", after)
    rows.add_row("agreement", f"Krippendorff's alpha {_number(alpha['value'])} "
                 f"({_number(alpha['low'])} to {_number(alpha['high'])}), over the "
                 f"{alpha['units']:,} scans with two answers or more, gold included.")  # fmt: skip
    rows.add_row("review", _review(outcome))
    return rows


def _calibration(element: dict[str, Any]) -> str:
    found = element["calibration"]
    return (
        f"{found['gold_tasks']} gold tasks were answered. Their expected calibration error (ECE) "
        f"was {found['before']['ece']:.3f} before, and is {found['after']['ece']:.3f} after "
        f"calibration (exponent {found['exponent']:.2f})."
    )


def _review(outcome: Outcome) -> str:
    reviewed, found = outcome.played.reviewed, outcome.accuracy
    right = found.consensus.right + reviewed.corrected
    return (
        f"A simulated reviewer, who is always right, corrected {reviewed.corrected} of the "
        f"{reviewed.scans} that stayed uncertain: {right / found.consensus.of:.1%} of the final "
        "labels are right."
    )


def _method(found: Accuracy) -> str:
    return METHODS.get(found.method, found.method)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
