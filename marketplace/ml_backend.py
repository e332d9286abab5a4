"""A client of models that speak Label Studio's ML-backend protocol over HTTP.

What is sent and understood is in ``marketplace.label_studio``, how it is sent safely in
``marketplace.backend_http``. Source of the protocol:
https://github.com/HumanSignal/label-studio-ml-backend, label_studio_ml/api.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Literal, NamedTuple

from marketplace.backend_http import (
    ANYWHERE_PUBLIC,
    Access,
    BackendAnswerInvalid,
    BackendError,
    BackendRefused,
    BackendUnreachable,
    call,
)

__all__ = [
    "Access",
    "BackendAnswerInvalid",
    "BackendError",
    "BackendRefused",
    "BackendUnreachable",
    "Prediction",
    "health",
    "notify",
    "predict",
    "setup",
    "train",
]

TEXT_LENGTH_MAX = 200
# PostgreSQL's JSON refuses NUL, and half a surrogate pair is not a character at all.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

Event = Literal["START_TRAINING", "ANNOTATION_CREATED", "ANNOTATION_UPDATED", "ANNOTATION_DELETED"]


class Prediction(NamedTuple):
    """What the model says of one task, in Label Studio's form."""

    task: int
    result: list[dict[str, Any]]  # may be empty: the model has nothing to say
    score: float | None  # in [0, 1]
    model_version: str  # may be empty


def health(url: str, access: Access = ANYWHERE_PUBLIC) -> str:
    """Return the model's class name, or "" where it has none to tell, if its server is up.

    ``url`` is the server's, http or https, with ``user:password@`` where it asks for them.
    This and all others raise ``BackendUnreachable`` (of it, ``BackendRefused`` for an error
    status) and ``BackendAnswerInvalid``.
    """
    said = _object(call("GET", url, "health", None, access))
    if said.get("status") != "UP":
        raise BackendAnswerInvalid(f'It must say {{"status": "UP"}}, not {_short(said)}.')
    return str(said.get("model_class") or "")


def setup(url: str, *, project: int, config: str, access: Access = ANYWHERE_PUBLIC) -> str:
    """Tell the model what is asked (``config``, XML); return its version, or "" for none."""
    # A backend may fetch tasks with the address and token of the sender. It gets neither.
    body = {"project": str(project), "schema": config, "hostname": "", "access_token": ""}
    return _text(_object(call("POST", url, "setup", body, access)), "model_version")


def predict(
    url: str,
    tasks: Mapping[int, Mapping[str, Any]],
    *,
    project: int,
    config: str,
    access: Access = ANYWHERE_PUBLIC,
) -> list[Prediction]:
    """Ask for the predictions of ``tasks``, their data by id; one each comes back, in order.

    All in one request: the caller decides how many at a time. Of several predictions for a
    task the first is taken. No tasks make no request.
    """
    if not tasks:
        return []
    body = {
        "tasks": [{"id": task, "data": dict(data)} for task, data in tasks.items()],
        "project": str(project),
        "label_config": config,
        "params": {},
    }
    said = _object(call("POST", url, "predict", body, access))
    results = said.get("results")
    if not isinstance(results, list) or len(results) != len(tasks):
        raise BackendAnswerInvalid(
            f'"results" must be a list of {len(tasks)} predictions, one for each task.'
        )
    version = _text(said, "model_version")
    return [_prediction(task, found, version) for task, found in zip(tasks, results, strict=True)]


def train(
    url: str,
    examples: Sequence[Mapping[str, Any]],
    *,
    project: int,
    config: str,
    access: Access = ANYWHERE_PUBLIC,
) -> None:
    """Have the model learn from ``examples`` (``label_studio.example``), all there are.

    Sends the event START_TRAINING with the examples in it, since there is no Label Studio to
    fetch them from. Servers older than events get them by ``/train``. Returns when the server
    has taken note, which for most is when it has learnt.
    """
    try:
        notify(
            url,
            "START_TRAINING",
            {"annotations": list(examples)},
            project=project,
            config=config,
            access=access,
        )
    except BackendRefused as refusal:
        if refusal.status != HTTPStatus.NOT_FOUND:
            raise
        body = {
            "annotations": list(examples),
            "project": str(project),
            "label_config": config,
            "params": {},
        }
        call("POST", url, "train", body, access)


def notify(
    url: str,
    event: Event,
    happened: Mapping[str, Any],
    *,
    project: int,
    config: str,
    access: Access = ANYWHERE_PUBLIC,
) -> None:
    """Tell the model of an event; ``happened`` holds a ``task`` and its ``annotation``."""
    body = {"action": event, "project": {"id": project, "label_config": config}, **happened}
    call("POST", url, "webhook", body, access)


def _prediction(task: int, found: object, version: str) -> Prediction:
    if isinstance(found, list):
        found = found[0] if found else {}
    if not isinstance(found, dict):
        raise BackendAnswerInvalid(f"A prediction must be an object, not {_short(found)}.")
    result, score = found.get("result") or [], found.get("score")
    if not isinstance(result, list) or not all(isinstance(part, dict) for part in result):
        raise BackendAnswerInvalid(f'"result" must be a list of objects, not {_short(result)}.')
    if not (score is None or (_is_number(score) and 0 <= score <= 1)):
        raise BackendAnswerInvalid(f'"score" must be from 0 to 1, not {_short(score)}.')
    own_version = _text(found, "model_version")
    return Prediction(task, result, score, own_version or version)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(said: Mapping[str, Any], key: str) -> str:
    value = said.get(key)
    if value is None:
        return ""
    if not isinstance(value, str | int | float) or len(str(value)) > TEXT_LENGTH_MAX:
        raise BackendAnswerInvalid(f'"{key}" must be a short text, not {_short(value)}.')
    return str(value)


def _object(content: bytes) -> dict[str, Any]:
    """Return the JSON object in ``content``, whose texts the database can hold."""
    try:
        said = json.loads(content, parse_constant=_refuse_constant)
        fitting = isinstance(said, dict) and _storable(said)
    except (ValueError, RecursionError):
        fitting = False
    if not fitting:
        raise BackendAnswerInvalid(
            f"It must answer a JSON object without NaN, NUL or surrogates, not {_short(content)}."
        )
    return dict(said)


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _storable(value: object) -> bool:
    if isinstance(value, dict):
        return all(_storable(key) and _storable(held) for key, held in value.items())
    if isinstance(value, list):
        return all(_storable(held) for held in value)
    return not (isinstance(value, str) and UNSTORABLE.search(value))


def _short(said: object) -> str:
    return f"{said!r:.100}"
