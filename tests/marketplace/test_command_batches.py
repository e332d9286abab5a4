"""``import_tasks`` and ``export``: what goes into a batch and what comes out, as files."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tasks import aggregate
from tasks.models import Gold, Task, TaskInput
from tests.factories import HOUR, NOON, drafted_batch, published_batch, submitted

pytestmark = pytest.mark.django_db


def run(*arguments):
    """Return what the command printed."""
    out = StringIO()
    call_command(*map(str, arguments), stdout=out)
    return out.getvalue()


@pytest.fixture
def batch():
    return drafted_batch(tasks=0)


@pytest.fixture
def file_of(tmp_path):
    def write(name, text):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


ROWS = [{"image": "1.png"}, {"image": "2.png", "gold": "cat"}]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rows.json", json.dumps(ROWS)),
        ("rows.ndjson", "\n".join(map(json.dumps, ROWS))),
        ("rows.JSONL", "\n".join(map(json.dumps, ROWS))),
        ("rows.csv", "image,gold\n1.png,\n2.png,cat\n"),
    ],
)
def test_a_file_is_read_as_its_name_says(batch, file_of, name, text):
    said = run("import_tasks", batch.pk, file_of(name, text))

    assert said == "1 tasks, 1 gold tasks, 0 rows rejected\n"
    assert [shown.data["image"] for shown in TaskInput.objects.order_by("pk")] == ["1.png", "2.png"]
    assert Gold.objects.get().answer == {"label": "cat"}


def test_a_file_may_be_read_as_the_caller_says(batch, file_of):
    assert run("import_tasks", batch.pk, file_of("rows.txt", "image\n1.png\n"), "--format", "csv")
    assert batch.tasks.count() == 1


def test_a_file_of_an_unknown_kind_is_not_read(batch, file_of):
    with pytest.raises(CommandError, match="Say with --format what is in"):
        run("import_tasks", batch.pk, file_of("rows.xlsx", ""))


def test_a_rejected_row_keeps_the_whole_file_out(batch, file_of):
    path = file_of("rows.csv", "image,gold\n1.png,cat\n2.png,cow\n")
    out = StringIO()

    with pytest.raises(CommandError, match="Nothing was imported") as failure:
        call_command("import_tasks", str(batch.pk), str(path), stdout=out)

    assert failure.value.returncode == 1
    assert "0 tasks, 1 gold tasks, 1 rows rejected\nrow 2: The gold answer" in out.getvalue()
    assert not Task.objects.exists()


def test_the_good_rows_are_taken_when_the_caller_says_so(batch, file_of):
    path = file_of("rows.csv", "image,priority\n1.png,1\n" + "2.png,high\n" * 30)

    said = run("import_tasks", batch.pk, path, "--allow-rejected").splitlines()

    assert said[0] == "1 tasks, 0 gold tasks, 30 rows rejected"
    assert said[-1] == "and 10 more"
    assert Task.objects.count() == 1


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [("rows.json", "[1, ", "not a JSON list"), ("rows.csv", "a,a\n1,2\n", "same column twice")],
)
def test_a_file_that_cannot_be_understood_is_refused_in_one_line(batch, file_of, name, text, why):
    with pytest.raises(CommandError, match=why):
        run("import_tasks", batch.pk, file_of(name, text))

    assert not Task.objects.exists()


def test_a_published_batch_grows_only_by_what_its_wallet_can_pay(file_of):
    path = file_of("rows.csv", "image\n1.png\n")

    with pytest.raises(CommandError, match="6 USD more is needed"):
        run("import_tasks", published_batch().pk, path)

    assert Task.objects.count() == 1


def test_files_and_batches_that_are_not_there_are_named(batch, tmp_path):
    with pytest.raises(CommandError, match="No such file"):
        run("import_tasks", batch.pk, tmp_path / "rows.csv")
    with pytest.raises(CommandError, match="There is no batch 0"):
        run("export", 0)


@pytest.fixture
def answered():
    batch = published_batch(tasks=1, aggregation="majority_vote")
    submitted(batch, "cat")
    aggregate.aggregate_due(now=NOON + HOUR)
    return batch


@pytest.mark.parametrize("what", ["results", "answers", "workers"])
@pytest.mark.parametrize("form", ["json", "ndjson", "csv"])
def test_an_export_is_what_the_api_gives_the_requester(answered, client, what, form):
    token = run("token", answered.project.requester.username).strip()
    url = f"/api/v1/batches/{answered.pk}/{what}?format={form}"
    given = client.get(url, headers={"authorization": f"Bearer {token}"})

    said = run("export", answered.pk, "--what", what, "--format", form)

    assert said.encode() == given.getvalue()
    assert said.count("\n") >= 1


def test_an_export_goes_into_a_file(answered, tmp_path):
    path = tmp_path / "results.ndjson"

    assert run("export", answered.pk, "--output", path) == ""
    assert json.loads(path.read_text())["consensus"] == {"label": "cat"}


def test_an_export_into_nowhere_is_refused_in_one_line(answered, tmp_path):
    with pytest.raises(CommandError, match="No such file"):
        run("export", answered.pk, "--output", tmp_path / "away" / "results.ndjson")
