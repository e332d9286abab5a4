"""``manage.py replay``: what adaptive redundancy would have cost on answers one already has.

Runs without a database. ``--json`` prints one object with the keys

* ``tasks``, ``workers``, ``classes``, ``answers``: what the file holds;
* ``scored``: tasks with a known truth; ``gold``: how many of them the policies were told, which
  calibrates their confidence and takes these tasks out of their score;
* ``shuffle``: the seed, or null for order of arrival;
* ``policies``: a list of objects, one per policy, with ``policy`` (its name), ``answers``,
  ``answers_per_task``, ``most_answers`` (of one task), ``accuracy``, ``calibration_error`` and
  ``overconfidence`` (all from 0 to 1), ``target``, ``closed`` (share of the scored tasks whose
  confidence reaches the target), ``closed_accuracy`` and ``exponent`` (of the temperature).

What cannot be known is null: accuracies without a truth, the exponent without gold.
"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandError

from marketplace.answer_files import Answers, known_answers, read_answers
from tasks.aggregation import replay
from tasks.aggregation.adaptive import Policy, Rule
from tasks.aggregation.online import Answers as Codes

HEADINGS = "policy", "answers/task", "most", "accuracy", "error", "closed", "of these right"
LAYOUT = "{:24}{:>13}{:>6}{:>10}{:>8}{:>8}{:>16}"


class Command(BaseCommand):
    help = (
        "Replay ANSWERS.csv, which has the columns task, worker and label in order of arrival: "
        "an answer is released only when a policy opens a slot for its task. Prints, for every "
        "policy, the mean answers per task, the accuracy, the calibration error of the "
        "confidence, the share of tasks closed at the target and how many of these are right. "
        "Policies: majority and dawid-skene (of --overlap answers each, for comparison), fixed "
        "(the same answers, our model), gain (buy while accuracy is expected to rise), target "
        "(buy until the confidence reaches it), budget (spend --budget answers per task, least "
        "certain first). --json has stable keys, named in the module's docstring."
    )
    requires_system_checks: list[str] = []  # it reads files, so it runs without a database too

    def add_arguments(self, parser: ArgumentParser) -> None:
        usual = Policy()
        parser.add_argument("answers", type=Path, metavar="ANSWERS.csv")
        parser.add_argument(
            "--truth", type=Path, metavar="TRUTH.csv", help="columns task and label, to score by"
        )
        parser.add_argument(
            "--policy", action="append", choices=list(POLICIES), help="repeatable; default: all"
        )
        parser.add_argument(
            "--target", type=float, default=usual.target, help="confidence that closes a task"
        )
        parser.add_argument(
            "--budget", type=float, default=3.5, metavar="MEAN", help="answers per task"
        )
        parser.add_argument("--overlap", type=int, default=5, help="answers of a fixed overlap")
        parser.add_argument("--min", type=int, default=usual.minimum, help="answers per task")
        parser.add_argument("--max", type=int, default=usual.maximum, help="answers per task")
        parser.add_argument(
            "--gold",
            type=int,
            default=0,
            metavar="N",
            help="tell the policies the truth of so many tasks, and do not score those",
        )
        parser.add_argument(
            "--shuffle", type=int, metavar="SEED", help="instead of the order of arrival"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, **options: Any) -> None:
        policy = _policy(options)
        recording, repeated = read_recording(options["answers"], options["truth"])
        if repeated:
            self.stderr.write(f"{repeated} repeated answers left out")
        if options["shuffle"] is not None:
            recording = replay.shuffled(recording, options["shuffle"])
        outcomes = _outcomes(recording, policy, options)
        if options["json"]:
            self._print_json(recording, outcomes, options)
        else:
            self._print_table(outcomes)

    def _print_json(
        self,
        recording: replay.Recording,
        outcomes: Iterator[replay.Outcome],
        options: Mapping[str, Any],
    ) -> None:
        report = {
            "tasks": recording.tasks,
            "workers": recording.workers,
            "classes": recording.classes,
            "answers": len(recording.answers.tasks),
            "scored": int((recording.truth != replay.UNKNOWN).sum()),
            "gold": len(replay.gold_tasks(recording, options["gold"])),
            "shuffle": options["shuffle"],
            "policies": [{**found._asdict(), "target": options["target"]} for found in outcomes],
        }
        self.stdout.write(json.dumps(report))

    def _print_table(self, outcomes: Iterator[replay.Outcome]) -> None:
        self.stdout.write(LAYOUT.format(*HEADINGS))
        for found in outcomes:
            self.stdout.write(
                LAYOUT.format(
                    found.policy,
                    f"{found.answers_per_task:.2f}",
                    found.most_answers,
                    _percent(found.accuracy),
                    _percent(found.calibration_error),
                    _percent(found.closed),
                    _percent(found.closed_accuracy),
                )
            )


def read_recording(answers: Path, truth: Path | None) -> tuple[replay.Recording, int]:
    """Read both files, and say how many repeated answers were left out.

    Raises ``CommandError``, with the line at fault, for files that cannot be used.
    """
    read = read_answers(answers)
    if not read.labels:
        raise CommandError(f"{answers}: there are no answers.")
    return _recording(read, known_answers(truth)), read.repeated


def _policy(options: Mapping[str, Any]) -> Policy:
    if not 0 < options["target"] <= 1:
        raise CommandError("--target is a probability: above 0, at most 1.")
    if options["overlap"] < 1 or options["budget"] <= 0 or options["gold"] < 0:
        raise CommandError("--overlap and --budget must be positive, --gold not negative.")
    try:
        return Policy(minimum=options["min"], maximum=options["max"], target=options["target"])
    except ValueError as problem:
        raise CommandError(str(problem)) from problem


def _recording(answers: Answers, truth: Mapping[str, str]) -> replay.Recording:
    known = {answers.tasks[task]: label for task, label in truth.items() if task in answers.tasks}
    # Two at least: where all agree on all tasks, the model still needs an alternative.
    names = sorted({label.label for label in answers.labels} | set(known.values()))
    classes = {name: code for code, name in enumerate(names)}
    codes = np.array([(row.task, row.worker, classes[row.label]) for row in answers.labels])
    true_classes = np.full(len(answers.tasks), replay.UNKNOWN)
    for task, label in known.items():
        true_classes[task] = classes[label]
    return replay.Recording(
        answers=Codes(*(column.copy() for column in codes.T)),
        truth=true_classes,
        workers=len(answers.workers),
        classes=max(len(classes), 2),
    )


def _outcomes(
    recording: replay.Recording, policy: Policy, options: Mapping[str, Any]
) -> Iterator[replay.Outcome]:
    for name in options["policy"] or POLICIES:
        yield POLICIES[name](recording, policy, options)


def _adaptive(rule: Rule) -> Callable[..., replay.Outcome]:
    def run(
        recording: replay.Recording, policy: Policy, options: Mapping[str, Any]
    ) -> replay.Outcome:
        if rule is Rule.SPEND:
            policy = replay.budgeted(policy, recording, options["budget"])
            name = f"budget {options['budget']:g}"
        else:
            policy = replay.ruled(policy, rule)
            name = f"target {policy.target:g}" if rule is Rule.TARGET else rule.value
        gold = replay.gold_tasks(recording, options["gold"])
        return replay.replay_adaptive(recording, policy, gold, name=name)

    return run


def _without_gold(recording: replay.Recording, options: Mapping[str, Any]) -> replay.Recording:
    # Every policy is scored on the same tasks.
    return replay.unscored(recording, replay.gold_tasks(recording, options["gold"]))


POLICIES: Mapping[str, Callable[..., replay.Outcome]] = {
    "majority": lambda recording, _, options: replay.replay_majority(
        _without_gold(recording, options), options["overlap"]
    ),
    "dawid-skene": lambda recording, _, options: replay.replay_method(
        _without_gold(recording, options), options["overlap"], "dawid_skene"
    ),
    "fixed": lambda recording, _, options: replay.replay_fixed(
        recording, options["overlap"], replay.gold_tasks(recording, options["gold"])
    ),
    "gain": _adaptive(Rule.GAIN),
    "target": _adaptive(Rule.TARGET),
    "budget": _adaptive(Rule.SPEND),
}


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
