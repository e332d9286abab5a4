"""Reading JSON strictly: what PostgreSQL or a reader could not hold is refused, not changed."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

BYTES_MAX = 1 << 20
DEPTH_MAX = 100
NOT_ZERO = re.compile(r"[-.0]*[1-9]")


class TooLarge(APIException):
    status_code = 413
    default_code = "too_large"
    default_detail = f"The body is larger than {BYTES_MAX:,} bytes."


class LengthRequired(APIException):
    status_code = 411
    default_code = "length_required"
    default_detail = "Say how long the body is, in Content-Length. Only uploads may leave it out."


def is_chunked(request: Request) -> bool:
    """Whether the body comes without a length: Django, and so REST framework, takes it for none."""
    coding: str = request.META.get("HTTP_TRANSFER_ENCODING", "")
    return coding.strip().lower() == "chunked"


class StrictJSONParser(BaseParser):
    """JSON of at most 1 MiB and 100 levels, without NUL, half surrogates, NaN or repeated keys."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        body = stream.read(BYTES_MAX + 1)
        if len(body) > BYTES_MAX:
            raise TooLarge
        try:
            return loads(body)
        except ValueError as error:
            raise ParseError(f"The body is not acceptable JSON: {error}") from None


def loads(body: bytes | str) -> Any:
    """Parse JSON that can be stored exactly as it was sent.

    Raises:
        ValueError: it is no JSON, or holds something that could not be kept.
    """
    text = body.decode("utf-8") if isinstance(body, bytes) else body
    if text.count("[") + text.count("{") > DEPTH_MAX and _depth(text) > DEPTH_MAX:
        raise ValueError(f"it is nested deeper than {DEPTH_MAX} levels")
    value = json.loads(
        text, object_pairs_hook=_object, parse_constant=_constant, parse_float=_float
    )
    # Only an escape can bring these in: raw text is checked by decoding it.
    if "\\u" in text:
        _check_text(value)
    return value


def _depth(text: str) -> int:
    """How deep the brackets outside strings go."""
    deepest = level = 0
    in_string = escaped = False
    for char in text:
        if in_string:
            in_string = escaped or char != '"'
            escaped = char == "\\" and not escaped
        elif char == '"':
            in_string = True
        elif char in "[{":
            level += 1
            deepest = max(deepest, level)
        elif char in "]}":
            level -= 1
    return deepest


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object names the same key twice")
    return found


def _constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"the number {text[:20]} is too large")
    if not value and NOT_ZERO.match(text):
        raise ValueError(f"the number {text[:20]} is too close to zero")
    return value


def _check_text(value: Any) -> None:
    if isinstance(value, str):
        if "\0" in value:
            raise ValueError("a string holds a NUL character, which cannot be stored")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ValueError("a string holds half a surrogate pair, which is not text") from None
    elif isinstance(value, dict):
        for key, each in value.items():
            _check_text(key)
            _check_text(each)
    elif isinstance(value, list):
        for each in value:
            _check_text(each)
