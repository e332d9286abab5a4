"""Which method to use, decided by gold: those tasks' known answers, kept from the methods.

Gold tasks are answered far more often than others, and with twenty answers every method looks
alike. So each gold task is split into several tasks of as many answers as ordinary ones have.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from math import comb, log
from statistics import fmean, median_low
from typing import NamedTuple

from tasks.aggregation import methods
from tasks.aggregation.canonical import canonical
from tasks.aggregation.errors import AggregationError
from tasks.aggregation.labels import Consensus, Fit, Label
from tasks.aggregation.skill import Estimate, estimate

PREFERRED = "online"
CANDIDATES = (PREFERRED, "dawid_skene", "majority_vote", "one_coin_dawid_skene", "glad", "mace")
MINIMUM_GOLD = 20  # gold tasks: below, hardly any difference could be told from chance
CHANCE = 0.05  # of taking another method that is no better, over all candidates together
SURPRISE = 1e-4  # a confidence never costs more than this: one wrong gold must not decide
SEED = 0


class Split(NamedTuple):
    labels: list[Label]  # those of other tasks as they were
    gold: dict[int, int]  # by new task: the gold task its answers are from


class Score(NamedTuple):
    """How a method did on gold, each gold task counting once."""

    accuracy: Estimate  # share of right ones, with its 95 % interval, and their number
    log_loss: float  # mean, in nats; small is good


class Chosen(NamedTuple):
    method: str
    why: str
    scores: dict[str, Score]  # by method, of those that could be tried


class Trial(NamedTuple):
    right: dict[int, float]  # by gold task: share of its parts that came out right
    log_loss: float


def choose(
    labels: Sequence[Label],
    gold: Mapping[int, str],
    candidates: Sequence[str] = CANDIDATES,
) -> Chosen:
    """Choose among ``candidates``; ``gold`` holds the known answers by task.

    The first candidate is preferred: another is taken only if a sign test over the gold tasks
    on which the two differ says that it is better, at ``CHANCE`` shared by all candidates; of
    several, the most accurate, then that of the lowest log-loss, then the first named. With
    fewer than ``MINIMUM_GOLD`` answered gold tasks, the preferred one. A candidate that cannot
    work with these labels is left out.

    Raises ``UnknownMethod``, ``UnsupportedLabels`` when a worker answered a task twice, and
    ``ValueError`` without candidates.
    """
    if not candidates:
        raise ValueError("Name at least one candidate.")
    names = [methods.canonical_name(name) for name in candidates]
    known = {task: gold[task] for task in {label.task for label in labels} if task in gold}
    if len(known) < MINIMUM_GOLD:
        why = f"{len(known)} gold tasks have answers; {MINIMUM_GOLD} are needed to compare methods."
        return Chosen(names[0], why, {})
    split = split_gold(labels, known, ordinary_depth(labels, known))
    classes = max(len({label.label for label in labels} | set(known.values())), 2)
    trials = _trials(names, split, known, classes)
    scores = {name: _score(trial) for name, trial in trials.items()}
    return _decided(names[0], trials, scores)


def ordinary_depth(labels: Sequence[Label], gold: Collection[int]) -> int:
    """Return how many answers an ordinary task has: the median, or the gold tasks' without any."""
    counts = Counter(label.task for label in labels)
    ordinary = [count for task, count in counts.items() if task not in gold]
    return max(median_low(ordinary or list(counts.values()) or [1]), 1)


def split_gold(labels: Sequence[Label], gold_tasks: Collection[int], depth: int) -> Split:
    """Deal the answers of each gold task out to as many tasks of ``depth`` answers as they fill.

    A gold task with fewer answers than that stays whole. Answers left over form one more task,
    which is in ``Split.labels``, since it tells about its workers, but not in ``Split.gold``.
    Gold tasks disappear from the labels; the new ones have the numbers after the largest. Who
    is dealt where is drawn from ``SEED``, whatever the order of ``labels`` and the workers' ids.

    Raises ``UnsupportedLabels`` when a worker answered a task twice, ``ValueError`` for a depth
    below 1.
    """
    if depth < 1:
        raise ValueError("A task has at least one answer.")
    table = canonical(labels)
    wanted = set(gold_tasks)
    dealt, answers = Split([], {}), defaultdict(list)
    for task, worker, label in table.rows:
        row = Label(table.tasks[task], table.workers[worker], table.classes[label])
        if row.task in wanted:
            answers[row.task].append(row)
        else:
            dealt.labels.append(row)
    following = max(table.tasks, default=0) + 1
    for place, (task, rows) in enumerate(sorted(answers.items())):
        random.Random(f"{SEED} {place}").shuffle(rows)  # noqa: S311 - no secret
        for start in range(0, len(rows), depth):
            part = rows[start : start + depth]
            dealt.labels.extend(row._replace(task=following) for row in part)
            if len(part) == min(depth, len(rows)):
                dealt.gold[following] = task
            following += 1
    return dealt


def _trials(
    names: Sequence[str], split: Split, known: Mapping[int, str], classes: int
) -> dict[str, Trial]:
    trials = {}
    for name in names:
        try:
            trials[name] = _trial(methods.fit(name, split.labels), split, known, classes)
        except AggregationError:
            continue
    return trials


def _trial(fit: Fit, split: Split, known: Mapping[int, str], classes: int) -> Trial:
    right: defaultdict[int, list[float]] = defaultdict(list)
    losses: defaultdict[int, list[float]] = defaultdict(list)
    for part, task in split.gold.items():
        found = fit.consensus[part]
        right[task].append(float(found.label == known[task]))
        losses[task].append(_loss(found, known[task], classes))
    return Trial(
        {task: fmean(shares) for task, shares in right.items()},
        fmean(fmean(each) for each in losses.values()),
    )


def _loss(found: Consensus, truth: str, classes: int) -> float:
    """Return -ln of the probability given to ``truth``; a loser's is an equal share of the rest."""
    given = found.confidence
    if found.label != truth:
        given = (1 - found.confidence) / (classes - 1)
    return -log(max(given, SURPRISE))


def _score(trial: Trial) -> Score:
    right = round(sum(trial.right.values()))  # an interval needs whole numbers
    return Score(estimate(right, len(trial.right)), trial.log_loss)


def _decided(preferred: str, trials: dict[str, Trial], scores: dict[str, Score]) -> Chosen:
    if preferred not in trials:
        better = list(trials)
    else:
        rivals = [name for name in trials if name != preferred]
        better = [
            name
            for name in rivals
            if _chance_better(trials[name], trials[preferred]) <= CHANCE / len(rivals)
        ]
    if not better:
        return Chosen(preferred, _why_preferred(preferred, scores), scores)
    best = min(better, key=lambda name: (-fmean(trials[name].right.values()), trials[name][1]))
    return Chosen(best, _why_other(best, preferred, scores), scores)


def _chance_better(one: Trial, other: Trial) -> float:
    """Return how likely ``one`` wins as many gold tasks as it does if the two are equal."""
    differences = [one.right[task] - other.right[task] for task in one.right]
    wins = sum(difference > 0 for difference in differences)
    discordant = wins + sum(difference < 0 for difference in differences)
    ways = sum(comb(discordant, k) for k in range(wins, discordant + 1))
    return float(ways / 2**discordant)


def _why_preferred(preferred: str, scores: Mapping[str, Score]) -> str:
    if preferred not in scores:
        return "No candidate can work with these labels."
    return f"No other method beats {_figures(preferred, scores)} by more than chance."


def _why_other(best: str, preferred: str, scores: Mapping[str, Score]) -> str:
    if preferred not in scores:
        return f"{preferred} cannot work with these labels; {_figures(best, scores)} is the best."
    return f"{_figures(best, scores)} beats {_figures(preferred, scores)} by more than chance."


def _figures(name: str, scores: Mapping[str, Score]) -> str:
    accuracy = scores[name].accuracy
    return (
        f"{name} ({accuracy.estimate:.0%} right on {accuracy.answers} gold tasks, "
        f"{accuracy.low:.0%} to {accuracy.high:.0%})"
    )
