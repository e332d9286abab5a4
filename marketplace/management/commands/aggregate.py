"""``manage.py aggregate``: any aggregation method on a file of answers, without a database."""

from __future__ import annotations

import csv
import json
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from marketplace.answer_files import Answers, known_answers, read_answers, read_comparisons
from tasks.aggregation.errors import AggregationError, UnsupportedLabels
from tasks.aggregation.labels import Fit, Label, Merged, Reading
from tasks.aggregation.methods import (
    ALL,
    COMPARISONS,
    EMBEDDINGS,
    METHODS,
    ORIGINALS,
    canonical_name,
    fit,
    fit_comparisons,
    fit_embeddings,
    fit_values,
)

OFFERED = {
    name: what
    for name, what in ALL.items()
    if name in {*METHODS, *COMPARISONS, *EMBEDDINGS, "robust_number", "ordinal_pool"}
}


class Command(BaseCommand):
    help = (
        "Aggregate ANSWERS.csv, which has the columns task, worker and label in any order, and "
        "print task, label and confidence. Of several answers of a worker to a task the first "
        "counts. The order of rows and the names of workers do not change the result. Methods "
        "for comparisons read worker, left, right and label, and print items and scores."
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
            help="columns task and label: known answers, for gold_majority_vote and online",
        )
        parser.add_argument("--list", action="store_true", help="print the methods and stop")

    def handle(self, **options: Any) -> None:
        if options["list"]:
            for name, what in OFFERED.items():
                self.stdout.write(f"{name:22}{what}")
            return
        if not options["answers"] or not options["method"]:
            raise CommandError("Give a file and a --method; --list prints the methods.")
        try:
            method = canonical_name(options["method"])
            if method in COMPARISONS:
                self._print_scores(method, options["answers"], as_json=options["json"])
            else:
                self._aggregate(method, options)
        except AggregationError as problem:
            raise CommandError(str(problem)) from problem

    def _aggregate(self, method: str, options: dict[str, Any]) -> None:
        truth = known_answers(options["truth"])
        gold = known_answers(options["gold"])
        answers = read_answers(options["answers"])
        if answers.repeated:
            self.stderr.write(f"{answers.repeated} repeated answers left out")
        numbered_gold = {answers.tasks[task]: gold[task] for task in gold if task in answers.tasks}
        fitted = _fitted(method, answers.labels, numbered_gold)
        # Gold tasks helped to find the answers, so they say nothing about how good those are.
        scored = {task: truth[task] for task in truth if task in answers.tasks and task not in gold}
        if method == "robust_number" or method in EMBEDDINGS:
            scored = {}  # numbers are near or far, not right or wrong
        accuracy = _accuracy(scored, answers, fitted)
        if options["json"]:
            self._print_json(method, answers, fitted, accuracy)
        else:
            self._print_csv(answers, fitted)
        if accuracy is not None:
            self.stderr.write(f"accuracy {accuracy:.4f} on {len(scored)} tasks")

    def _print_scores(self, method: str, path: Path, *, as_json: bool) -> None:
        scores = fit_comparisons(method, read_comparisons(path))
        ranking = sorted(scores, key=lambda item: (-scores[item], item))
        if as_json:
            items = [{"item": item, "score": scores[item]} for item in ranking]
            self.stdout.write(json.dumps({"method": method, "items": items}, ensure_ascii=False))
            return
        writer = csv.writer(self.stdout, lineterminator="\n")
        writer.writerow(["item", "score"])
        writer.writerows([item, f"{scores[item]:.6f}"] for item in ranking)

    def _print_json(
        self, method: str, answers: Answers, fitted: Fit | Merged, accuracy: float | None
    ) -> None:
        report = {
            "method": method,
            "tasks": [
                {"task": task, "label": label, "confidence": confidence}
                for task, number in answers.tasks.items()
                for label, confidence in [_said(fitted, number)]
            ],
            "workers": [
                {"worker": worker, "skill": fitted.skills[number]}
                for worker, number in answers.workers.items()
                if number in fitted.skills
            ],
            "accuracy": accuracy,
        }
        self.stdout.write(json.dumps(report, ensure_ascii=False))

    def _print_csv(self, answers: Answers, fitted: Fit | Merged) -> None:
        writer = csv.writer(self.stdout, lineterminator="\n")
        writer.writerow(["task", "label", "confidence"])
        for task, number in answers.tasks.items():
            label, confidence = _said(fitted, number)
            writer.writerow([task, label, f"{confidence:.6f}"])


def _fitted(method: str, labels: Sequence[Label], gold: Mapping[int, str]) -> Fit | Merged:
    if method in METHODS or method in ORIGINALS:
        return fit(method, labels, gold=gold)
    if method == "ordinal_pool":
        return fit_values(method, [_reading(label, int) for label in labels])
    if method == "robust_number":
        return fit_values(method, [_reading(label, float) for label in labels])
    if method in EMBEDDINGS:
        return fit_embeddings(method, [_reading(label, float) for label in labels])
    raise CommandError(f"{method} reads answers that do not fit into the cell of a table.")


def _reading(label: Label, kind: type[int] | type[float]) -> Reading:
    try:
        return Reading(label.task, label.worker, kind(label.label))
    except ValueError as problem:
        wanted = "a whole number" if kind is int else "a number"
        raise UnsupportedLabels(f"{label.label!r} is not {wanted}.") from problem


def _said(fitted: Fit | Merged, task: int) -> tuple[str | float, float]:
    """Return the label, or the number, and the confidence."""
    answer, confidence = fitted.consensus[task]
    return answer, confidence


def _accuracy(truth: Mapping[str, str], answers: Answers, fitted: Fit | Merged) -> float | None:
    if not truth:
        return None
    right = sum(str(_said(fitted, answers.tasks[task])[0]) == truth[task] for task in truth)
    return right / len(truth)
