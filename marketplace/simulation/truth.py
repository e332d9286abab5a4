"""What the simulated workers know: a CSV file of true answers.

Its first column says which task a line is about: ``external_id``, ``task`` (the id) or the name
of a field of the input. The others are named after what the interface asks, or there is one
called ``answer``, where only one thing is asked. Of a choice of several, the ticked options
are joined by ``|``.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

EXTERNAL_ID, TASK, ANSWER = "external_id", "task", "answer"


class UnreadableTruth(Exception):
    """The file of true answers cannot be used."""


@dataclass(frozen=True)
class TrueAnswers:
    """True answers by the value of ``key``; call it with an assignment to get those that fit."""

    key: str
    answers: Mapping[str, Mapping[str, str]]
    external_ids: Mapping[int, str]  # by task; needed where the key is ``external_id``

    def __call__(self, assignment: Mapping[str, Any]) -> Mapping[str, str]:
        """Return what is true of an assignment, by what is asked; empty where nothing is known."""
        if self.key == EXTERNAL_ID:
            about = self.external_ids.get(assignment["task"], "")
        elif self.key == TASK:
            about = str(assignment["task"])
        else:
            about = str(assignment["input"].get(self.key, ""))
        known = self.answers.get(about, {})
        if ANSWER not in known:
            return known
        asked = [each["name"] for each in _elements(assignment["interface"]) if "name" in each]
        return dict.fromkeys(asked, known[ANSWER])


def read(path: Path, *, external_ids: Mapping[int, str]) -> TrueAnswers:
    """Read a file of true answers.

    Raises:
        UnreadableTruth: it is not a CSV with a key and at least one answer.
    """
    try:
        # utf-8-sig: spreadsheets put a byte order mark before the first column's name.
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = list(csv.DictReader(file, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UnreadableTruth(f"{path}: {error}") from error
    if not lines or len(lines[0]) < 2 or None in lines[0]:  # noqa: PLR2004 - a key and an answer
        raise UnreadableTruth(
            f"{path}: the first line must name a column for the task and one for the answer, "
            f"such as {EXTERNAL_ID},{ANSWER}."
        )
    key, *names = lines[0]
    return TrueAnswers(
        key=key,
        answers={line[key]: {name: line[name] for name in names if line[name]} for line in lines},
        external_ids=external_ids,
    )


def _elements(interface: Any) -> list[dict[str, Any]]:
    """What is asked and shown, also on the pages of surveys."""
    found = interface["elements"] if isinstance(interface, dict) else interface
    listed = []
    for element in found:
        pages = element["pages"] if element["type"] == "survey" else [{"elements": [element]}]
        listed += [each for page in pages for each in page["elements"]]
    return listed
