"""How good are labels at what cost, on real crowds: every recorded answer replayed.

make bench-quality            (BENCH_SETS=snow_rte,dog for some of the sets)

Reads the sets under BENCH_CROWD_DATA, by default ../shared/data/crowd beside this checkout:
a folder per set with answers.csv and truth.csv. Five orders of arrival each, default
parameters, nothing tuned to a set. Two halves are reported apart: a change of the defaults has
to hold on both, or it fits these sets and not crowds.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.refits import fresh, show_refits
from benchmarks.targets import Target, show_targets
from marketplace.management.commands.replay import read_recording
from tasks.aggregation import replay, spam
from tasks.aggregation.adaptive import Policy, Rule
from tasks.aggregation.online import Answers
from tasks.aggregation.replay import Recording

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CHECKOUT = Path(__file__).resolve().parent.parent
CROWD = Path(os.environ.get("BENCH_CROWD_DATA", CHECKOUT.parent / "shared" / "data" / "crowd"))
ONLY = {name for name in os.environ.get("BENCH_SETS", "").split(",") if name}
ORDERS = range(5)
GOLD = 50
BUDGETS = {2.8: "majority", 3.1: "dawid-skene", 3.5: "dawid-skene"}
FIRST_HALF = "snow_", "web", "face", "medrel_"  # families share workers, so they stay together
FEW_TASKS = 50  # below: one task is two points, the set is shown and not counted
REDUNDANT = 4.5  # mean answers a task must have for "5 each" to mean anything
GAINING = 0.03  # by which five answers must beat one
CLOSING = 0.10  # share of tasks closed from which their accuracy is worth averaging
BEGINNING = 10  # answers after which workers are judged
LONG_ENOUGH = 20  # answers of a worker who may be replaced by a spammer


class Cost(NamedTuple):
    """Means over the orders of one set; accuracies as shares."""

    name: str
    counted: bool
    majority: float
    dawid_skene: float
    at: dict[float, float]  # accuracy by mean answers

    def lead(self, mean: float) -> float:
        """Return points above the reference of ``mean``, below 0 if behind."""
        against = self.majority if BUDGETS[mean] == "majority" else self.dawid_skene
        return 100 * (self.at[mean] - against)


class Calibration(NamedTuple):
    name: str
    answers: float
    error: float
    closed: float
    accuracy: float | None  # of the closed ones


class Spotting(NamedTuple):
    name: str
    random: float  # area under the curve
    habit: float
    found: float  # share, at 5 % false alarms


Row = TypeVar("Row", Cost, Calibration, Spotting)


def main() -> None:
    """Print the figures, each beside its target."""
    recordings = dict(read_sets())
    if not recordings:
        print(f"There are no crowd data sets under {CROWD} (BENCH_CROWD_DATA); nothing measured.")
        sys.exit(0)
    began = time.process_time()
    costs = [cost(name, recording) for name, recording in recordings.items()]
    show_costs(costs)
    calibrations = [row for item in recordings.items() if (row := calibration(*item))]
    show_calibration(calibrations)
    spottings = [found for item in recordings.items() if (found := spotting(*item))]
    show_spotting(spottings)
    cold, warm = show_refits()
    counted = [row for row in costs if row.counted]
    show_targets(
        [
            *(cost_targets(counted) if counted else ()),
            *(calibration_targets(calibrations) if calibrations else ()),
            *(spotting_targets(spottings) if spottings else ()),
            Target("refit of 100,000 answers, 25 rounds, s CPU", cold, 0.5, ".3f", at_most=True),
            Target("the same warm, 3 rounds", warm, 0.05, ".3f", at_most=True),
        ]
    )
    print(f"\n{time.process_time() - began:.0f} s CPU")


def read_sets() -> Iterable[tuple[str, Recording]]:
    for folder in sorted(CROWD.iterdir()) if CROWD.is_dir() else []:
        files = folder / "answers.csv", folder / "truth.csv"
        if (ONLY and folder.name not in ONLY) or not all(file.exists() for file in files):
            continue
        recording, _ = read_recording(*files)
        # Numbers and texts hardly ever repeat; they have aggregators of their own.
        if recording.classes <= max(10, recording.tasks // 10):
            yield folder.name, recording


def cost(name: str, recording: Recording) -> Cost:
    orders = [replay.shuffled(recording, seed) for seed in ORDERS]
    one = mean_accuracy(replay.replay_majority(order, 1) for order in orders)
    majority = mean_accuracy(replay.replay_majority(order, 5) for order in orders)
    per_task = len(recording.answers.tasks) / recording.tasks
    return Cost(
        name=name,
        counted=(
            majority - one >= GAINING and per_task >= REDUNDANT and recording.tasks >= FEW_TASKS
        ),
        majority=majority,
        dawid_skene=mean_accuracy(
            replay.replay_method(order, 5, "dawid_skene") for order in orders
        ),
        at={
            mean: mean_accuracy(
                replay.replay_adaptive(order, replay.budgeted(Policy(), order, mean))
                for order in orders
            )
            for mean in BUDGETS
        },
    )


def mean_accuracy(outcomes: Iterable[replay.Outcome]) -> float:
    return fmean(found.accuracy or 0.0 for found in outcomes)


def show_costs(costs: Sequence[Cost]) -> None:
    print(f"{'set':18}{'5+majority':>11}{'5+DS':>7}", end="")
    print(*(f"{mean:>6} answers" for mean in BUDGETS), sep="")
    for row in costs:
        print(f"{row.name:18}{row.majority:11.1%}{row.dawid_skene:7.1%}", end="")
        accuracies = (f"{row.at[mean]:7.1%} {row.lead(mean):+5.1f} " for mean in BUDGETS)
        print(*accuracies, "" if row.counted else "not counted", sep="")
    for half, rows in halves([row for row in costs if row.counted]):
        for mean, against in BUDGETS.items():
            leads = [row.lead(mean) for row in rows]
            print(
                f"{half}: {mean} answers against 5 + {against}: mean {fmean(leads):+.1f} points,"
                f" worst {min(leads):+.1f}, within 0.5 point {share(leads, -0.5):.0%}, not below"
                f" {share(leads, 0.0):.0%} of {len(leads)} sets"
            )


def cost_targets(rows: Sequence[Cost]) -> Iterable[Target]:
    at = {mean: [row.lead(mean) for row in rows] for mean in BUDGETS}
    yield Target("3.5 answers less 5 + dawid-skene, mean points", fmean(at[3.5]), 0, "+.1f")
    yield Target("the same, worst set", min(at[3.5]), -2.5, "+.1f")
    yield Target("the same, sets within 0.5 point", share(at[3.5], -0.5), 0.85, ".0%")
    yield Target("3.1 answers less 5 + dawid-skene, mean points", fmean(at[3.1]), 0, "+.1f")
    yield Target("2.8 answers, sets not below 5 + majority", share(at[2.8], 0), 0.85, ".0%")


def calibration(name: str, recording: Recording) -> Calibration | None:
    """Replay the target rule with gold; None where too few tasks are left to score."""
    if (recording.truth != replay.UNKNOWN).sum() < 2 * GOLD - 10:
        return None
    found = []
    for seed in ORDERS:
        order = replay.shuffled(recording, seed)
        gold = replay.gold_tasks(order, GOLD, seed)
        found.append(replay.replay_adaptive(order, Policy(rule=Rule.TARGET), gold))
    accuracies = [one.closed_accuracy for one in found if one.closed_accuracy is not None]
    return Calibration(
        name=name,
        answers=fmean(one.answers_per_task for one in found),
        error=fmean(one.calibration_error or 0.0 for one in found),
        closed=fmean(one.closed or 0.0 for one in found),
        accuracy=fmean(accuracies) if accuracies else None,
    )


def show_calibration(rows: Sequence[Calibration]) -> None:
    print(f"\n{'with 50 gold':18}{'answers':>9}{'ECE':>8}{'closed':>8}{'of these right':>16}")
    for row in rows:
        right = "-" if row.accuracy is None else f"{row.accuracy:.1%}"
        print(f"{row.name:18}{row.answers:9.2f}{row.error:8.3f}{row.closed:8.0%}{right:>16}")
    for half, some in halves(rows):
        closing = [row.accuracy for row in some if row.closed >= CLOSING and row.accuracy]
        right = f"{fmean(closing):.1%}, worst {min(closing):.1%}" if closing else "-"
        print(
            f"{half}: ECE {fmean(row.error for row in some):.3f}; closed at 95 % are right"
            f" {right}, on the {len(closing)} of {len(some)} sets that close {CLOSING:.0%}"
        )


def calibration_targets(rows: Sequence[Calibration]) -> Iterable[Target]:
    error = fmean(row.error for row in rows)
    yield Target(f"mean calibration error with {GOLD} gold", error, 0.05, ".3f", at_most=True)
    closing = [row.accuracy for row in rows if row.closed >= CLOSING and row.accuracy]
    if closing:
        yield Target("closed at 95 %, share right", fmean(closing), 0.93, ".1%")


def spotting(name: str, recording: Recording) -> Spotting | None:
    """Replace workers by spammers and try to find them; None where there are too few workers."""
    counts = np.bincount(recording.answers.workers, minlength=recording.workers)
    long_enough = np.flatnonzero(counts >= LONG_ENOUGH)
    if len(long_enough) < LONG_ENOUGH:
        return None
    rows = [_spotted(recording, long_enough, seed) for seed in ORDERS]
    return Spotting(name, *(fmean(column) for column in zip(*rows, strict=True)))


def _spotted(recording: Recording, workers: Ints, seed: int) -> tuple[float, float, float]:
    random = np.random.default_rng(seed)
    workers = random.permutation(workers)
    clickers, pushers, honest = np.split(
        workers, [round(0.2 * len(workers)), round(0.3 * len(workers))]
    )
    answers = recording.answers
    mix = np.bincount(answers.labels, minlength=recording.classes) / len(answers.labels)
    labels = answers.labels.copy()
    clicked = np.isin(answers.workers, clickers)
    labels[clicked] = random.integers(0, recording.classes, clicked.sum())
    for worker in pushers:
        labels[answers.workers == worker] = random.choice(recording.classes, p=mix)
    answers = answers._replace(labels=labels)
    model = fresh(recording._replace(answers=answers)).refit()
    beliefs = model.without_own_answer()
    crowd = spam.population(answers, beliefs, recording.workers)
    order = random.permutation(len(labels))
    first = order[_position_within(answers.workers[order], recording.workers) < BEGINNING]
    found = spam.suspicion(
        Answers(*(column[first] for column in answers)), beliefs[first], recording.workers, crowd
    )
    alarm = np.quantile(found.spam[honest], 0.95)
    bad = np.concatenate([clickers, pushers])
    return (
        area_under_curve(found.random[clickers], found.random[honest]),
        area_under_curve(found.habit[pushers], found.habit[honest]),
        float((found.spam[bad] > alarm).mean()),
    )


def _position_within(workers: Ints, count: int) -> Ints:
    order = np.argsort(workers, kind="stable")
    sizes = np.bincount(workers, minlength=count)
    positions = np.empty_like(workers)
    positions[order] = np.arange(len(workers)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return positions


def area_under_curve(bad: Floats, good: Floats) -> float:
    """Return the chance that a bad one scores higher than a good one, ties counting half."""
    difference = bad[:, None] - good[None]
    return float((difference > 0).mean() + (difference == 0).mean() / 2)


def show_spotting(rows: Sequence[Spotting]) -> None:
    print(f"\n{'after 10 answers':18}{'AUC random':>12}{'AUC button':>12}{'found':>8}")
    for row in rows:
        print(f"{row.name:18}{row.random:12.2f}{row.habit:12.2f}{row.found:8.0%}")
    for half, some in halves(rows):
        print(
            f"{half}: AUC of random clickers {fmean(row.random for row in some):.3f},"
            f" one-button {fmean(row.habit for row in some):.3f}, found at 5 % false alarms"
            f" {fmean(row.found for row in some):.0%}"
        )


def spotting_targets(rows: Sequence[Spotting]) -> Iterable[Target]:
    after = f"after {BEGINNING} answers"
    yield Target(f"AUC of random clickers {after}", fmean(row.random for row in rows), 0.92, ".3f")
    yield Target(
        f"AUC of one-button workers {after}", fmean(row.habit for row in rows), 0.97, ".3f"
    )
    yield Target("found at 5 % false alarms", fmean(row.found for row in rows), 0.60, ".0%")


def share(values: Sequence[float], least: float) -> float:
    return fmean(value >= least for value in values)


def halves(rows: Sequence[Row]) -> Iterable[tuple[str, list[Row]]]:
    first = [row for row in rows if row.name.startswith(FIRST_HALF)]
    second = [row for row in rows if not row.name.startswith(FIRST_HALF)]
    for half, some in (("all", list(rows)), ("first half", first), ("second half", second)):
        if some:
            yield half, some


if __name__ == "__main__":
    main()
