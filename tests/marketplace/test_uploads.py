"""Uploading tasks: three formats, two shapes of a row, once per key, in bounded memory."""

from __future__ import annotations

import codecs
import io
import json
import tracemalloc

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.api import batches, uploads
from tasks.models import Batch, Gold, Task, TaskInput
from tests.factories import a_worker
from tests.marketplace.clients import CSV, JSON, NDJSON, problem_of
from tests.marketplace.uploading import KINDS, NOTHING, Draft, written

pytestmark = pytest.mark.django_db


@pytest.fixture
def draft():
    return Draft()


# Good rows


@pytest.mark.parametrize("kind", [*KINDS, "application/jsonl", "application/jsonlines"])
def test_flat_rows_become_tasks(draft, kind):
    rows = [{"text": 'Äpfel, "rot"\n', "url": "a.png"}, {"text": "'", "url": "b.png"}]

    taken = draft.upload(written(rows, kind if kind in KINDS else NDJSON), kind)

    assert taken.status_code == 201
    assert taken.json() == {**NOTHING, "tasks": 2}
    assert draft.inputs() == rows
    assert Batch.objects.get().slot_count == 2


@pytest.mark.parametrize("kind", [JSON, NDJSON])
def test_structured_rows_keep_every_json_value(draft, kind):
    shown = {"n": 12345678901234567890, "x": 0.1, "deep": [{"a": None}, [True, "\u2028"]], "": ""}

    draft.upload(written([{"input": shown, "external_id": "a"}], kind), kind)

    assert draft.inputs() == [shown]
    assert TaskInput.objects.get().external_id == "a"


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_can_say_more_than_its_input(draft, kind):
    author = a_worker()
    row = {
        "text": "Which?",
        "external_id": "row-1",
        "priority": 5,
        "overlap": 7,
        "expires_at": "2030-01-01T00:00:00+02:00",
        "author": author.public_id,
    }

    taken = draft.upload(written([row], kind), kind)

    assert taken.json() == {**NOTHING, "tasks": 1}
    task = Task.objects.get()
    assert draft.inputs() == [{"text": "Which?"}]
    assert TaskInput.objects.get().external_id == "row-1"
    assert (task.overlap, task.remaining_overlap, task.is_open) == (7, 7, True)
    assert task.position < -(4 << 52)
    assert task.expires_at.isoformat() == "2029-12-31T22:00:00+00:00"
    assert task.author_id == author.user.person_id


@pytest.mark.parametrize(
    ("kind", "gold"),
    [(JSON, "cat"), (JSON, {"label": "cat"}), (NDJSON, {"label": "cat"}), (CSV, "cat"),
     (CSV, '{"label": "cat"}')],
)  # fmt: skip
def test_a_row_with_a_known_answer_is_gold(draft, kind, gold):
    taken = draft.upload(written([{"text": "Which?", "gold": gold}], kind), kind)

    assert taken.json() == {**NOTHING, "gold": 1}
    assert Gold.objects.get().answer == {"label": "cat"}
    assert draft.tasks("lane", "is_open", "overlap") == [
        {"lane": 2, "is_open": False, "overlap": 0}
    ]


def test_a_csv_may_come_from_a_spreadsheet(draft):
    body = codecs.BOM_UTF8 + b'\r\n"text", url \r\n'[2:]
    body += '"two\r\nlines, ""quoted""",a.png\r\n\r\nÄ,b.png'.encode()

    taken = draft.upload(body, "text/csv; charset=utf-8")

    assert taken.json() == {**NOTHING, "tasks": 2}
    assert draft.inputs() == [
        {"text": 'two\r\nlines, "quoted"', "url": "a.png"},
        {"text": "Ä", "url": "b.png"},
    ]


@pytest.mark.parametrize(("kind", "body"), [(JSON, '[{"text": "a"}]'), (NDJSON, '{"text": "a"}')])
def test_a_byte_order_mark_is_not_text(draft, kind, body):
    assert draft.upload(codecs.BOM_UTF8 + body.encode(), kind).json() == {**NOTHING, "tasks": 1}
    assert draft.inputs() == [{"text": "a"}]


def test_lines_may_end_in_any_way(draft):
    taken = draft.upload('{"text": "a"}\r\n\n  \n{"text": "b"}\r\n\r\n{"text": "c"}', NDJSON)

    assert taken.json() == {**NOTHING, "tasks": 3}


def test_empty_cells_are_input_but_not_options(draft):
    draft.upload("text,url,priority,gold\n,a.png,,\n", CSV)

    assert draft.inputs() == [{"text": "", "url": "a.png"}]
    assert draft.tasks("lane") == [{"lane": 1}]


@pytest.mark.parametrize(("kind", "body"), [(JSON, "[]"), (NDJSON, "\n"), (CSV, "text\n")])
def test_an_upload_may_hold_no_rows(draft, kind, body):
    taken = draft.upload(body, kind)

    assert (taken.status_code, taken.json()) == (201, NOTHING)


# Once per key


@pytest.mark.parametrize("kind", KINDS)
def test_an_upload_repeated_with_its_key_is_stored_once(draft, kind):
    body = written([{"text": "a"}, {"text": "b"}], kind)

    first, again = (draft.upload(body, kind, idempotency_key="k") for _ in range(2))

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json() == {**NOTHING, "tasks": 2}
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(draft.inputs()) == 2


@pytest.mark.parametrize("kind", KINDS)
def test_another_upload_of_the_same_length_with_the_same_key_is_refused(draft, kind):
    draft.upload(written([{"text": "a"}], kind), kind, idempotency_key="k")

    refused = draft.upload(written([{"text": "b"}], kind), kind, idempotency_key="k")

    assert problem_of(refused) == (422, "key_reused")
    assert draft.inputs() == [{"text": "a"}]


def test_a_body_of_unknown_length_has_a_key_like_any_other(draft):
    def upload(body):
        path = f"batches/{draft.batch.pk}/tasks"
        return draft.client.stream(path, io.BytesIO(body), None, NDJSON, idempotency_key="k")

    first, again, other = (upload(body) for body in (b'{"a": 1}', b'{"a": 1}', b'{"a": 2}'))

    assert first.json() == again.json() == {**NOTHING, "tasks": 1}
    assert again.headers["Idempotent-Replayed"] == "true"
    assert problem_of(other) == (422, "key_reused")
    assert draft.inputs() == [{"a": 1}]


def test_a_body_may_come_byte_by_byte(draft):
    class Slow(io.BytesIO):
        def read(self, size=-1):
            return super().read(min(size, 1))

    body = Slow(codecs.BOM_UTF8 + '[{"text": "ä]"}]'.encode())

    taken = draft.client.stream(f"batches/{draft.batch.pk}/tasks", body, None, JSON)

    assert taken.json() == {**NOTHING, "tasks": 1}
    assert draft.inputs() == [{"text": "ä]"}]


def test_an_upload_that_failed_may_be_repeated_with_its_key(draft):
    failed = draft.upload('[{"text": "a"}', JSON, idempotency_key="k")
    mended = draft.upload('[{"text": "a"}]', JSON, idempotency_key="k")

    assert problem_of(failed) == (400, "parse_error")
    assert mended.json() == {**NOTHING, "tasks": 1}


@pytest.mark.parametrize("kind", KINDS)
def test_an_upload_of_more_than_a_mebibyte_may_have_a_key(draft, kind):
    body = written([{"text": "x" * 500_000}] * 3, kind)

    taken = draft.upload(body, kind, idempotency_key="k")

    assert taken.json() == {**NOTHING, "tasks": 3}


# In bounded memory


class Endless:
    """A body of any length, made as it is read."""

    def __init__(self, head, piece, length):
        self.rest, self.piece, self.left = head, piece, length

    def read(self, size=1 << 16):
        while len(self.rest) < min(size, self.left):
            self.rest += self.piece
        taken, self.rest = self.rest[: min(size, self.left)], self.rest[size:]
        self.left -= len(taken)
        return taken

    readline = read


@pytest.mark.parametrize(
    ("kind", "head", "piece"),
    [
        (NDJSON, b'{"text": "', b"x" * 8192),
        (JSON, b'[{"text": "', b"x" * 8192),
        (JSON, b"", b"[" * 8192),
        (JSON, b"[1", b" " * 8192),
        (CSV, b"text\n", b"x" * 8192),
        (CSV, b'text\n"', b"x\n" * 4096),
        (CSV, b"text,url\n", b'"\n",' * 2048),
    ],
    ids=["line", "string", "brackets", "spaces", "cell", "quoted cell", "cells"],
)
def test_one_endless_row_is_refused_without_being_kept(draft, monkeypatch, kind, head, piece):
    draft.upload("[]", JSON)  # whatever is made once
    monkeypatch.setattr(uploads, "LINE_MAX", 1 << 16)
    monkeypatch.setattr(uploads, "READ", 1 << 13)
    length = 1 << 23
    tracemalloc.start()

    body = Endless(head, piece, length)
    answer = draft.client.stream(f"batches/{draft.batch.pk}/tasks", body, length, kind)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 1 << 20
    assert draft.inputs() == []
    if kind == NDJSON:
        assert answer.json()["rejections"] == [{"row": 1, "reason": str(uploads.TOO_LONG)}]
    else:
        assert problem_of(answer) == (400, "parse_error")


@pytest.mark.parametrize("kind", KINDS)
def test_a_line_of_two_mebibytes_is_refused(draft, kind):
    refused = draft.upload(written([{"text": "x" * (2 << 20)}], kind), kind)

    if kind == NDJSON:
        assert refused.json()["rejections"] == [{"row": 1, "reason": str(uploads.TOO_LONG)}]
    else:
        assert problem_of(refused) == (400, "parse_error")
    assert draft.inputs() == []


@pytest.mark.parametrize(("rows", "times"), [(2, 0), (3, 1)])
def test_a_large_upload_refreshes_the_planners_statistics(draft, monkeypatch, rows, times):
    monkeypatch.setattr(batches, "ANALYZE_FROM", 3)

    with CaptureQueriesContext(connection) as queries:
        draft.upload(written([{"text": "a"}] * rows, NDJSON), NDJSON)

    assert sum(each["sql"].startswith("ANALYZE") for each in queries) == times


def test_many_rows_take_the_memory_of_one_chunk(draft):
    line = b'{"text": "%b"}\n' % (b"x" * 100)
    count = 8_000
    tracemalloc.start()

    length = len(line) * count
    body = Endless(b"", line, length)
    answer = draft.client.stream(f"batches/{draft.batch.pk}/tasks", body, length, NDJSON)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert answer.json() == {**NOTHING, "tasks": count}
    assert peak < 12 << 20
    with connection.cursor() as cursor:  # or their foreign keys are checked one by one
        cursor.execute("SELECT count(*) FROM tasks_taskinput")
        assert cursor.fetchone() == (count,)


# However it is cut into blocks

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)  # fmt: skip


@settings(max_examples=50)
@given(st.lists(VALUES, max_size=5), st.integers(1, 40), st.booleans(), st.sampled_from([None, 1]))
def test_a_list_is_cut_into_its_elements_wherever_its_blocks_end(values, size, ascii_only, indent):
    body = json.dumps(values, ensure_ascii=ascii_only, indent=indent).encode("utf-8", "replace")
    cutter = uploads.ListCutter()

    elements = [
        json.loads(element)
        for start in range(0, len(body), size)
        for element in cutter.feed(body[start : start + size])
    ]
    cutter.finish()

    assert elements == json.loads(body)
