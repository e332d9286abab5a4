from __future__ import annotations

import json
import time
from threading import Lock

import httpx
import pytest

from marketplace.simulation import run
from marketplace.simulation.answers import nobody_knows
from marketplace.simulation.client import Refused, Site
from marketplace.simulation.crowd import Kind, SimulatedWorker
from marketplace.simulation.run import Crowd, Member, Rota, task_key

INTERFACE = [{"type": "choice", "name": "label", "options": ["cat", "dog"]}]


class Batch:
    """A site with one batch of so many tasks; ``says`` overrules what becomes of a call."""

    def __init__(self, tasks: int, says=None) -> None:
        self.tasks = tasks
        self.says = says or {}
        self.calls: list[tuple[str, str, object]] = []
        self.lock = Lock()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/api/v1/")
        what = path.rpartition("/")[2]
        with self.lock:
            self.calls.append((request.headers["Authorization"], path, json.loads(request.content)))
            if what in self.says:
                return self.says[what]
            if what != "claim":
                return httpx.Response(200, json={})
            if not self.tasks:
                return httpx.Response(204, headers={"Retry-After": "1"})
            self.tasks -= 1
            number = self.tasks
        shown = {"id": number, "task": number, "input": {"n": number}, "interface": INTERFACE}
        return httpx.Response(201, json=shown)

    def paths(self, what: str) -> list[str]:
        return [path for _, path, _ in self.calls if path.endswith(what)]


def refusal(status: int, code: str) -> httpx.Response:
    return httpx.Response(status, json={"code": code, "detail": "No."})


def work(batch: Batch, *workers: SimulatedWorker, until, at_once: int = 2) -> Crowd:
    """Let the workers work until something is true of their crowd."""
    site = Site("http://site", transport=httpx.MockTransport(batch))
    members = [Member(worker, site.caller(f"{n}")) for n, worker in enumerate(workers)]
    crowd = Crowd(members, batch_id=7, truth=nobody_knows, at_once=at_once, speed=10_000.0)
    give_up_at = time.monotonic() + 10
    with crowd:
        while not until(crowd) and time.monotonic() < give_up_at:
            crowd.check()
            time.sleep(0.01)
    return crowd


def a_worker(name: str = "simulated-01", **fields) -> SimulatedWorker:
    known = {"kind": Kind.ONE_BUTTON, "ability": 0.0, "seed": 1, **fields}
    return SimulatedWorker(name=name, **known)


def test_everybody_has_a_turn_until_nothing_is_left(monkeypatch):
    monkeypatch.setattr(run, "VISIT_SECONDS", 0.01)
    batch = Batch(tasks=60)

    crowd = work(
        batch,
        *(a_worker(f"simulated-{n}") for n in range(4)),
        until=lambda crowd: crowd.idle_seconds() > 0.5,
    )

    assert crowd.tally.counts == {"claimed": 60, "answered": 60}
    assert len(batch.paths("submit")) == len(set(batch.paths("submit"))) == 60
    assert {token for token, path, _ in batch.calls if path.endswith("submit")} == {
        f"Bearer {n}" for n in range(4)
    }


def test_who_walks_away_from_a_task_goes_on_with_the_next():
    batch = Batch(tasks=5)

    crowd = work(
        batch, a_worker(walks_away_at=2), until=lambda crowd: crowd.tally.counts["answered"] == 4
    )

    assert crowd.tally.counts == {"claimed": 5, "answered": 4, "abandoned": 1}
    assert "assignments/3/submit" not in batch.paths("submit")


def test_people_skip_some_tasks():
    batch = Batch(tasks=200)

    crowd = work(
        batch,
        a_worker(kind=Kind.CARELESS, ability=0.7),
        until=lambda crowd: crowd.idle_seconds() > 0.5,
    )

    assert 0 < crowd.tally.counts["skipped"] < 20
    assert len(batch.paths("skip")) == crowd.tally.counts["skipped"]


def test_an_answer_that_comes_too_late_is_counted_as_that():
    batch = Batch(tasks=1, says={"submit": refusal(409, "illegal_transition")})

    crowd = work(batch, a_worker(), until=lambda crowd: crowd.tally.counts["late"])

    assert crowd.tally.counts == {"claimed": 1, "late": 1}


def test_an_answer_that_does_not_fit_ends_the_run():
    batch = Batch(tasks=1, says={"submit": refusal(422, "invalid_answer")})

    with pytest.raises(Refused, match="invalid_answer"):
        work(batch, a_worker(), until=lambda crowd: False)


def test_who_may_not_work_leaves_for_good():
    batch = Batch(tasks=1, says={"claim": refusal(403, "not_qualified")})

    crowd = work(
        batch,
        a_worker("simulated-01"),
        a_worker("simulated-02"),
        until=lambda crowd: not crowd.has_workers(),
    )

    assert crowd.tally.refusals == {"not_qualified": 2}
    assert len(batch.calls) == 2


def test_who_holds_too_many_comes_again(monkeypatch):
    monkeypatch.setattr(run, "VISIT_SECONDS", 0.05)
    batch = Batch(tasks=1, says={"claim": refusal(409, "too_many_live_assignments")})

    crowd = work(batch, a_worker(), until=lambda crowd: len(batch.calls) > 1)

    assert len(batch.calls) > 1
    assert crowd.has_workers()


def test_the_rota_lets_nobody_come_before_their_time():
    first, second = (Member(a_worker(), caller=None) for _ in range(2))
    rota = Rota([first, second])

    assert rota.next() is first
    rota.put_back(first, after_seconds=0.0)
    assert rota.next() is second
    assert rota.next() is first
    rota.put_back(first, after_seconds=60.0)
    assert rota.next() is None


def test_a_task_is_known_by_what_is_shown():
    assert task_key({"a": 1, "b": 2}) == task_key({"b": 2, "a": 1})
    assert task_key({"a": 1}) != task_key({"a": 2})
