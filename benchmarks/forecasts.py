"""How often do forecasts hold? Pilots of real crowds, and what became of the rest.

make bench-forecast           (BENCH_SETS=snow_rte,dog for some of the sets)

Reads the sets of ``benchmarks.quality``. Five times a random tenth of a set's tasks, between 50
and 200, is bought under a policy; the rest is forecast, bought under the same policy, and
compared. Default parameters, nothing tuned to a set; the sets' two halves are reported apart.
A set of more than 1,500 tasks is cut down to them, those of a known truth first. Time and wage
are forecast where answers are timed: from a tenth of the recorded answers, in their real order,
the four tenths that follow.
"""

from __future__ import annotations

import csv
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from math import ceil
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality import CROWD, FIRST_HALF, ONLY, ORDERS, read_sets
from tasks.aggregation.adaptive import Policy
from tasks.aggregation.calibration import fit_exponent, tempered
from tasks.aggregation.online import Answers, OnlineModel
from tasks.aggregation.replay import UNKNOWN, Recording, gold_tasks, shuffled
from tasks.forecasting import pace
from tasks.forecasting.accuracy import right_shares
from tasks.forecasting.forecast import forecast
from tasks.forecasting.intervals import Interval
from tasks.forecasting.plan import Fixed, Job, Pilot
from tasks.forecasting.record import Record, Score, record, score, scored
from tasks.forecasting.simulate import Size, bought

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FEWEST_TASKS = 150  # three pilots of the smallest size
MOST_TASKS = 1_500
PILOT = 50, 200  # tasks, fewest and most
GOLD = 20, 50
OVERLAP = 3  # of the fixed policy
STARTS = range(5)  # tenths of a timed recording at which a pilot begins
FOLLOWING = 4  # tenths that are forecast from one
SERVED = Size(runs=7, tasks=100)  # as much as the service simulates, to answer within a second
PRICE = 10  # minor units; intervals scale with it
TARGET = "target: 75 to 90 % of the 80 % intervals hold"
UNITS = {
    "answers_per_task": "answers, mean {:.2f}",
    "accuracy": "accuracy, mean {:.1%}",
    "closed": "closed at 95 %, mean {:.1%}",
    "hours": "log hours, mean {:.2f}",
    "hourly_wage_minor": "log wage, mean {:.2f}",
}

Case = tuple[str, str]  # set, policy


class Trial(NamedTuple):
    """A set in one order: its tasks drawn and numbered so that the pilot's come first."""

    recording: Recording
    pilot: int  # tasks
    gold: Ints


def main() -> None:
    """Print how often intervals held, per quantity and policy, and how wide they are."""
    began = time.process_time()
    found = {case: scores for case, scores in forecasts() if scores}
    timed = {name: list(timed_scores(name)) for name in timed_sets()}
    if not found and not timed:
        print(f"There are no crowd data sets under {CROWD} (BENCH_CROWD_DATA); nothing measured.")
        sys.exit(0)
    show_sets(found)
    show_policies(found)
    show_timed(timed)
    print(f"{TARGET}\n\n{time.process_time() - began:.0f} s CPU")


def forecasts() -> Iterator[tuple[Case, list[dict[str, Score]]]]:
    """Forecast every set under every policy, with and without gold in the pilot."""
    for name, recording in read_sets():
        if recording.tasks < FEWEST_TASKS:
            continue
        trials = [trial(recording, seed) for seed in ORDERS]
        # No replay can buy more than was recorded, and the requester would know.
        most = ceil(len(recording.answers.tasks) / recording.tasks)
        adaptive = Policy(maximum=min(most, Policy.maximum))
        for policy in (adaptive, Fixed(overlap=OVERLAP)):
            kind = "gain" if policy is adaptive else f"fixed {OVERLAP}"
            yield (name, kind), [outcome(one, policy) for one in trials]
            blind = [one._replace(gold=one.gold[:0]) for one in trials]
            yield (name, f"{kind}, no gold"), [outcome(one, policy) for one in blind]


def trial(recording: Recording, seed: int) -> Trial:
    recording = shuffled(recording, seed)
    tasks = np.random.default_rng(seed).permutation(recording.tasks)
    known_first = tasks[np.argsort(recording.truth[tasks] == UNKNOWN, kind="stable")]
    tasks = np.random.default_rng(seed).permutation(known_first[:MOST_TASKS])
    recording = only(recording, tasks)
    fewest, most = PILOT
    pilot = min(max(fewest, recording.tasks // 10), most)
    gold = gold_tasks(only(recording, np.arange(pilot)), min(max(GOLD[0], pilot // 2), GOLD[1]))
    return Trial(recording, pilot, gold)


def only(recording: Recording, tasks: Ints) -> Recording:
    """Return the recording of these tasks, numbered in their order."""
    codes = np.full(recording.tasks, -1)
    codes[tasks] = np.arange(len(tasks))
    rows = np.flatnonzero(codes[recording.answers.tasks] >= 0)
    answers = recording.answers
    chosen = Answers(codes[answers.tasks[rows]], answers.workers[rows], answers.labels[rows])
    return recording._replace(answers=chosen, truth=recording.truth[tasks])


def outcome(one: Trial, policy: Policy | Fixed) -> dict[str, Score]:
    """Buy the pilot, forecast the rest, buy it all, and score the forecast."""
    pilot = only(one.recording, np.arange(one.pilot))
    gold = dict(zip(one.gold.tolist(), pilot.truth[one.gold].tolist(), strict=True))
    truth = np.full(one.pilot, UNKNOWN)
    truth[one.gold] = pilot.truth[one.gold]
    told = pilot._replace(answers=bought(pilot, policy, gold), truth=truth)
    job = Job(tasks=one.recording.tasks, policy=policy, price_minor=PRICE)
    foretold = forecast(Pilot(recording=told, policy=policy), job, size=SERVED)
    scores = score(foretold, actual(one, policy, gold))
    if isinstance(policy, Fixed):
        del scores["answers_per_task"]  # nothing to foretell
    return scores


def actual(one: Trial, policy: Policy | Fixed, gold: Mapping[int, int]) -> dict[str, float | None]:
    """Return what became of the tasks beyond the pilot."""
    whole, tasks = one.recording, one.recording.tasks
    answers = bought(whole, policy, gold)
    model = OnlineModel(
        answers, tasks=tasks, workers=whole.workers, classes=whole.classes, gold=gold
    ).refit()
    exponent = fit_exponent(model.evidence[one.gold], whole.truth[one.gold])
    posteriors = tempered(model.evidence, exponent)[one.pilot :]
    truth = whole.truth[one.pilot :]
    known = np.flatnonzero(truth != UNKNOWN)
    return {
        "answers_per_task": float((answers.tasks >= one.pilot).sum() / (tasks - one.pilot)),
        "accuracy": float(right_shares(posteriors[known], truth[known]).mean()),
        "closed": float((posteriors.max(axis=1) >= policy.target).mean()),
    }


def timed_sets() -> list[str]:
    folders = sorted(CROWD.iterdir()) if CROWD.is_dir() else []
    files = [folder / "answers.csv" for folder in folders if not ONLY or folder.name in ONLY]
    return [file.parent.name for file in files if file.exists() and "seconds" in headings(file)]


def headings(file: Path) -> list[str]:
    with file.open(encoding="utf-8", newline="") as lines:
        return next(csv.reader(lines), [])


def timed_scores(name: str) -> Iterator[dict[str, Score]]:
    """Forecast hours and wage, both on the log scale so that sets can be compared."""
    with (CROWD / name / "answers.csv").open(encoding="utf-8", newline="") as lines:
        rows = sorted(csv.DictReader(lines), key=lambda row: int(row["order"]))
    seconds = np.array([float(row["seconds"]) for row in rows])
    _, workers = np.unique([row["worker"] for row in rows], return_inverse=True)
    arrived = None
    if "time" in rows[0]:
        arrived = np.array([datetime.fromisoformat(row["time"]).timestamp() for row in rows])
    for start in STARTS:
        first, last, end = (len(rows) * (start + tenths) // 10 for tenths in (0, 1, 1 + FOLLOWING))
        random = np.random.default_rng(start)
        scores = {}
        wage = pace.hourly_wage(PRICE, seconds[first:last], workers[first:last], end - last, random)
        if wage:
            median = max(float(np.median(seconds[last:end])), pace.SHORTEST)
            scores["hourly_wage_minor"] = logged(wage, PRICE * pace.HOUR / median)
        hours = arrived is not None and pace.hours_at_pace(arrived[first:last], end - last, 0.0)
        if arrived is not None and hours:
            scores["hours"] = logged(hours, (arrived[end - 1] - arrived[last - 1]) / pace.HOUR)
        yield scores


def logged(interval: Interval, value: float) -> Score:
    low, mid, high = np.log(interval).tolist()
    return scored(Interval(low, mid, high), float(np.log(max(value, 1e-9))))


def show_sets(found: Mapping[Case, Sequence[Mapping[str, Score]]]) -> None:
    print(f"{'set':16}{'policy':18}held of {len(ORDERS)}, mean width, mean actual less forecast")
    for (name, policy), scores in found.items():
        print(f"{name:16}{policy:18}", end="")
        for quantity, one in record(scores).items():
            print(
                f"{quantity.split('_')[0]:>9} {one.held} {one.width:5.2f} {one.miss:+5.2f}", end=""
            )
        print()


def show_policies(found: Mapping[Case, Sequence[Mapping[str, Score]]]) -> None:
    print()
    for policy in dict.fromkeys(policy for _, policy in found):
        print(f"{policy}:")
        for half, names in halves({name for name, _ in found}):
            rows = [
                row
                for (name, kind), scores in found.items()
                for row in scores
                if kind == policy and name in names
            ]
            for quantity, one in record(rows).items():
                print(f"  {half:12}{describe(quantity, one)}")


def show_timed(timed: Mapping[str, Sequence[Mapping[str, Score]]]) -> None:
    print("\ntimed answers, of five pilots each, not shuffled:")
    for name, scores in {**timed, "all": [row for rows in timed.values() for row in rows]}.items():
        for quantity, one in record(scores).items():
            print(f"  {name:16}{describe(quantity, one)}")


def describe(quantity: str, one: Record) -> str:
    low, high = one.share.low, one.share.high
    width = UNITS[quantity].format(one.width)
    return (
        f"{quantity:18} {one.held / one.share.answers:4.0%} of {one.share.answers:3} hold"
        f" ({low:.0%} to {high:.0%}); width in {width}; actual less forecast {one.miss:+.3f}"
    )


def halves(names: Iterable[str]) -> Iterator[tuple[str, set[str]]]:
    names = set(names)
    first = {name for name in names if name.startswith(FIRST_HALF)}
    yield "all", names
    if first and names - first:
        yield "first half", first
        yield "second half", names - first


if __name__ == "__main__":
    main()
