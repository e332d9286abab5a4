"""Cells that no spreadsheet runs, and exports that need no memory."""

from __future__ import annotations

import csv
import io
import json
import re
import tracemalloc

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from marketplace.api import exports
from tests.factories import drafted_batch
from tests.marketplace.clients import api

STARTERS = ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"]


def original(cell):
    """What a reader takes off again: one apostrophe before what would run."""
    return cell[1:] if re.match("'+[" + re.escape("".join(STARTERS)) + "]", cell) else cell


@pytest.mark.parametrize("starter", STARTERS)
def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe(starter):
    assert exports.cell(f"{starter}cmd|'/c calc'!A1") == f"'{starter}cmd|'/c calc'!A1"


@pytest.mark.parametrize("text", ["", "cat", "'tis", " =1", "a=b", "1-2", "x@y", "'", "\u2212"])
def test_other_text_stays_as_it_is(text):
    assert exports.cell(text) == text


def test_text_that_looks_as_if_it_were_marked_is_marked_too():
    assert exports.cell("'=1") == "''=1"
    assert exports.cell("=1") == "'=1"


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, ""),
        (-5, -5),
        (0.5, 0.5),
        (True, True),
        (["=1", "ä"], '["=1", "ä"]'),
        ({"=1": None}, '{"=1": null}'),
    ],
)
def test_numbers_stay_numbers_and_the_rest_is_json(value, cell):
    assert exports.cell(value) == cell


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_a_csv_gives_back_every_text_and_none_of_them_runs(text):
    rows = iter([[json.dumps({"text": text})]])

    written = "".join(
        exports._as_csv(rows, header=[text, "plain"], flatten=lambda row: [row["text"], "cat"])
    )

    header, row = csv.reader(io.StringIO(written, newline=""))
    assert [original(header[0]), original(row[0])] == [text, text]
    assert not header[0].startswith(tuple(STARTERS))
    assert not row[0].startswith(tuple(STARTERS))
    assert (header[1], row[1]) == ("plain", "cat")


@given(st.lists(st.lists(st.integers(), min_size=1, max_size=3), max_size=4))
def test_json_and_ndjson_hold_the_same_rows_however_they_are_paged(pages):
    texts = [[json.dumps(value) for value in page] for page in pages]
    flat = [value for page in pages for value in page]

    assert json.loads("".join(exports._as_json(iter(texts)))) == flat
    lines = "".join(exports._as_ndjson(iter(texts))).splitlines()
    assert [json.loads(line) for line in lines] == flat


@pytest.fixture
def many(db, monkeypatch):
    """A batch of 2,000 tasks of 1,000 bytes, written by one statement, and pages of 100 rows."""
    monkeypatch.setattr(exports, "PAGE", 100)
    batch = drafted_batch(tasks=0)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH made AS (
                INSERT INTO tasks_task
                    (batch_id, lane, position, overlap, remaining_overlap, is_open)
                SELECT %s, 1, n, 1, 1, true FROM generate_series(1, 2000) n RETURNING id)
            INSERT INTO tasks_taskinput (task_id, data, external_id)
            SELECT id, jsonb_build_object('text', repeat('x', 1000)), '' FROM made
            """,
            [batch.pk],
        )
    return batch


def test_an_export_keeps_one_page_in_memory(many):
    client = api(many.project.requester)
    sizes, peaks = [], []
    for form in "json", "ndjson", "csv":
        response = client.get(f"batches/{many.pk}/results?format={form}")
        stream = iter(response.streaming_content)
        next(stream)  # whatever is made once
        tracemalloc.start()
        sizes.append(sum(len(part) for part in stream))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    assert min(sizes) > 1_900_000
    assert max(peaks) < 900_000  # a page of 100 rows, a few times over


def test_an_export_asks_once_per_page(many, django_assert_num_queries):
    client = api(many.project.requester)
    client.get("projects")  # the key's use is noted now

    # Who calls, which batch, which version; twenty pages and the empty one.
    with django_assert_num_queries(24):
        response = client.get(f"batches/{many.pk}/results?format=ndjson")
        assert sum(part.count(b"\n") for part in response.streaming_content) == 2_000
