"""What a wage floor costs, whom it reaches and what slow work gains, on simulated crowds.

make simulate-wages            (BENCH_ARGS="--jobs 40" for fewer jobs)

Exits with 1 unless both guarantees keep their targets. A job has 100 workers of differing speed,
five of whom are slow on purpose, and pays exactly the floor for its median answer. The rules
are those of ``tasks.wages``; only people are made up here.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from statistics import fmean
from typing import NamedTuple

from benchmarks.targets import Target, show_targets
from tasks.wages import pilot
from tasks.wages.floor import floor_pay, job_topup, least_reward, worker_topup
from tasks.wages.time import (
    Worked,
    beat,
    finish,
    payable_seconds,
    payable_total,
    reference_seconds,
    start,
)

JOBS = 200
FLOOR = 1_200  # minor units per hour
MEDIAN = 240  # seconds an answer takes in the middle; a true estimate, too
LIMIT = 7_200
WORKERS = 100
ANSWERS = 10  # of each worker
WORKER_SPREAD, TASK_SPREAD = 0.35, 0.40  # standard deviations of the log time
BREAKS = 0.06  # share of answers with one
BREAK = 300, 1_800  # seconds, from and to; no beats are sent
BEAT = 15  # seconds between two
SLOW = 5  # workers who pretend
STRETCH = 2.5  # times what a task usually takes, which is what they take
PILOT = 10  # workers, one answer each
LOOKS = 10  # at the reference time while a job goes on


@dataclass(frozen=True)
class People:
    """What differs between crowds."""

    answers: int = ANSWERS
    knowing: bool = False  # slow workers know the limit, and take exactly that


class Answer(NamedTuple):
    worker: int  # below ``SLOW``: slow on purpose
    needed: int  # seconds of work
    worked: Worked  # as measured


class Rules(NamedTuple):
    name: str
    job: bool = False  # the job's guarantee
    worker: bool = False  # the worker's
    average: bool = True  # its limit also holds on average, not just answer by answer
    looks: int = 1  # the last at the end
    pilot: bool = False  # the reward is set, and a reserve, by a pilot


class Outcome(NamedTuple):
    """Of one job, or the mean of many; shares of the rewards, but for ``reached``."""

    extra: float
    reached: float  # share of the honest workers who got the floor for the work they did
    slow: float  # extra cost that goes to slow workers
    short: float  # 1 if the reserve did not do


NOTHING = Rules("no rule")
MEDIAN_ONLY = Rules("median rule only", job=True)
ONE_BY_ONE = Rules("both guarantees, limit by answer only", job=True, worker=True, average=False)
BOTH = Rules("both guarantees", job=True, worker=True)
LIVE = BOTH._replace(name="the same, paid as the job goes", looks=LOOKS)
FULL = LIVE._replace(name="the same, pilot of 10 and reserve", pilot=True)
ROWS = NOTHING, MEDIAN_ONLY, ONE_BY_ONE, BOTH, LIVE, FULL


def main() -> None:
    """Print the figures; exit with 1 where a target is missed."""
    parser = argparse.ArgumentParser(description="What a wage floor costs and whom it reaches.")
    parser.add_argument("--jobs", type=int, default=JOBS)
    jobs = parser.parse_args().jobs
    began = time.process_time()
    found = simulated(ROWS, jobs)
    show(f"{jobs} jobs, {WORKERS} workers with {ANSWERS} answers each", found)
    show_crowds(jobs)
    wanted = targets(found[BOTH])
    show_targets(wanted)
    print(f"\n{time.process_time() - began:.0f} s CPU")
    sys.exit(0 if all(target.met for target in wanted) else 1)


def targets(both: Outcome, *, reached: float = 0.94, cost: float = 1.35) -> list[Target]:
    """Return what both guarantees have to keep; ``show_targets`` prints it."""
    return [
        Target("honest workers at the floor or above", both.reached, reached, ".1%"),
        Target("cost as a multiple of the rewards", 1 + both.extra, cost, ".3f", at_most=True),
        Target("of it to slow workers, points", 100 * both.slow, 8, ".2f", at_most=True),
    ]


def simulated(
    rows: Sequence[Rules], jobs: int, people: People | None = None
) -> dict[Rules, Outcome]:
    """Return the means over so many jobs; every row sees the same people."""
    crowds = [job(seed, people or People()) for seed in range(jobs)]
    return {
        rules: Outcome(*map(fmean, zip(*(settled(each, rules) for each in crowds), strict=True)))
        for rules in rows
    }


def job(seed: int, people: People) -> list[Answer]:
    """Return the answers in order of arrival."""
    random = Random(seed)
    speeds = [random.lognormvariate(0, WORKER_SPREAD) for _ in range(WORKERS)]
    answers = [
        answer(worker, speeds[worker], people, random)
        for worker in range(WORKERS)
        for _ in range(people.answers)
    ]
    random.shuffle(answers)
    return answers


def answer(worker: int, speed: float, people: People, random: Random) -> Answer:
    usual = MEDIAN * random.lognormvariate(0, TASK_SPREAD)
    needed = max(1, round(usual * speed))
    if worker < SLOW:
        shown = 3 * MEDIAN if people.knowing else max(1, round(STRETCH * usual))
        return Answer(worker, needed, watched(shown))
    if random.random() < BREAKS:
        begins, lasts = random.randint(0, needed), round(random.uniform(*BREAK))
        return Answer(worker, needed, watched(needed, begins, lasts))
    return Answer(worker, needed, watched(needed))


def watched(seconds: int, break_at: int = 0, break_seconds: int = 0) -> Worked:
    """Return what is measured of ``seconds`` of work with a break after ``break_at`` of them."""
    clock = start(0)
    for at in range(BEAT, seconds, BEAT):
        clock = beat(clock, at if at <= break_at else at + break_seconds)
    return finish(clock, seconds + break_seconds)


def settled(answers: Sequence[Answer], rules: Rules) -> Outcome:
    reward, reserve = offer(answers) if rules.pilot else (least_reward(FLOOR, MEDIAN), None)
    extra: dict[int, int] = defaultdict(int)
    for one, topup in zip(answers, job_topups(answers, reward, rules), strict=True):
        extra[one.worker] += topup
    by_worker = grouped(answers)
    reference = reference_of(answers)
    for worker, own in by_worker.items():
        if rules.worker:
            paid = len(own) * reward + extra[worker]
            extra[worker] += worker_topup(FLOOR, payable(own, reference, rules), paid)
    rewards, total = len(answers) * reward, sum(extra.values())
    return Outcome(
        extra=total / rewards,
        reached=fmean(
            len(own) * reward + extra[worker] >= floor_pay(FLOOR, sum(one.needed for one in own))
            for worker, own in by_worker.items()
            if worker >= SLOW
        ),
        slow=sum(extra[worker] for worker in range(SLOW)) / rewards,
        short=float(reserve is not None and total > len(answers) * reserve),
    )


def offer(answers: Sequence[Answer]) -> tuple[int, int]:
    """Return reward and reserve per answer: the least allowed after a pilot.

    Its times are the first answers of the first workers.
    """
    first = {one.worker: one for one in reversed(answers)}
    times = [one.worked.seconds for one in answers if one is first[one.worker]][:PILOT]
    reward = least_reward(FLOOR, reference_seconds({i: [t] for i, t in enumerate(times)}, MEDIAN))
    return reward, pilot.reserve_each(reward, FLOOR, pilot.upper_seconds(times, MEDIAN))


def job_topups(answers: Sequence[Answer], reward: int, rules: Rules) -> list[int]:
    """Return the top-up of each answer, raised at each look and never taken back."""
    topups = [0] * len(answers)
    for look in range(1, rules.looks + 1) if rules.job else ():
        seen = len(answers) * look // rules.looks
        least = job_topup(reward, FLOOR, reference_of(answers[:seen]))
        topups[:seen] = [max(topup, least) for topup in topups[:seen]]
    return topups


def payable(own: Sequence[Answer], reference: int, rules: Rules) -> int:
    work = [one.worked for one in own]
    if rules.average:
        return payable_total(work, reference, LIMIT)
    return sum(payable_seconds(*one, reference, LIMIT) for one in work)


def reference_of(answers: Sequence[Answer]) -> int:
    times = {
        worker: [one.worked.seconds for one in own] for worker, own in grouped(answers).items()
    }
    return reference_seconds(times, MEDIAN)


def grouped(answers: Sequence[Answer]) -> dict[int, list[Answer]]:
    by_worker: dict[int, list[Answer]] = defaultdict(list)
    for one in answers:
        by_worker[one.worker].append(one)
    return by_worker


def show(title: str, found: dict[Rules, Outcome]) -> None:
    print(f"{title:46}{'extra':>8}{'cost':>8}{'at floor':>10}{'to slow':>9}{'reserve short':>15}")
    for rules, row in found.items():
        short = f"{row.short:.1%}" if rules.pilot else "-"
        print(
            f"{rules.name:46}{row.extra:8.1%}{1 + row.extra:8.3f}{row.reached:10.1%}"
            f"{100 * row.slow:9.2f}{short:>15}"
        )


def show_crowds(jobs: int) -> None:
    """Print how the figures move with what the targets do not fix."""
    print()
    jobs = max(1, jobs // 4)
    for answers in 2, 5, 20:
        found = simulated((ONE_BY_ONE, BOTH, LIVE), jobs, People(answers=answers))
        show(f"{answers} answers each ({jobs} jobs)", found)
    found = simulated((BOTH,), jobs, People(knowing=True))
    show(f"slow workers who know the limit ({jobs} jobs)", found)


if __name__ == "__main__":
    main()
