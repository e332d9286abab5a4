"""Reading uploads row by row: however long they are, only one chunk is in memory."""

from __future__ import annotations

import codecs
import csv
import json
from collections.abc import Callable, Iterator, Mapping
from typing import IO, Any, cast

import ijson
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from marketplace.api import parsing
from tasks.errors import InvalidRow
from tasks.publish import Rejected
from tasks.rows import Row, read_row

LINE_MAX = 1 << 20  # bytes of one NDJSON or CSV line
COLUMNS_MAX = 2_000
READ = 1 << 16
TOO_LONG = ValueError(f"The line is longer than {LINE_MAX:,} bytes.")
KINDS = ("application/json", "application/x-ndjson", "text/csv")


class UnreadParser(BaseParser):
    """Hands the body on as a stream."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        return stream


def _parser(kind: str) -> type[UnreadParser]:
    return type("UnreadParser", (UnreadParser,), {"media_type": kind})


PARSERS = [_parser(kind) for kind in (*KINDS, "application/jsonl", "application/jsonlines")]


def rows(
    request: Request, check_answer: Callable[[Any], dict[str, Any]]
) -> Iterator[Row | Rejected]:
    """The upload's rows, each good or refused with a reason, numbered from 1."""
    kind = (request.content_type or "").partition(";")[0].strip().lower()
    stream = _body(request)
    if kind == "text/csv":
        found = _csv_rows(stream)
    elif kind == "application/json":
        found = _json_rows(stream)
    else:
        found = _ndjson_rows(stream)
    for number, raw in enumerate(found, start=1):
        if isinstance(raw, Exception):
            yield Rejected(number, str(raw))
            continue
        try:
            yield read_row(raw, check_answer)
        except InvalidRow as error:
            yield Rejected(number, str(error))


def _body(request: Request) -> IO[Any]:
    """The body, unread. Django takes one without a length for empty, so that is read beside it."""
    if request.META.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked":
        unmeasured: IO[Any] = request.META["wsgi.input"]
        return unmeasured
    stream: Any = request.data  # what ``UnreadParser`` handed on
    if not hasattr(stream, "read"):
        raise ParseError("The body is empty.")
    return cast(IO[Any], stream)


def _lines(stream: IO[Any]) -> Iterator[bytes | ValueError]:
    """Lines without their ends; one that is too long is skipped, not kept."""
    rest, skipping = b"", False
    for block in _blocks(stream):
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            yield TOO_LONG if skipping or len(line) > LINE_MAX else line.rstrip(b"\r")
            skipping = False
        if len(rest) > LINE_MAX:
            rest, skipping = b"", True
    if skipping:
        yield TOO_LONG
    elif rest:
        yield rest.rstrip(b"\r")


def _blocks(stream: IO[Any]) -> Iterator[bytes]:
    """The body piece by piece, without a byte order mark."""
    block = stream.read(READ).removeprefix(codecs.BOM_UTF8)
    while block:
        yield block
        block = stream.read(READ)


def _ndjson_rows(stream: IO[Any]) -> Iterator[Any]:
    for line in _lines(stream):
        if isinstance(line, ValueError):
            yield line
        elif line.strip():
            try:
                yield parsing.loads(line)
            except ValueError as error:
                yield ValueError(f"The line is not acceptable JSON: {error}")


def _json_rows(stream: IO[Any]) -> Iterator[Any]:
    """The elements of one JSON list. What follows a syntax error cannot be understood at all."""
    try:
        for value in ijson.items(stream, "item", use_float=True):
            # ijson knows nothing of what we can store; a second look does.
            try:
                yield parsing.loads(json.dumps(value))
            except (ValueError, RecursionError) as error:
                yield ValueError(f"The row is not acceptable JSON: {error}")
    except ijson.JSONError as error:
        raise ParseError(
            f"The body is not a JSON list: {error}. Nothing of it was stored."
        ) from None


def _csv_rows(stream: IO[Any]) -> Iterator[Any]:
    reader = csv.reader(_text(stream), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        _check_header(header)
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(header):
                yield ValueError(f"The row has {len(cells)} cells, the header {len(header)}.")
            else:
                yield dict(zip(header, cells, strict=True))
    except (csv.Error, UnicodeDecodeError) as error:
        raise ParseError(f"The body is not CSV in UTF-8: {error}. Nothing was stored.") from None


def _text(stream: IO[Any]) -> Iterator[str]:
    for line in _lines(stream):
        if isinstance(line, ValueError):
            raise ParseError(f"{line} Nothing was stored.")
        if b"\0" in line:
            raise ParseError("The CSV holds a NUL character. Nothing was stored.")
        yield line.decode("utf-8") + "\n"


def _check_header(header: list[str]) -> None:
    if not any(header):
        raise ParseError("The CSV is empty: its first line must name the columns.")
    if len(header) > COLUMNS_MAX:
        raise ParseError(f"The CSV has more than {COLUMNS_MAX:,} columns.")
    if len(set(header)) < len(header):
        raise ParseError("The CSV's first line names the same column twice.")
