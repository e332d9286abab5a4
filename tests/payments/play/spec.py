"""Is an answer as Stripe describes it? Asked of the published description, where it is at hand.

The files are older than the API the SDK speaks, so they judge answers, never requests.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[4] / "shared" / "data" / "stripe"
FILES = {
    "v1": FOLDER / "stripe_spec_2023-08-16_slim.json",
    "v2": FOLDER / "stripe_spec_v2_2025-12-15_slim.json",
}


def schema_of(method: str, path: str) -> dict[str, Any] | None:
    """Return the schema of an operation's answer, or None if the description has none."""
    paths = _description(path)["paths"]
    for template in sorted(paths, key=lambda it: it.count("{")):
        pattern = re.sub(r"\{\w+\}", "[^/]+", template)
        if method in paths[template] and re.fullmatch(pattern, path):
            answer = paths[template][method]["responses"]["200"]
            return answer["content"]["application/json"]["schema"]
    return None


def faults_of(method: str, path: str, answer: dict[str, Any]) -> list[str]:
    """Return where an answer is not as described."""
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    if path.startswith("/v2/"):
        answer = _said(answer)
    schema = {**_description(path), "allOf": [schema_of(method, path)]}
    found = jsonschema.Draft7Validator(schema).iter_errors(answer)
    return [f"{method} {path}: {error.json_path}: {error.message[:200]}" for error in found]


def _description(path: str) -> dict[str, Any]:
    return _read(path.split("/")[1])


@cache
def _read(version: str) -> dict[str, Any]:
    return _as_schema(json.loads(FILES[version].read_text()))


def _as_schema(node: Any) -> Any:
    """Return OpenAPI's ``nullable`` as JSON Schema says it."""
    if isinstance(node, list):
        return [_as_schema(inner) for inner in node]
    if not isinstance(node, dict):
        return node
    schema = {name: _as_schema(inner) for name, inner in node.items() if name != "nullable"}
    return {"anyOf": [schema, {"type": "null"}]} if node.get("nullable") is True else schema


def _said(node: Any) -> Any:
    """Leave out nulls: the second version says so what was not asked for, its description not."""
    if isinstance(node, list):
        return [_said(inner) for inner in node]
    if not isinstance(node, dict):
        return node
    return {name: _said(inner) for name, inner in node.items() if inner is not None}
