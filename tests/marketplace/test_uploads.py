"""Uploading tasks: three formats, two shapes of a row, and everything that can be wrong."""

from __future__ import annotations

import codecs
import csv
import io
import json
import tracemalloc

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.api import uploads
from tasks.models import Batch, Gold, Task, TaskInput
from tests.factories import a_worker, drafted_batch
from tests.marketplace.clients import CSV, JSON, NDJSON, api, problem_of

pytestmark = pytest.mark.django_db
KINDS = [JSON, NDJSON, CSV]
NOTHING = {"tasks": 0, "gold": 0, "rejected": 0, "rejections": []}


class Draft:
    """A draft batch, and its requester's client."""

    def __init__(self):
        self.batch = drafted_batch(tasks=0)
        self.client = api(self.batch.project.requester)

    def upload(self, body, kind, **headers):
        raw = body if isinstance(body, bytes) else body.encode()
        return self.client.post(f"batches/{self.batch.pk}/tasks", raw, kind, **headers)

    def inputs(self):
        found = TaskInput.objects.filter(task__batch=self.batch).order_by("pk")
        return list(found.values_list("data", flat=True))

    def tasks(self, *fields):
        return list(Task.objects.filter(batch=self.batch).order_by("pk").values(*fields))


@pytest.fixture
def draft():
    return Draft()


def written(rows, kind):
    """The same flat rows in each format."""
    if kind == JSON:
        return json.dumps(rows)
    if kind == NDJSON:
        return "\n".join(json.dumps(row) for row in rows)
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


# Good rows


@pytest.mark.parametrize("kind", [*KINDS, "application/jsonl", "application/jsonlines"])
def test_flat_rows_become_tasks(draft, kind):
    rows = [{"text": "Äpfel, \"rot\"\n", "url": "a.png"}, {"text": "'", "url": "b.png"}]

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
    body = codecs.BOM_UTF8 + '\r\n"text", url \r\n'.encode()[2:]
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


# Rows that are refused while others are taken

BAD_ROWS = [
    ({"priority": 1001}, "priority must be"),
    ({"priority": "high"}, "priority must be"),
    ({"priority": 1.5}, "priority must be"),
    ({"priority": "1_0"}, "priority must be"),
    ({"priority": "٣"}, "priority must be"),
    ({"priority": "9" * 5000}, "priority must be"),
    ({"overlap": 0}, "overlap must be"),
    ({"overlap": 101}, "overlap must be"),
    ({"overlap": "3.0"}, "overlap must be"),
    ({"expires_at": "tomorrow"}, "expires_at must be"),
    ({"expires_at": "2030-01-01T00:00:00"}, "expires_at must be"),
    ({"expires_at": "2030-02-30T00:00:00Z"}, "expires_at must be"),
    ({"expires_at": "0001-01-01T00:00:00+23:59"}, "expires_at must be"),
    ({"expires_at": "9999-12-31T23:59:59-23:59"}, "expires_at must be"),
    ({"author": "A0000000000000"}, "author: there is no worker"),
    ({"external_id": "x" * 201}, "external_id must be"),
    ({"gold": "horse"}, "The gold answer does not fit"),
    ({"gold": "{nonsense"}, "The gold answer starts like JSON"),
]
BAD_JSON_ROWS = [
    ({"priority": True}, "priority must be"),
    ({"priority": [1]}, "priority must be"),
    ({"overlap": 2**63}, "overlap must be"),
    ({"external_id": 1.5}, "external_id must be"),
    ({"external_id": ["x"]}, "external_id must be"),
    ({"expires_at": 1893456000}, "expires_at must be"),
    ({"gold": 5}, "The gold answer does not fit"),
    ({"gold": []}, "The gold answer does not fit"),
    ({"input": {}}, "The row has no input"),
    ({"input": {"text": "a"}, "other": 1}, "Unknown option 'other'"),
]


@pytest.mark.parametrize(
    ("kind", "bad", "reason"),
    [(kind, *case) for kind in KINDS for case in BAD_ROWS]
    + [(kind, *case) for kind in (JSON, NDJSON) for case in BAD_JSON_ROWS],
    ids=lambda value: str(value)[:40],
)
def test_a_bad_row_is_refused_with_its_number_and_reason_and_the_others_are_taken(
    draft, kind, bad, reason
):
    good = {"text": "good", **({name: "" for name in bad} if kind == CSV else {})}
    rows = [good, bad if "input" in bad else {"text": "bad", **bad}, good]

    taken = draft.upload(written(rows, kind), kind)

    assert taken.status_code == 201
    assert {name: taken.json()[name] for name in ("tasks", "gold", "rejected")} == {
        "tasks": 2,
        "gold": 0,
        "rejected": 1,
    }
    [refused] = taken.json()["rejections"]
    assert refused["row"] == 2
    assert refused["reason"].startswith(reason)
    assert draft.inputs() == [{"text": "good"}] * 2


@pytest.mark.parametrize(
    "value",
    ["5", '"text"', "null", "[]", "{}", '{"gold": "cat"}', '{"a": NaN}', '{"a": Infinity}',
     '{"a": 1e999}', '{"a": 1e-999}', '{"a": "\\u0000"}', '{"\\u0000": 1}', '{"a": "\\ud800"}',
     '{"\\udfff": 1}', '{"a": 1, "a": 1}', f'{{"a": {"9" * 5000}}}',
     f'{{"a": {"[" * 100}{"]" * 100}}}', f'{{"a": {"[" * 5000}{"]" * 5000}}}',
     f'{{"a": {"[" * 100_000}{"]" * 100_000}}}', f'{{"a": "{"x" * (1 << 20)}"}}',
     f'{{"a": "{"é" * (1 << 19)}"}}'],
    ids=lambda value: value[:24],
)  # fmt: skip
@pytest.mark.parametrize("kind", [JSON, NDJSON])
def test_a_row_that_could_not_be_kept_as_it_is_is_refused(draft, kind, value):
    good = '{"text": "good"}'
    whole = f"[{good}, {value}, {good}]" if kind == JSON else f"{good}\n{value}\n{good}"

    taken = draft.upload(whole, kind)

    assert (taken.status_code, taken.json()["tasks"]) == (201, 2)
    assert [each["row"] for each in taken.json()["rejections"]] == [2]
    assert draft.inputs() == [{"text": "good"}] * 2


@pytest.mark.parametrize("kind", [JSON, NDJSON])
def test_bad_utf8_in_a_row_refuses_the_row(draft, kind):
    good, bad = b'{"text": "good"}', b'{"text": "\xff"}'
    body = b"[%b,%b]" % (good, bad) if kind == JSON else b"%b\n%b" % (good, bad)

    taken = draft.upload(body, kind).json()

    assert (taken["tasks"], taken["rejected"]) == (1, 1)
    assert taken["rejections"][0]["row"] == 2


def test_a_line_that_is_no_json_refuses_only_itself(draft):
    taken = draft.upload('{"text": "a"}\n{"text": \n{"text": "b"}', NDJSON).json()

    assert (taken["tasks"], [each["row"] for each in taken["rejections"]]) == (2, [2])


@pytest.mark.parametrize("cells", ["a", "a,b,c", ","])
def test_a_csv_row_of_another_length_than_the_header_is_refused(draft, cells):
    taken = draft.upload(f"text,url\nx,y\n{cells}\nx,y\n", CSV).json()

    refused = 0 if cells == "," else 1
    assert (taken["tasks"], taken["rejected"]) == (3 - refused, refused)
    assert not refused or taken["rejections"] == [
        {"row": 2, "reason": f"The row has {cells.count(',') + 1} cells, the header 2."}
    ]


def test_all_refused_rows_are_counted_and_the_first_thousand_named(draft):
    taken = draft.upload("5\n" * 1500, NDJSON).json()

    assert (taken["rejected"], len(taken["rejections"])) == (1500, 1000)
    assert taken["rejections"][999]["row"] == 1000


@pytest.mark.parametrize("kind", KINDS)
def test_two_signs_make_no_number(draft, kind):
    taken = draft.upload(written([{"text": "a", "priority": "--5"}], kind), kind)

    assert (taken.status_code, taken.json()["rejected"]) == (201, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_a_gold_cell_as_deep_as_a_well_is_refused(draft, kind):
    taken = draft.upload(written([{"text": "a", "gold": "[" * 100_000}], kind), kind)

    assert (taken.status_code, taken.json()["rejected"]) == (201, 1)


# Bodies that are refused whole


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (JSON, b""),
        (JSON, b"{}"),
        (JSON, b'{"text": "a"}'),
        (JSON, b'{"item": {"text": "a"}}'),
        (JSON, b"5"),
        (JSON, b'"[]"'),
        (JSON, b"null"),
        (JSON, b'[{"text": "a"},'),
        (JSON, b'[{"text": "a"}, {"text": "b'),
        (JSON, b'[{"text": "a"}, ]'),
        (JSON, b'[{"text": "a"}] [{"text": "b"}]'),
        (JSON, b'[{"text": "a"}] x'),
        (JSON, b'[{"text": "a"}}'),
        (JSON, b'[{"text": "a"} {"text": "b"}]'),
        (JSON, b'[{"text": "a"}, {"text" "b"}]'),
        (JSON, b'[{"text": "a"}, nonsense]'),
        (JSON, '[{"text": "a"}]'.encode("utf-16")),
        (JSON, b"[" * 100_000),
        (JSON, b"[" * 100_000 + b"]" * 99_999),
        (NDJSON, b""),
        (CSV, b""),
        (CSV, b"\n\n"),
        (CSV, b",,\na,b,c\n"),
        (CSV, b"text,text\na,b\n"),
        (CSV, b"text, text\na,b\n"),
        (CSV, b"text,url\na,b\n\0,c\n"),
        (CSV, b"text,url\na,b\n\xff,c\n"),
        (CSV, b'text,url\na,b\n"c,d\n'),
        (CSV, b'text,url\na,b\n"c"x,d\n'),
        (CSV, "text,url\na,b\n".encode("utf-16")),
        (CSV, ",".join(f"c{n}" for n in range(2001)).encode() + b"\n"),
        (CSV, b"text\n" + b"x" * (1 << 20) + b"x\n"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_body_that_breaks_stores_nothing(draft, kind, body):
    refused = draft.upload(body, kind)

    assert problem_of(refused) == (400, "parse_error")
    assert draft.inputs() == []
    assert Batch.objects.get().task_count == 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_body_that_breaks_after_thousands_of_good_rows_stores_nothing(draft, kind):
    rows = [{"text": str(number)} for number in range(6000)]  # more than one chunk
    body = written(rows, kind).encode()[:-1]

    refused = draft.upload(body + b'"\xff', kind)

    if kind == NDJSON:  # whose lines stand for themselves
        assert refused.json() == {**NOTHING, "tasks": 5999, "rejected": 1} | {
            "rejections": refused.json()["rejections"]
        }
    else:
        assert problem_of(refused) == (400, "parse_error")
        assert not Task.objects.exists()


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/xml", "multipart/form-data", "application/x-www-form-urlencoded",
     "", ";", "json", "*/*", "application/*", "application/json/x"],
)  # fmt: skip
@pytest.mark.parametrize("headers", [{}, {"transfer_encoding": "chunked"}])
def test_a_kind_of_body_nobody_reads_is_refused(draft, kind, headers):
    refused = draft.upload('[{"text": "a"}]', kind, **headers)

    assert problem_of(refused) == (415, "unsupported_media_type")
    assert draft.inputs() == []


def test_a_body_of_unknown_length_is_read_to_its_end(draft):
    body = io.BytesIO(b'{"text": "a"}\n{"text": "b"}')

    taken = draft.client.stream(f"batches/{draft.batch.pk}/tasks", body, None, NDJSON)

    assert taken.json() == {**NOTHING, "tasks": 2}


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
        (NDJSON, b'{"text": "', b"x" * 65536),
        (JSON, b'[{"text": "', b"x" * 65536),
        (JSON, b"", b"[" * 65536),
        (JSON, b"[1", b" " * 65536),
        (CSV, b"text\n", b"x" * 65536),
        (CSV, b'text\n"', b"x\n" * 32768),
        (CSV, b"text,url\n", b'"\n",' * 16384),
    ],
    ids=["line", "string", "brackets", "spaces", "cell", "quoted cell", "cells"],
)
def test_one_endless_row_is_refused_without_being_kept(draft, kind, head, piece):
    draft.upload("[]", JSON)  # whatever is made once
    length = 1 << 25
    tracemalloc.start()

    body = Endless(head, piece, length)
    answer = draft.client.stream(f"batches/{draft.batch.pk}/tasks", body, length, kind)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 12 << 20
    assert draft.inputs() == []
    if kind == NDJSON:
        assert answer.json()["rejections"] == [{"row": 1, "reason": str(uploads.TOO_LONG)}]
    else:
        assert problem_of(answer) == (400, "parse_error")


def test_many_rows_take_the_memory_of_one_chunk(draft):
    line = b'{"text": "%b"}\n' % (b"x" * 100)
    count = 20_000
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
