"""``manage.py aggregate``: any aggregation method on a file of answers, without a database."""

from __future__ import annotations

import csv
import json
from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from marketplace.answer_files import Answers, known_answers, read_answers
from tasks.aggregation.errors import AggregationError
from tasks.aggregation.labels import Fit
from tasks.aggregation.methods import METHODS, canonical_name, fit


class Command(BaseCommand):
    help = (
        "Aggregate ANSWERS.csv, which has the columns task, worker and label in any order, and "
        "print task, label and confidence. Of several answers of a worker to a task the first "
        "counts. The order of rows and the names of workers do not change the result."
    )
    requires_system_checks: list[str] = []  # it reads files, so it runs without a database too

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("answers", nargs="?", type=Path, metavar="ANSWERS.csv")
        parser.add_argument("--method", help="one of --list, or crowd-kit's name for it")
        parser.add_argument("--json", action="store_true", help="print workers' skill as well")
        parser.add_argument(
            "--truth",
            type=Path,
            metavar="TRUTH.csv",
            help="columns task and label: report the share of these tasks that came out right",
        )
        parser.add_argument(
            "--gold",
            type=Path,
            metavar="GOLD.csv",
            help="columns task and label: known answers that gold_majority_vote weighs workers by",
        )
        parser.add_argument("--list", action="store_true", help="print the methods and stop")

    def handle(self, **options: Any) -> None:
        if options["list"]:
            for name, what in METHODS.items():
                self.stdout.write(f"{name:22}{what}")
            return
        if not options["answers"] or not options["method"]:
            raise CommandError("Give a file and a --method; --list prints the methods.")
        truth = known_answers(options["truth"])
        gold = known_answers(options["gold"])
        answers = read_answers(options["answers"])
        if answers.repeated:
            self.stderr.write(f"{answers.repeated} repeated answers left out")
        numbered_gold = {answers.tasks[task]: gold[task] for task in gold if task in answers.tasks}
        try:
            method = canonical_name(options["method"])
            fitted = fit(method, answers.labels, gold=numbered_gold)
        except AggregationError as problem:
            raise CommandError(str(problem)) from problem
        # Gold tasks helped to find the answers, so they say nothing about how good those are.
        scored = {task: truth[task] for task in truth if task in answers.tasks and task not in gold}
        accuracy = _accuracy(scored, answers, fitted)
        if options["json"]:
            self._print_json(method, answers, fitted, accuracy)
        else:
            self._print_csv(answers, fitted)
        if accuracy is not None:
            self.stderr.write(f"accuracy {accuracy:.4f} on {len(scored)} tasks")

    def _print_json(
        self, method: str, answers: Answers, fitted: Fit, accuracy: float | None
    ) -> None:
        report = {
            "method": method,
            "tasks": [
                {"task": task, **fitted.consensus[number]._asdict()}
                for task, number in answers.tasks.items()
            ],
            "workers": [
                {"worker": worker, "skill": fitted.skills[number]}
                for worker, number in answers.workers.items()
                if number in fitted.skills
            ],
            "accuracy": accuracy,
        }
        self.stdout.write(json.dumps(report, ensure_ascii=False))

    def _print_csv(self, answers: Answers, fitted: Fit) -> None:
        writer = csv.writer(self.stdout, lineterminator="\n")
        writer.writerow(["task", "label", "confidence"])
        for task, number in answers.tasks.items():
            label, confidence = fitted.consensus[number]
            writer.writerow([task, label, f"{confidence:.6f}"])


def _accuracy(truth: Mapping[str, str], answers: Answers, fitted: Fit) -> float | None:
    if not truth:
        return None
    right = sum(fitted.consensus[answers.tasks[task]].label == truth[task] for task in truth)
    return right / len(truth)
