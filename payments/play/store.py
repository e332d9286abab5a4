"""What play money remembers, behind one interface: objects, replies, and an order of things."""

from __future__ import annotations

import itertools
import json
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """One object: ``name`` is its id at Stripe, ``kind`` its ``object``, ``account`` its owner."""

    name: str
    account: str
    kind: str
    data: Json


@dataclass(frozen=True, slots=True)
class Reply:
    """What was answered to an idempotency key; ``fingerprint`` is of the request."""

    fingerprint: str
    status: int
    body: Json


@dataclass(frozen=True, slots=True)
class Query:
    """Which rows of one account and kind to find.

    ``matching`` are fields and the whole values they must have; ``created`` bounds the field of
    that name, such as ``{"gte": 1700000000}``; the cursors are names of rows, left out themselves.
    """

    account: str
    kind: str
    matching: Mapping[str, Any] = field(default_factory=dict)
    created: Mapping[str, int] = field(default_factory=dict)
    older_than: str | None = None
    newer_than: str | None = None
    oldest_first: bool = False


class Store(Protocol):
    """The interface. What it returns are copies: only ``replace`` changes a row."""

    def transaction(self) -> AbstractContextManager[None]:
        """Keep all changes of the block or, if it raises, none; blocks run one at a time.

        A block inside a block undoes only its own changes.
        """

    def next_number(self) -> int:
        """Return a number larger than all before; an undone block does not give it back."""

    def get(self, name: str) -> Row | None:
        """Return the row of that name, if there is one."""

    def add(self, row: Row) -> None:
        """Add a row, newer than all others."""

    def replace(self, name: str, data: Json) -> None:
        """Put other data into the row of that name."""

    def remove(self, name: str) -> None:
        """Forget the row of that name; none is not an error."""

    def find(self, query: Query, *, limit: int) -> list[Row]:
        """Return the first ``limit`` rows that ``query`` asks for, in its order."""

    def reply(self, account: str, key: str) -> Reply | None:
        """Return what was answered to ``key`` on ``account``, if it has come before."""

    def keep(self, account: str, key: str, reply: Reply) -> None:
        """Remember what was answered to a new key."""


class MemoryStore:
    """A store in this process, for any number of threads.

    Data is held as JSON text, so that what comes out is a copy, and what JSON cannot say is
    refused here as it would be by a database.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._numbers = itertools.count(1)
        self._rows: dict[str, tuple[str, str, str]] = {}
        self._order: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        self._replies: dict[tuple[str, str], tuple[str, int, str]] = {}
        self._undo: list[Callable[[], object]] = []
        self._depth = 0

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._lock:
            start = len(self._undo)
            self._depth += 1
            try:
                yield
            except BaseException:
                while len(self._undo) > start:
                    self._undo.pop()()
                raise
            finally:
                self._depth -= 1
                if not self._depth:
                    self._undo.clear()

    def next_number(self) -> int:
        return next(self._numbers)

    def get(self, name: str) -> Row | None:
        with self._lock:
            return self._row(name) if name in self._rows else None

    def add(self, row: Row) -> None:
        with self.transaction():
            if row.name in self._rows:
                raise ValueError(f"there is a {row.name} already")
            names = self._order[row.account, row.kind]
            self._rows[row.name] = (row.account, row.kind, json.dumps(row.data))
            names.append(row.name)
            self._undo += [lambda: self._rows.pop(row.name), lambda: names.remove(row.name)]

    def replace(self, name: str, data: Json) -> None:
        with self.transaction():
            before = self._rows[name]
            self._rows[name] = (*before[:2], json.dumps(data))
            self._undo.append(lambda: self._rows.update({name: before}))

    def remove(self, name: str) -> None:
        with self.transaction():
            if name not in self._rows:
                return
            before = self._rows.pop(name)
            names = self._order[before[0], before[1]]
            place = names.index(name)
            del names[place]
            self._undo += [
                lambda: self._rows.update({name: before}),
                lambda: names.insert(place, name),
            ]

    def find(self, query: Query, *, limit: int) -> list[Row]:
        with self._lock:
            rows = map(self._row, self._names(query))
            wanted = (row for row in rows if _wanted(row.data, query))
            return list(itertools.islice(wanted, limit))

    def reply(self, account: str, key: str) -> Reply | None:
        with self._lock:
            if (account, key) not in self._replies:
                return None
            fingerprint, status, text = self._replies[account, key]
            return Reply(fingerprint, status, json.loads(text))

    def keep(self, account: str, key: str, reply: Reply) -> None:
        with self.transaction():
            text = json.dumps(reply.body)
            self._replies[account, key] = (reply.fingerprint, reply.status, text)
            self._undo.append(lambda: self._replies.pop((account, key)))

    def _row(self, name: str) -> Row:
        account, kind, text = self._rows[name]
        return Row(name, account, kind, json.loads(text))

    def _names(self, query: Query) -> list[str]:
        names = self._order[query.account, query.kind]
        start = names.index(query.newer_than) + 1 if query.newer_than else 0
        end = names.index(query.older_than) if query.older_than else len(names)
        return names[start:end] if query.oldest_first else names[start:end][::-1]


BOUNDS: dict[str, Callable[[int, int], bool]] = {
    "gt": lambda value, bound: value > bound,
    "gte": lambda value, bound: value >= bound,
    "lt": lambda value, bound: value < bound,
    "lte": lambda value, bound: value <= bound,
}


def _wanted(data: Json, query: Query) -> bool:
    matches = all(data.get(name) == value for name, value in query.matching.items())
    return matches and all(
        BOUNDS[name](data["created"], bound) for name, bound in query.created.items()
    )
