from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from marketplace.api import keys
from marketplace.management.commands import simulate
from marketplace.models import ApiKey
from tasks.models import Answer, Assignment
from tests.factories import NOON, a_worker, published_batch
from workers.models import Worker

FAST = {"speed": 10_000.0, "patience": 1.0, "at_once": 4}


@pytest.fixture(autouse=True)
def _hurry(monkeypatch):
    monkeypatch.setattr(simulate, "LOOK_SECONDS", 0.05)


def run(site, batch, **options) -> str:
    out = StringIO()
    batch_id = batch if isinstance(batch, int) else batch.pk
    call_command("simulate", batch=batch_id, url=site.url, stdout=out, **{**FAST, **options})
    return out.getvalue()


def test_a_simulated_crowd_answers_everything_there_is(live_server):
    batch = published_batch(tasks=10, overlap=2)

    told = run(live_server, batch, workers=6)

    assert Answer.objects.count() == 20
    assert "a simulated crowd of 6 looks at batch" in told
    assert "the simulated crowd is done: 20 answered" in told
    assert Worker.objects.filter(user__username__startswith="simulated-").count() == 6


def test_a_true_answer_is_given_by_those_who_are_able(live_server, tmp_path):
    batch = published_batch(tasks=10, overlap=2)
    (tmp_path / "truth.csv").write_text("task,answer\n" + "".join(
        f"{task.pk},dog\n" for task in batch.tasks.all()
    ))  # fmt: skip

    run(live_server, batch, workers=6, truth=tmp_path / "truth.csv")

    said = [answer.value["label"] for answer in Answer.objects.all()]
    assert said.count("dog") > 12


def test_with_tokens_nobody_is_registered(live_server, tmp_path):
    batch = published_batch(tasks=4, overlap=2)
    workers = [a_worker() for _ in range(3)]
    tokens = [keys.make(user=worker.user, name="t", now=NOON)[1] for worker in workers]
    (tmp_path / "tokens").write_text("\n".join(tokens))

    run(live_server, batch, tokens=tmp_path / "tokens")

    assert Worker.objects.count() == 3
    assert ApiKey.objects.count() == 3
    assert Assignment.objects.filter(status="submitted").count() == 8


def test_it_stops_after_so_many_answers(live_server):
    batch = published_batch(tasks=200, overlap=1)

    told = run(live_server, batch, workers=4, answers=10)

    assert 10 <= Answer.objects.count() < 150
    assert "the simulated crowd is done" in told


def test_a_batch_that_is_not_there_is_refused(live_server):
    with pytest.raises(CommandError, match="None of the simulated crowd may work"):
        run(live_server, 12_345, workers=3)


def test_external_ids_need_the_database(live_server, tmp_path):
    (tmp_path / "truth.csv").write_text("external_id,answer\nx,cat\n")
    (tmp_path / "tokens").write_text("cw_one\ncw_two\n")

    with pytest.raises(CommandError, match="workers do not see external ids"):
        run(live_server, 1, tokens=tmp_path / "tokens", truth=tmp_path / "truth.csv")


@pytest.mark.parametrize(("content", "said"), [(b"", "holds no tokens"), (b"\xff", "ascii")])
def test_a_file_without_tokens_is_refused(tmp_path, content, said):
    (tmp_path / "tokens").write_bytes(content)

    with pytest.raises(CommandError, match=said):
        call_command("simulate", batch=1, url="http://127.0.0.1:1", tokens=tmp_path / "tokens")


def test_without_a_site_it_says_how_to_start_one(monkeypatch, tmp_path):
    monkeypatch.setenv("CROWDWRIGHT_VAR", str(tmp_path))

    with pytest.raises(CommandError, match="make up"):
        call_command("simulate", batch=1)
