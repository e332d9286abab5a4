"""What came of the demo, computed from what the requester downloaded. Pure.

``results``, ``answers`` and ``workers`` are rows of ``GET /api/v1/batches/{id}/…``. Answers to
gold tasks count for workers, and never for the accuracy of the scans.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from marketplace.simulation.crowd import Kind, SimulatedWorker
from tasks.aggregation.labels import Label
from tasks.aggregation.majority import majority

Row = Mapping[str, Any]
COUNTED = {"submitted", "accepted"}


class Score(NamedTuple):
    """How many of how many are right."""

    right: int
    of: int

    @property
    def share(self) -> float:
        return self.right / self.of if self.of else 0.0

    @property
    def wrong(self) -> int:
        return self.of - self.right


class Dispute(NamedTuple):
    """The scan on which the crowd agreed least."""

    name: str
    truth: str
    consensus: str
    confidence: float
    votes: list[tuple[str, int]]  # most votes first


class Accuracy(NamedTuple):
    answers: Score  # one by one
    majority: Score
    consensus: Score  # of the batch's own method
    closed: Score  # the same of the scans that reached the batch's target
    method: str
    confidence: float  # of the consensus, on average: how many it expects to be right
    dispute: Dispute


class Interval(NamedTuple):
    """An estimated skill, with its 95 % interval and the answers it rests on."""

    estimate: float
    low: float
    high: float
    answers: int


@dataclass(frozen=True)
class Standing:
    """One simulated worker: who they are, and what the marketplace made of them."""

    name: str
    pseudonym: str
    kind: Kind
    ability: float
    score: Score  # of their answers against the truth, gold included
    skipped: int
    expired: int
    fit: Interval | None
    gold: Interval | None
    earned_minor: int
    worked_seconds: float  # by the server's clock

    def hourly_minor(self, speed: float) -> float:
        """Return what an hour would earn at a person's pace, ``speed`` times slower."""
        hours = self.worked_seconds * speed / 3600
        return self.earned_minor / hours if hours else 0.0


def accuracy(
    *, results: Sequence[Row], answers: Sequence[Row], truth: Mapping[str, str], question: str
) -> Accuracy:
    """Compare single answers, the majority and the consensus with the truth."""
    given = [row for row in answers if row["status"] in COUNTED and not row["gold"]]
    known = {row["task"]: truth[row["external_id"]] for row in results}
    workers = {name: code for code, name in enumerate(sorted({row["worker"] for row in given}))}
    labels = [Label(row["task"], workers[row["worker"]], row["answer"][question]) for row in given]
    voted = majority(labels).consensus
    found = {row["task"]: row["consensus"].get(question) for row in results}
    closed = [row["task"] for row in results if row["status"] == "closed"]
    certain = [row["confidence"].get(question, 0.0) for row in results]
    return Accuracy(
        answers=Score(sum(label.label == known[label.task] for label in labels), len(labels)),
        majority=Score(sum(each.label == known[task] for task, each in voted.items()), len(known)),
        consensus=Score(sum(found[task] == known[task] for task in known), len(known)),
        closed=Score(sum(found[task] == known[task] for task in closed), len(closed)),
        method=_common(row["method"].get(question, "none") for row in results),
        confidence=sum(certain) / len(certain),
        dispute=_dispute(results, labels, truth, question),
    )


def _dispute(
    results: Sequence[Row], labels: Sequence[Label], truth: Mapping[str, str], question: str
) -> Dispute:
    votes: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for label in labels:
        votes[label.task][label.label] += 1
    row = min(
        results,
        key=lambda row: (
            max(votes[row["task"]].values(), default=0),
            row["confidence"].get(question, 0.0),
            row["task"],
        ),
    )
    return Dispute(
        name=row["external_id"],
        truth=truth[row["external_id"]],
        consensus=row["consensus"].get(question, "none"),
        confidence=row["confidence"].get(question, 0.0),
        votes=sorted(votes[row["task"]].items(), key=lambda vote: (-vote[1], vote[0])),
    )


def standings(
    *,
    crowd: Sequence[SimulatedWorker],
    pseudonyms: Mapping[str, str],
    workers: Sequence[Row],
    answers: Sequence[Row],
    truth: Mapping[str, str],
    question: str,
) -> list[Standing]:
    """Return each simulated worker who took part, best estimate first.

    ``pseudonyms`` gives the worker's name by their pseudonym in the batch.
    """
    by_name = {worker.name: worker for worker in crowd}
    theirs: defaultdict[str, list[Row]] = defaultdict(list)
    for row in answers:
        theirs[row["worker"]].append(row)
    found = []
    for row in workers:
        simulated, given = by_name[pseudonyms[row["worker"]]], theirs[row["worker"]]
        right = sum(each["answer"][question] == truth[each["external_id"]] for each in given)
        found.append(
            Standing(
                name=simulated.name,
                pseudonym=row["worker"],
                kind=simulated.kind,
                ability=simulated.ability,
                score=Score(right, len(given)),
                skipped=row["skipped"],
                expired=row["expired"],
                fit=_interval(row["skill"].get("fit")),
                gold=_interval(row["skill"].get("gold")),
                earned_minor=sum(each["reward"] for each in given if each["status"] == "accepted"),
                worked_seconds=worked_seconds(given),
            )
        )
    return sorted(found, key=lambda one: (-(one.fit.estimate if one.fit else 0.0), one.name))


def worked_seconds(answers: Sequence[Row]) -> float:
    """Sum up the time from each claim, or the answer before if that came later, to the answer."""
    total, before = 0.0, None
    times = (
        (datetime.fromisoformat(row["submitted_at"]), datetime.fromisoformat(row["claimed_at"]))
        for row in answers
    )
    for submitted, claimed in sorted(times):
        total += (submitted - max(claimed, before or claimed)).total_seconds()
        before = submitted
    return total


def contradictions(
    *, results: Sequence[Row], answers: Sequence[Row], most: int
) -> dict[str, list[str]]:
    """Return, by the promise, what in the downloads breaks it."""
    given = [row for row in answers if row["status"] in COUNTED and not row["gold"]]
    counts = Counter(row["task"] for row in given)
    pairs = Counter((row["task"], row["worker"]) for row in answers)
    return {
        f"every scan has an answer, and none more than {most}": [
            f"{row['external_id']} has {counts[row['task']]}"
            for row in results
            if not 1 <= counts[row["task"]] <= most
        ],
        "nobody answered a scan twice": [
            f"{worker} answered task {task} {times} times"
            for (task, worker), times in pairs.items()
            if times > 1
        ],
        "every consensus rests on all answers": [
            f"{row['external_id']} on {row['answers']} of {counts[row['task']]}"
            for row in results
            if row["answers"] != counts[row["task"]]
        ],
    }


def foretold(
    *, forecast: Row, batch: Row, answers: Sequence[Row]
) -> dict[str, tuple[dict[str, float], float]]:
    """Return, by quantity, the interval that was forecast and what came out."""
    given = sum(row["status"] in COUNTED and not row["gold"] for row in answers)
    actual = {"answers_per_task": given / batch["tasks"], "cost_minor": batch["money"]["spent"]}
    return {name: (forecast["intervals"][name], actual[name]) for name in actual}


def is_complete(results: Sequence[Row], answers: Sequence[Row]) -> bool:
    """Whether the consensus rests on every answer that came in."""
    given = sum(row["status"] in COUNTED and not row["gold"] for row in answers)
    return sum(int(row["answers"]) for row in results) == given


def _interval(skill: Mapping[str, Any] | None) -> Interval | None:
    if skill is None:
        return None
    return Interval(skill["estimate"], skill["low"], skill["high"], skill["answers"])


def _common(methods: Iterable[str]) -> str:
    """Return the method that made most of the results."""
    counts = Counter(methods)
    return max(sorted(counts), key=lambda name: counts[name], default="none")
