"""Our own Dawid-Skene, MACE and GLAD beside crowd-kit's: accuracy and CPU seconds.

crowd-kit's MACE is run once, not its ten times from the same start: times 10 is what it takes.

python -m benchmarks.aggregators
    BENCH_CROWD_DATA=folder         recorded crowds, see ``crowd_data``
    BENCH_GLAD_ANSWERS=30000        recorded crowds above this are too much for crowd-kit's GLAD
    BENCH_SYNTHETIC=100000          answers of the made-up crowd
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterable
from typing import NamedTuple

from benchmarks.crowd_data import FOLDER, Crowd, classifications
from tasks.aggregation.canonical import canonical
from tasks.aggregation.labels import Label
from tasks.aggregation.methods import fit

METHODS = ("dawid_skene", "mace", "glad")
GLAD_ANSWERS = int(os.environ.get("BENCH_GLAD_ANSWERS", "30000"))
SYNTHETIC = int(os.environ.get("BENCH_SYNTHETIC", "100000"))
CLASSES = "abcd"
TARGET_POINTS = 0.2
TARGET_SECONDS = 2.0


class Run(NamedTuple):
    accuracy: float  # percent
    seconds: float  # of CPU


def main() -> None:
    """Print a line for each crowd and method, then what it comes to."""
    crowds = classifications()
    if not crowds:
        print(f"No crowds to measure: {FOLDER} is not there. Set BENCH_CROWD_DATA.")
        return
    from tasks.aggregation import crowdkit, dawid_skene, glad, mace  # noqa: F401 - not to be timed

    worst = dict.fromkeys(METHODS, 0.0)
    for method in METHODS:
        print(
            f"\n{method:20}{'answers':>8}{'ours':>8}{'crowd-kit':>10}{'CPU s':>8}{'crowd-kit':>10}"
        )
        for crowd in [*crowds, synthetic(SYNTHETIC)]:
            ours, theirs = measured(method, crowd), None
            if method != "glad" or len(crowd.labels) <= GLAD_ANSWERS or crowd.name == "synthetic":
                theirs = measured(f"crowdkit_{method}", crowd)
                worst[method] = max(worst[method], theirs.accuracy - ours.accuracy)
            mark = " *" if method == "mace" and mixed_up(crowd.labels) else ""
            print(line(crowd, ours, theirs) + mark, flush=True)
    print("\n* crowd-kit takes one label's habit for another's here (tasks/aggregation/mace.py)")
    for method, points in worst.items():
        print(
            f"{method}: at most {points:.2f} points below crowd-kit; target {TARGET_POINTS},"
            f" and {TARGET_SECONDS:.0f} s for 100,000 answers"
        )


def measured(method: str, crowd: Crowd) -> Run:
    started = time.process_time()
    consensus = fit(method, crowd.labels).consensus
    seconds = time.process_time() - started
    right = sum(consensus[task].label == label for task, label in crowd.truth.items())
    return Run(100 * right / len(crowd.truth), seconds)


def line(crowd: Crowd, ours: Run, theirs: Run | None) -> str:
    accuracy, seconds = (
        ("-", "-") if theirs is None else (f"{theirs.accuracy:.2f}", f"{theirs.seconds:.2f}")
    )
    return (
        f"{crowd.name:20}{len(crowd.labels):8}{ours.accuracy:8.2f}{accuracy:>10}"
        f"{ours.seconds:8.2f}{seconds:>10}"
    )


def mixed_up(labels: Iterable[Label]) -> bool:
    """Whether the labels' first appearance, as crowd-kit sees them, is not their order."""
    seen = list(dict.fromkeys(label for _, _, label in canonical(list(labels)).rows))
    return seen != sorted(seen)


def synthetic(answers: int, *, overlap: int = 5, workers: int = 500) -> Crowd:
    """Make up a crowd: four classes, nine in ten workers mostly right, one in ten clicking."""
    dice = random.Random(0)
    skills = [0.0 if dice.random() < 0.1 else dice.betavariate(6, 3) for _ in range(workers)]
    truth = {task: dice.choice(CLASSES) for task in range(answers // overlap)}
    labels = [
        Label(task, worker, right if dice.random() < skills[worker] else dice.choice(CLASSES))
        for task, right in truth.items()
        for worker in dice.sample(range(workers), overlap)
    ]
    return Crowd("synthetic", labels, truth)


if __name__ == "__main__":
    main()
