"""How long the online model takes to learn from all answers of a large batch."""

from __future__ import annotations

import time

import numpy as np

from tasks.aggregation.online import ROUNDS, WARM_ROUNDS, Answers, OnlineModel
from tasks.aggregation.replay import Recording


def show_refits() -> tuple[float, float]:
    """Return the slowest cold and warm refit, in seconds of CPU.

    They are of 100,000 answers: 20,000 tasks, 1,000 workers of skill 0.5 to 1.
    """
    random = np.random.default_rng(0)
    times = []
    for classes in (2, 4):
        tasks = np.repeat(np.arange(20_000), 5)
        # Steps of 200 keep the five workers of a task apart.
        workers = (random.integers(0, 1_000, 20_000)[tasks] + np.arange(100_000) % 5 * 200) % 1_000
        right = random.random(100_000) < random.uniform(0.5, 1, 1_000)[workers]
        wrong = random.integers(1, classes, 100_000)
        truth = random.integers(0, classes, 20_000)
        labels = (truth[tasks] + np.where(right, 0, wrong)) % classes
        recording = Recording(Answers(tasks, workers, labels), truth, 1_000, classes)
        cold = refit_seconds(recording, None, 25)
        warm = refit_seconds(recording, fresh(recording).refit(ROUNDS), WARM_ROUNDS)
        times.append((cold, warm))
        print(
            f"\nrefit of 100,000 answers, {classes} classes: 25 rounds {cold:.3f} s CPU,"
            f" warm 3 rounds {warm:.3f} s",
            end="",
        )
    print()
    slowest, slowest_warm = (max(column) for column in zip(*times, strict=True))
    return slowest, slowest_warm


def fresh(recording: Recording, start: OnlineModel | None = None) -> OnlineModel:
    return OnlineModel(
        recording.answers,
        tasks=recording.tasks,
        workers=recording.workers,
        classes=recording.classes,
        start=start,
    )


def refit_seconds(recording: Recording, start: OnlineModel | None, rounds: int) -> float:
    """Return the CPU time of the fastest of five fits, from the answers on."""
    spent = []
    for _ in range(5):
        began = time.process_time()
        fresh(recording, start).refit(rounds)
        spent.append(time.process_time() - began)
    return min(spent)
