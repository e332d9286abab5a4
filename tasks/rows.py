"""What a requester uploads: one row becomes one task."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime

from tasks.errors import InvalidAnswer, InvalidRow
from tasks.interface import UNSTORABLE
from tasks.models.task import PRIORITY_MAX

INPUT_BYTES_MAX = 1 << 20
TEXT_LENGTH_MAX = 200
WHOLE = re.compile(r"-?[0-9]{1,7}")  # in a CSV cell; no option takes more digits
YEARS = range(2000, 9001)  # beyond them a zone's offset may leave what a timestamp can hold
EXPLANATION_LENGTH_MAX = 5_000
OPTIONS = {
    "gold", "explanation", "external_id", "priority", "overlap", "expires_at", "author",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """A row that can become a task. ``input`` is its JSON text."""

    input: str
    gold: str | None = None  # the known answer's JSON text
    explanation: str = ""  # of the known answer, told after a training answer
    external_id: str = ""
    priority: int = 0
    overlap: int | None = None  # None: the batch's
    expires_at: datetime | None = None
    author: str = ""  # public id of the worker who wrote it


def read_row(
    raw: Any,
    check_answer: Callable[[Any], dict[str, Any]],
    *,
    needed: Collection[str] = (),
) -> Row:
    """Turn one uploaded object into a ``Row``; ``needed`` names the fields its input must have.

    Two shapes are understood: ``{"input": {…}, "gold": …, "priority": …}``, and the flat
    ``{"text": "…", "gold": …}``, in which all that is not an option is input.

    Raises:
        InvalidRow: what is wrong with it, and what to do.
    """
    if not isinstance(raw, Mapping):
        raise InvalidRow("A row must be a JSON object.")
    options = {key: raw[key] for key in OPTIONS & raw.keys() if raw[key] not in (None, "")}
    shown = _input_of(raw)
    if not shown:
        raise InvalidRow("The row has no input: give at least one field to show to the worker.")
    if missing := [name for name in needed if name not in shown]:
        raise InvalidRow(f"The row has no field {min(missing)!r}, which the interface shows.")
    gold = options.get("gold")
    return Row(
        input=json_text(shown, what="input"),
        gold=None if gold is None else _gold_text(gold, check_answer),
        explanation=_explanation(options),
        external_id=_text(options, "external_id"),
        priority=_whole(options, "priority", -PRIORITY_MAX, PRIORITY_MAX) or 0,
        overlap=_whole(options, "overlap", 1, 100),
        expires_at=_instant(options),
        author=_text(options, "author"),
    )


def _input_of(raw: Mapping[str, Any]) -> dict[str, Any]:
    shown = raw.get("input")
    if not isinstance(shown, Mapping):
        return {key: value for key, value in raw.items() if key not in OPTIONS}
    if unknown := raw.keys() - OPTIONS - {"input"}:
        raise InvalidRow(
            f"Unknown option {min(unknown)!r} beside 'input'. Known: {', '.join(sorted(OPTIONS))}."
        )
    return dict(shown)


def json_text(value: Any, *, what: str) -> str:
    """Write ``value`` as JSON that PostgreSQL can hold.

    Raises:
        InvalidRow: it is too large, or holds a NUL, half a surrogate pair, or a number that JSON
            does not have.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        size = len(text.encode())
    except UnicodeEncodeError:
        raise InvalidRow(f"The {what} holds half a surrogate pair, which is not text.") from None
    except ValueError:
        raise InvalidRow(f"The {what} holds a number that JSON cannot write.") from None
    if size > INPUT_BYTES_MAX:
        raise InvalidRow(f"The {what} is larger than {INPUT_BYTES_MAX:,} bytes.")
    if "\\u0000" in text and holds_nul(value):
        raise InvalidRow(f"The {what} holds a NUL character, which cannot be stored.")
    return text


def holds_nul(value: Any) -> bool:
    """Whether any string in a JSON value holds U+0000, which PostgreSQL cannot store."""
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, Mapping):
        return any(holds_nul(key) or holds_nul(each) for key, each in value.items())
    return isinstance(value, list) and any(holds_nul(each) for each in value)


def _gold_text(gold: Any, check_answer: Callable[[Any], dict[str, Any]]) -> str:
    if isinstance(gold, str) and gold.startswith(("{", "[")):  # a CSV cell that holds JSON
        try:
            gold = json.loads(gold)
        except (ValueError, RecursionError):
            raise InvalidRow("The gold answer starts like JSON but is not.") from None
    try:
        return json_text(check_answer(gold), what="gold answer")
    except InvalidAnswer as error:
        raise InvalidRow(f"The gold answer does not fit the interface: {error}") from error


def _explanation(options: Mapping[str, Any]) -> str:
    if "explanation" in options and "gold" not in options:
        raise InvalidRow("explanation goes with gold. To show it to workers, put it into 'input'.")
    return _text(options, "explanation", EXPLANATION_LENGTH_MAX)


def _text(options: Mapping[str, Any], name: str, longest: int = TEXT_LENGTH_MAX) -> str:
    value = options.get(name, "")
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or len(value) > longest or UNSTORABLE.search(value):
        raise InvalidRow(f"{name} must be a text of at most {longest} characters.")
    return value


def _whole(options: Mapping[str, Any], name: str, low: int, high: int) -> int | None:
    value = options.get(name)
    if isinstance(value, str) and WHOLE.fullmatch(value):
        value = int(value)
    elif value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InvalidRow(f"{name} must be a whole number from {low} to {high}.")
    return value


def _instant(options: Mapping[str, Any]) -> datetime | None:
    value = options.get("expires_at")
    if value is None:
        return None
    try:
        parsed = parse_datetime(value) if isinstance(value, str) else None
    except ValueError:
        parsed = None
    if parsed is None or parsed.utcoffset() is None or parsed.year not in YEARS:
        raise InvalidRow("expires_at must be an instant with a zone, like 2026-12-01T12:00:00Z.")
    return parsed
