"""Reading uploads row by row: however long they are, only one chunk is in memory."""

from __future__ import annotations

import codecs
import csv
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from marketplace.api import parsing
from tasks.errors import InvalidRow
from tasks.interface import Checker
from tasks.rows import Row, read_row
from tasks.uploads import Rejected

LINE_MAX = 1 << 20  # bytes of one NDJSON or CSV line
COLUMNS_MAX = 2_000
READ = 1 << 16
TOO_LONG = ValueError(f"The line is longer than {LINE_MAX:,} bytes.")
# What each looks like, for the API's schema.
SHAPES = {
    "application/json": {"type": "array", "items": {"type": "object"}},
    "application/x-ndjson": {"type": "string", "description": "One JSON object per line."},
    "text/csv": {"type": "string", "description": "The first line names the columns."},
}
KINDS = tuple(SHAPES)
NDJSON_KINDS = ("application/x-ndjson", "application/jsonl", "application/jsonlines")
# What of JSON tells where an element ends; a lone quote begins a string that is not all here yet.
SIGN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[][{},"]', re.DOTALL)
ONE_LIST = "it must be one list, and nothing else"
STEPS = {b"[": 1, b"{": 1, b"]": -1, b"}": -1}
csv.field_size_limit(LINE_MAX)


class Hashed:
    """A stream that is hashed as it is read."""

    def __init__(self, stream: IO[Any]) -> None:
        self._stream = stream
        self._hash = hashlib.sha256()

    def read(self, size: int) -> bytes:
        """Return up to ``size`` bytes, none at the end."""
        block: bytes = self._stream.read(size)
        self._hash.update(block)
        return block

    def digest(self) -> bytes:
        """Read what is left, and return the SHA-256 of everything."""
        while self.read(READ):
            pass
        return self._hash.digest()


class UnreadParser(BaseParser):
    """Hands the body on as a stream."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        return Hashed(stream)


def _parser(kind: str) -> type[UnreadParser]:
    return type("UnreadParser", (UnreadParser,), {"media_type": kind})


PARSERS = [_parser(kind) for kind in dict.fromkeys([*KINDS, *NDJSON_KINDS])]


def rows(request: Request, checker: Checker) -> Iterator[Row | Rejected]:
    """The upload's rows, each good or refused with a reason, numbered from 1."""
    for number, raw in enumerate(raw_rows(request), start=1):
        if isinstance(raw, Exception):
            yield Rejected(number, str(raw))
            continue
        try:
            yield read_row(raw, checker.check, needed=checker.interface.fields)
        except InvalidRow as error:
            yield Rejected(number, str(error))


def raw_rows(request: Request) -> Iterator[Any]:
    """The elements of an upload; what cannot be read is a ``ValueError`` in its place."""
    kind = (request.content_type or "").partition(";")[0].strip().lower()
    if kind not in READERS:
        raise UnsupportedMediaType(kind)
    yield from READERS[kind](_body(request))


def body_digest(request: Request) -> bytes:
    """The SHA-256 of an upload's body, whether it has been read or not."""
    return _body(request).digest()


def _body(request: Request) -> Hashed:
    """The body, the same stream each time.

    Django takes one without a length for empty, so that is read beside it.
    """
    if parsing.is_chunked(request):
        stream = request.META["wsgi.input"]
        if not isinstance(stream, Hashed):
            stream = request.META["wsgi.input"] = Hashed(stream)
        return stream
    stream = request.data  # what ``UnreadParser`` handed on
    if not isinstance(stream, Hashed):
        raise ParseError("The body is empty.")
    return stream


def _lines(stream: Hashed) -> Iterator[bytes | ValueError]:
    """Lines without their line feeds; one that is too long is skipped, not kept."""
    rest, skipping = b"", False
    for block in _blocks(stream):
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            yield TOO_LONG if skipping or len(line) > LINE_MAX else line
            skipping = False
        if len(rest) > LINE_MAX:
            rest, skipping = b"", True
    if skipping:
        yield TOO_LONG
    elif rest:
        yield rest


def _blocks(stream: Hashed) -> Iterator[bytes]:
    """The body piece by piece, without a byte order mark."""
    first = stream.read(READ)
    while len(first) < len(codecs.BOM_UTF8) and (more := stream.read(READ)):
        first += more
    yield first.removeprefix(codecs.BOM_UTF8)
    while block := stream.read(READ):
        yield block


def _ndjson_rows(stream: Hashed) -> Iterator[Any]:
    for line in _lines(stream):
        if isinstance(line, ValueError):
            yield line
        elif line.strip():
            try:
                yield parsing.loads(line)
            except ValueError as error:
                yield ValueError(f"The line is not acceptable JSON: {error}")


def _json_rows(stream: Hashed) -> Iterator[Any]:
    """The elements of one JSON list. What follows a syntax error cannot be understood at all."""
    for text in _elements(stream):
        try:
            yield parsing.loads(text)
        except json.JSONDecodeError as error:
            raise _no_list(str(error)) from None
        except ValueError as error:
            yield ValueError(f"The row is not acceptable JSON: {error}")


def _elements(stream: Hashed) -> Iterator[bytes]:
    """The texts between the brackets and commas of one JSON list, one in memory at a time."""
    cutter = ListCutter()
    for block in _blocks(stream):
        yield from cutter.feed(block)
    cutter.finish()


class ListCutter:
    """Cuts a JSON list into its elements as it comes in, looking only at brackets and commas.

    Whether the elements are JSON is for whoever reads them. Nesting costs nothing here, however
    deep it is.
    """

    def __init__(self) -> None:
        self._rest = b""  # from the element at hand on
        self._scanned = 0  # bytes of ``_rest``
        self._level = 0
        self._is_open = False
        self._count = 0

    def feed(self, block: bytes) -> Iterator[bytes]:
        """Yield the elements that ``block`` completes."""
        self._rest += block
        start = 0
        for sign in SIGN.finditer(self._rest, self._scanned):
            if sign[0] == b'"':
                self._scanned = sign.start()
                break
            self._scanned = sign.end()
            before, self._level = self._level, self._level + STEPS.get(sign[0], 0)
            if before == 0:
                self._open(self._rest[start : sign.start()], sign[0])
            elif before > 1 or (self._level and sign[0] != b","):
                continue  # inside an element
            elif sign[0] == b"}":
                raise _no_list("it does not end with ]")
            else:
                element = self._rest[start : sign.start()]
                if self._level or self._count or element.strip():
                    self._count += 1
                    yield element
            start = sign.end()
        else:
            self._scanned = len(self._rest)
        self._rest, self._scanned = self._rest[start:], self._scanned - start
        if len(self._rest) > LINE_MAX:
            raise _no_list(f"an element is longer than {LINE_MAX:,} bytes")

    def finish(self) -> None:
        """Refuse a list that has not ended, or something after it."""
        if self._level or not self._is_open:
            raise _no_list("it does not begin with [ and end with ]")
        if self._rest.strip():
            raise _no_list(ONE_LIST)

    def _open(self, before: bytes, sign: bytes) -> None:
        if self._is_open or sign != b"[" or before.strip():
            raise _no_list(ONE_LIST)
        self._is_open = True


def _no_list(why: str) -> ParseError:
    return ParseError(f"The body is not a JSON list: {why}. Nothing of it was stored.")


def _csv_rows(stream: Hashed) -> Iterator[Any]:
    taken = 0  # bytes of the record at hand: a quoted cell can go on over any number of lines

    def lines() -> Iterator[str]:
        nonlocal taken
        for line in _text(stream):
            taken += len(line)
            if taken > LINE_MAX:
                raise ParseError(f"A row is longer than {LINE_MAX:,} bytes. Nothing was stored.")
            yield line

    reader = csv.reader(lines(), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        _check_header(header)
        for cells in reader:
            taken = 0
            if not cells:
                continue
            if len(cells) != len(header):
                yield ValueError(f"The row has {len(cells)} cells, the header {len(header)}.")
            else:
                yield dict(zip(header, cells, strict=True))
    except (csv.Error, UnicodeDecodeError) as error:
        raise ParseError(f"The body is not CSV in UTF-8: {error}. Nothing was stored.") from None


def _text(stream: Hashed) -> Iterator[str]:
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


READERS: dict[str, Callable[[Hashed], Iterator[Any]]] = {
    "application/json": _json_rows,
    "text/csv": _csv_rows,
    **dict.fromkeys(NDJSON_KINDS, _ndjson_rows),
}
