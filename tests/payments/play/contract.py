"""Are a request's parameters those that Stripe knows? Asked of the types its own SDK ships.

The SDK's routes are read from its source, and the types of their parameters are those Stripe
generates from its description of the API, so the check is of the version that is installed.
An enumeration that Stripe keeps open counts as closed here: we send only what it lists.
"""

from __future__ import annotations

import ast
import importlib
import re
import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_origin

import stripe
import typing_extensions
from stripe._request_options import RequestOptions

OPTIONS = set(RequestOptions.__annotations__)
NUMBER = re.compile(r"-?\d+")
BOOLEANS = ("true", "false")


@dataclass(frozen=True)
class Operation:
    """One method of one path; ``params`` are module and name of the type of its parameters."""

    method: str
    path: re.Pattern[str]
    params: tuple[str, str] | None


def violations(method: str, path: str, params: dict[str, Any]) -> list[str]:
    """Return what Stripe would not take, each as ``place: what is wrong``."""
    operation = next(
        (it for it in operations() if it.method == method and it.path.fullmatch(path)), None
    )
    if operation is None:
        return [f"{method} {path}: no such operation"]
    if operation.params is None:
        return [f"{name}: unknown" for name in params]
    module, name = operation.params
    written = path.startswith("/v1/") or method == "get"
    if path.startswith("/v2/") and method == "get":
        # Not a parameter of the SDK's: it comes with the address of the next page.
        params = {name: value for name, value in params.items() if name != "page"}
    return list(_in_map(params, getattr(importlib.import_module(module), name), "", written))


@cache
def operations() -> list[Operation]:
    """Return all the SDK's operations, those with the fewest variables in their path first."""
    found = [
        (operation, template)
        for file in sorted(Path(stripe.__file__).parent.rglob("*_service.py"))
        for operation, template in _operations_of(ast.parse(file.read_text()))
    ]
    return [operation for operation, template in sorted(found, key=lambda it: it[1].count("{"))]


def _operations_of(tree: ast.Module) -> Iterator[tuple[Operation, str]]:
    modules = {
        name.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and ".params" in (node.module or "")
        for name in node.names
    }
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        for call in ast.walk(function):
            if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "_request":
                method, template = _method_and_template(call)
                params = _params(function, modules)
                pattern = re.compile(re.sub(r"\{\w+\}", "[^/]+", template))
                yield Operation(method, pattern, params), template


def _method_and_template(call: ast.Call) -> tuple[str, str]:
    method, path = call.args[0], call.args[1]
    if isinstance(path, ast.Call):  # "/v1/transfers/{transfer}".format(…)
        path = path.func.value
    return method.value, path.value


def _params(function: ast.FunctionDef, modules: dict[str, str]) -> tuple[str, str] | None:
    for argument in function.args.args:
        if argument.arg == "params" and argument.annotation:
            (name,) = re.findall(r"[A-Z]\w*Params", ast.unparse(argument.annotation))[:1]
            return modules[name], name
    return None


def _in_value(value: Any, hint: Any, place: str, written: bool) -> Iterator[str]:
    """Say what is wrong with a value; ``written`` is True if numbers come as text, in a form."""
    if typing_extensions.is_typeddict(hint):
        yield from _in_map(value, hint, place, written)
        return
    known = {
        typing_extensions.NotRequired: _in_first,
        typing_extensions.Required: _in_first,
        typing.Union: _in_union,
        types.UnionType: _in_union,
        typing.Literal: _in_enumeration,
        list: _in_list,
        dict: _in_dict,
    }
    yield from known.get(get_origin(hint), _in_leaf)(value, hint, place, written)


def _in_first(value: Any, hint: Any, place: str, written: bool) -> Iterator[str]:
    yield from _in_value(value, get_args(hint)[0], place, written)


def _in_map(value: Any, hint: Any, place: str, written: bool) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{place}: a map is needed, not {value!r}"
        return
    hints = {name: it for name, it in _hints(hint).items() if place or name not in OPTIONS}
    yield from (f"{place}.{name}: unknown".lstrip(".") for name in value if name not in hints)
    for name, inner in hints.items():
        where = f"{place}.{name}".lstrip(".")
        if name in value:
            yield from _in_value(value[name], inner, where, written)
        elif get_origin(inner) is not typing_extensions.NotRequired:
            yield f"{where}: missing"


@cache
def _hints(hint: Any) -> dict[str, Any]:
    names = {**vars(typing), **vars(importlib.import_module(hint.__module__))}
    names["StripeContext"] = stripe.StripeContext
    return typing_extensions.get_type_hints(hint, names, include_extras=True)


def _in_union(value: Any, hint: Any, place: str, written: bool) -> Iterator[str]:
    choices = get_args(hint)
    listed = [it for it in choices if get_origin(it) is typing.Literal and get_args(it) != ("",)]
    if listed:
        choices = tuple(it for it in choices if it is not str)
    wrongs = [list(_in_value(value, choice, place, written)) for choice in choices]
    yield from min(wrongs, key=len)


def _in_enumeration(value: Any, hint: Any, place: str, written: bool) -> Iterator[str]:
    if value not in get_args(hint):
        yield f"{place}: {value!r} is none of {get_args(hint)}"


def _in_list(value: Any, hint: Any, place: str, written: bool) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{place}: a list is needed, not {value!r}"
        return
    for number, item in enumerate(value):
        yield from _in_value(item, get_args(hint)[0], f"{place}[{number}]", written)


def _in_dict(value: Any, hint: Any, place: str, written: bool) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{place}: a map is needed, not {value!r}"
        return
    for name, item in value.items():
        yield from _in_value(item, get_args(hint)[1], f"{place}.{name}", written)


def _in_leaf(value: Any, hint: Any, place: str, written: bool) -> Iterator[str]:
    if not _fits(value, hint, written):
        yield f"{place}: {value!r} is not {getattr(hint, '__name__', hint)}"


def _fits(value: Any, hint: Any, written: bool) -> bool:
    if hint is bool:
        return value in BOOLEANS if written else isinstance(value, bool)
    if hint is int:
        digits = isinstance(value, str) and NUMBER.fullmatch(value) is not None
        return digits if written else isinstance(value, int)
    if hint in {str, type(None)}:
        return isinstance(value, hint)
    # StripeObject and datetime have no form of their own in a request.
    return hint is typing.Any
