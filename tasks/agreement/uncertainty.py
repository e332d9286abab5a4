"""How sure the answers leave one: entropy of labels, and probability of the consensus.

A worker of skill s gives the right one of L labels with probability s and each wrong one with
(1 - s) / (L - 1). Uncertainty adds these probabilities over answers and takes the entropy of
their shares; consistency multiplies them, by Bayes' rule with equal priors. The definitions are
those of crowd-kit's ``uncertainty`` and ``consistency`` (crowdkit.metrics.data).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from tasks.aggregation.errors import UnsupportedLabels
from tasks.aggregation.labels import Label


def task_uncertainty(
    labels: Sequence[Label], skills: Mapping[int, float] | None = None
) -> dict[int, float]:
    """Return by task the entropy of its labels, in nats: 0 when all are the same.

    Without ``skills`` every answer counts in full for its label. A task whose answers make no
    label possible has entropy 0.

    Raises ``UnsupportedLabels`` when a worker has no skill.
    """
    return _entropies(labels, skills, lambda label: label.task)


def worker_uncertainty(
    labels: Sequence[Label], skills: Mapping[int, float] | None = None
) -> dict[int, float]:
    """Return by worker the entropy of the labels they give; else as ``task_uncertainty``."""
    return _entropies(labels, skills, lambda label: label.worker)


def overall_uncertainty(
    labels: Sequence[Label], skills: Mapping[int, float] | None = None
) -> float:
    """Return the entropy of all labels together, 0 without any; else as ``task_uncertainty``."""
    return _entropies(labels, skills, lambda _: 0).get(0, 0.0)


def consistency(
    labels: Sequence[Label], skills: Mapping[int, float], consensus: Mapping[int, str]
) -> dict[int, float]:
    """Return by task the probability of its ``consensus``, given its answers and ``skills``.

    Answers of workers without a skill say nothing. A task whose answers contradict each other
    outright, each by a worker who is never wrong, has consistency 0, and so has one whose
    consensus is no label that anybody gave to any task.

    Raises ``KeyError`` when a task has no consensus.
    """
    names = {label.label for label in labels}
    given: defaultdict[int, list[tuple[str, float]]] = defaultdict(list)
    for task, worker, label in labels:
        given[task] += [(label, skills[worker])] if worker in skills else []
    return {
        task: _posterior(answers, len(names), consensus[task]) if consensus[task] in names else 0.0
        for task, answers in given.items()
    }


def _entropies(
    labels: Sequence[Label],
    skills: Mapping[int, float] | None,
    group_of: Callable[[Label], int],
) -> dict[int, float]:
    count = len({label.label for label in labels})
    if skills is not None and (unknown := {label.worker for label in labels} - skills.keys()):
        raise UnsupportedLabels(f"Worker {min(unknown)} has no skill: give one for each worker.")
    given: defaultdict[int, defaultdict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for label in labels:
        skill = 1.0 if skills is None else skills[label.worker]
        given[group_of(label)][label.label].append(skill)
    return {group: _entropy(by_label, count) for group, by_label in given.items()}


def _entropy(skills: Mapping[str, Sequence[float]], labels: int) -> float:
    """Return the entropy over ``labels`` labels, by the skills of those who gave each."""
    missed = {
        label: math.fsum(_probability(False, skill, labels) for skill in of_label)
        for label, of_label in skills.items()
    }
    all_missed = math.fsum(missed.values())
    weights = [
        math.fsum(of_label) + max(all_missed - missed[label], 0.0)
        for label, of_label in skills.items()
    ]
    weights += [all_missed] * (labels - len(skills))  # labels that nobody gave
    total = math.fsum(weights)
    shares = [weight / total for weight in weights if weight > 0]
    return math.fsum(-share * math.log(share) for share in shares) + 0.0


def _probability(right: bool, skill: float, labels: int) -> float:
    if right:
        return skill
    return (1 - skill) / (labels - 1) if labels > 1 else 0.0


def _posterior(answers: Sequence[tuple[str, float]], labels: int, name: str) -> float:
    """Return the probability of ``name`` among ``labels`` labels, by label given and skill."""
    sums = {label: _log_likelihood(answers, label, labels) for label, _ in answers}
    sums.setdefault(name, _log_likelihood(answers, name, labels))
    unseen = _log_likelihood(answers, None, labels) if labels > len(sums) else -math.inf
    # Relative to the likeliest: a product over hundreds of answers would vanish.
    most = max(*sums.values(), unseen)
    if most == -math.inf:
        return 0.0
    total = math.fsum(math.exp(likelihood - most) for likelihood in sums.values())
    total += (labels - len(sums)) * math.exp(unseen - most)
    return math.exp(sums[name] - most) / total


def _log_likelihood(answers: Sequence[tuple[str, float]], name: str | None, labels: int) -> float:
    chances = [_probability(label == name, skill, labels) for label, skill in answers]
    return math.fsum(math.log(chance) if chance > 0 else -math.inf for chance in chances)
