"""Uploads with everything that can be wrong: bad rows beside good ones, and bad bodies."""

from __future__ import annotations

import io

import pytest

from tasks.models import Batch, Task
from tests.marketplace.clients import CSV, JSON, NDJSON, problem_of
from tests.marketplace.uploading import KINDS, NOTHING, Draft, written

pytestmark = pytest.mark.django_db


@pytest.fixture
def draft():
    return Draft()


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
    good = {"text": "good", **(dict.fromkeys(bad, "") if kind == CSV else {})}
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
