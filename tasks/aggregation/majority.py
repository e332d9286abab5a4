"""Majority vote: the baseline every other method has to beat, and the fallback of all."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from tasks.aggregation.labels import Consensus, Fit, Label


def majority(labels: Sequence[Label]) -> Fit:
    """Give each task its most frequent label, with its share of the votes as the confidence.

    Ties go to the alphabetically first label. A worker's skill is the share of their answers
    that agree with the majority of the *other* answers to the same task: counting their own
    vote would flatter everyone, most of all where tasks have few answers. Where the others
    are tied between k labels, agreeing with one of them counts 1/k. Workers whose tasks
    nobody else answered have no skill.
    """
    votes: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for task, _, label in labels:
        votes[task][label] += 1
    return Fit(
        consensus={task: _winner(counts) for task, counts in votes.items()},
        skills=_agreement_with_the_others(labels, votes),
    )


def _winner(counts: Counter[str]) -> Consensus:
    label = min(counts, key=lambda name: (-counts[name], name))
    return Consensus(label, counts[label] / counts.total())


def _agreement_with_the_others(
    labels: Sequence[Label], votes: Mapping[int, Counter[str]]
) -> dict[int, float]:
    # All answers of one label to one task get the same credit: computed once, not per worker.
    credit_of = {
        task: {label: _credit(counts, label) for label in counts}
        for task, counts in votes.items()
        if counts.total() > 1
    }
    earned: defaultdict[int, float] = defaultdict(float)
    compared: Counter[int] = Counter()
    for task, worker, label in sorted(labels):
        if task in credit_of:
            earned[worker] += credit_of[task][label]
            compared[worker] += 1
    return {worker: earned[worker] / count for worker, count in compared.items()}


def _credit(counts: Counter[str], label: str) -> float:
    """Return how far ``label`` agrees with the majority of ``counts`` less one such vote."""
    others = {name: count - (name == label) for name, count in counts.items()}
    most = max(others.values())
    leaders = [name for name, count in others.items() if count == most]
    return 1 / len(leaders) if label in leaders else 0.0
