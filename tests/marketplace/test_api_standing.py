"""A worker's standing over the REST API: what each side sees, asks and decides."""

from __future__ import annotations

import json

import pytest

from marketplace.api import standing
from tasks.aggregation.skill import estimate
from tasks.checks import flags, restrict
from tasks.models import Cursor, Flag, Restriction
from tasks.rules import defaults
from tests.factories import NOON, a_project, a_requester, a_user, a_worker, fresh, published_batch
from tests.marketplace.clients import A_NUMBER, A_PSEUDONYM, AN_INSTANT, api, pages_of, problem_of
from tests.marketplace.clients import rows_of as exported
from tests.tasks.restricting import limit, more_gold, restrictions, rule, ruled_batch, say
from workers import skills
from workers.models import Skill, User

pytestmark = pytest.mark.django_db
LIMITING = rule("answers", limit(1), ("count", ">=", 1))


@pytest.fixture
def limited():
    """A worker who may hold one assignment at a time, by a rule."""
    batch, worker = ruled_batch(LIMITING), a_worker()
    end = say(batch, worker, ["cat"])
    restrict.apply_due(now=end)
    return batch, worker


def an_admin():
    return User.objects.create_superuser("root")


def know(worker, project, source, right, answers):
    skills.record(
        project_id=project.pk,
        source=source,
        estimates={worker.pk: estimate(right, answers)},
        now=NOON,
    )


def flagged(batch, worker, kind="ring", evidence=None):
    flags.raise_flag(
        worker_id=worker.pk,
        batch_id=batch.pk,
        kind=kind,
        sentence="Look at each.",
        evidence=evidence or {"observations": 10},
        now=NOON,
    )
    return Flag.objects.get(worker=worker, kind=kind, status="waiting")


# The worker's own page.


def test_a_new_worker_stands_well():
    told = api(a_worker()).get("standing").json()

    assert told == {
        "status": "active", "overall": {}, "skills": [], "restrictions": [], "flags": [],
    }  # fmt: skip


def test_a_worker_sees_what_rules_ask_of_them_in_a_sentence(limited):
    batch, worker = limited

    told = api(worker).get("standing").json()

    assert told["restrictions"] == [
        {
            "id": A_NUMBER,
            "batch": batch.pk,
            "project": batch.project_id,
            "kind": "limit",
            "value": 1.0,
            "sentence": "you have given 1 answer here; for now you can hold 1 task at a time.",
            "made_at": AN_INSTANT,
            "until": AN_INSTANT,
            "lifted_at": None,
        }
    ]


def test_a_worker_sees_their_skill_by_project_and_over_all():
    worker, first, second = a_worker(), a_project(), a_project()
    know(worker, first, Skill.Source.FIT, 9, 10)
    know(worker, second, Skill.Source.FIT, 10, 10)

    told = api(worker).get("standing").json()

    assert {each["project"]: each["skill"]["fit"]["answers"] for each in told["skills"]} == {
        first.pk: 10,
        second.pk: 10,
    }
    assert told["overall"]["fit"] == estimate(19, 20)._asdict()


def test_one_more_gold_answer_does_not_show():
    """Or asking after each submit would tell which of the tasks were gold."""
    worker, project = a_worker(), a_project()
    client = api(worker)

    know(worker, project, Skill.Source.GOLD, 9, 9)
    assert client.get("standing").json()["skills"] == []
    know(worker, project, Skill.Source.GOLD, 30, 30)
    before = client.get("standing").json()
    know(worker, project, Skill.Source.GOLD, 31, 31)

    assert client.get("standing").json() == before
    assert before["overall"]["gold"] == {"estimate": 1.0, "low": 0.9, "high": 1.0, "answers": 30}


def test_a_worker_sees_what_was_decided_about_them_and_not_who_else_is_in_it(limited):
    batch, worker = limited
    evidence = {"observations": 10, "members": ["WCANARY"]}
    flag = flagged(batch, worker, evidence=evidence)
    client = api(worker)
    assert client.get("standing").json()["flags"] == []

    flags.dismiss(flag=flag, reason="A couple.", actor=batch.project.requester, now=NOON)
    told = client.get("standing")

    [shown] = told.json()["flags"]
    assert (shown["kind"], shown["status"], shown["reason"]) == ("ring", "dismissed", "A couple.")
    assert b"CANARY" not in told.content


def test_nobody_sees_another_workers_standing(limited):
    assert api(a_worker()).get("standing").json()["restrictions"] == []


# Appeals.


def test_a_worker_asks_for_a_human_and_the_requester_sees_it(limited):
    batch, worker = limited
    path = f"restrictions/{Restriction.objects.get().pk}/appeal"

    asked = api(worker).post(path, {"message": "The pictures were blurred."})

    assert asked.status_code == 201
    assert (asked.json()["kind"], asked.json()["status"]) == ("appeal", "waiting")
    assert [each["kind"] for each in api(worker).get("standing").json()["flags"]] == ["appeal"]
    [shown] = api(batch.project.requester).get("flags").json()["results"]
    assert shown["evidence"]["message"] == "The pictures were blurred."
    assert problem_of(api(worker).post(path, {"message": "Again."})) == (409, "illegal_transition")


def test_an_appeal_that_is_sent_twice_with_one_key_is_one(limited):
    _, worker = limited
    path, client = f"restrictions/{Restriction.objects.get().pk}/appeal", api(worker)

    answers = [client.post(path, {"message": "m"}, idempotency_key="k") for _ in range(2)]

    assert [each.status_code for each in answers] == [201, 201]
    assert Flag.objects.count() == 1


@pytest.mark.parametrize("body", [{}, {"message": ""}, {"message": "  "}, {"message": 1}])
def test_an_appeal_says_something(limited, body):
    _, worker = limited

    refused = api(worker).post(f"restrictions/{Restriction.objects.get().pk}/appeal", body)

    assert problem_of(refused) == (400, "invalid_request")
    assert not Flag.objects.exists()


# The requester's side.


def test_a_requester_sees_live_restrictions_by_pseudonym_with_their_figures(limited):
    batch, worker = limited

    told = api(batch.project.requester).get(f"batches/{batch.pk}/restrictions").json()

    [shown] = told["results"]
    assert shown["worker"] == Cursor.objects.get(batch=batch, worker=worker).pseudonym
    assert shown["evidence"] == {"count": 1, "observations": 1, "rule": 0}
    assert worker.public_id not in json.dumps(told)


@pytest.mark.parametrize("who", ["requester", "admin"])
def test_a_requester_or_an_admin_lifts_a_restriction(limited, who):
    batch, worker = limited
    human = batch.project.requester if who == "requester" else an_admin()
    path = f"restrictions/{Restriction.objects.get().pk}/lift"

    lifted = api(human).post(path)

    assert (lifted.status_code, lifted.json()["worker"]) == (200, A_PSEUDONYM)
    assert lifted.json()["lifted_at"] == AN_INSTANT
    assert restrictions(worker) == []
    assert Restriction.objects.get().lifted_by == human
    assert problem_of(api(human).post(path)) == (409, "illegal_transition")


def test_flags_are_of_ones_own_batches_and_admins_see_all(limited):
    batch, worker = limited
    other, them = published_batch(tasks=1), a_worker()
    say(other, them, ["cat"])
    flagged(batch, worker)
    flagged(other, them, kind="spam")

    def seen(human):
        return [each["kind"] for each in api(human).get("flags").json()["results"]]

    assert seen(batch.project.requester) == ["ring"]
    assert seen(other.project.requester) == ["spam"]
    assert seen(an_admin()) == ["spam", "ring"]
    assert problem_of(api(a_user()).get("flags")) == (403, "permission_denied")


def test_flags_are_told_page_by_page_under_pseudonyms(limited):
    batch, worker = limited
    for kind in "abc":
        flagged(batch, worker, kind=kind)

    pages = pages_of(api(batch.project.requester), "flags?limit=2")

    assert [[each["kind"] for each in page] for page in pages] == [["c", "b"], ["a"]]
    assert all(each["worker"] == A_PSEUDONYM for page in pages for each in page)


def test_flags_are_filtered_by_status(limited):
    batch, worker = limited
    flags.uphold(flag=flagged(batch, worker), reason="r", actor=an_admin(), now=NOON)
    client = api(batch.project.requester)

    assert client.get("flags").json()["results"] == []
    assert len(client.get("flags?status=upheld").json()["results"]) == 1
    assert problem_of(client.get("flags?status=open")) == (400, "invalid_request")


@pytest.mark.parametrize(("verb", "status"), [("dismiss", "dismissed"), ("uphold", "upheld")])
def test_a_human_decides_with_a_reason(limited, verb, status):
    batch, worker = limited
    flag, client = flagged(batch, worker), api(batch.project.requester)
    path = f"flags/{flag.pk}/{verb}"

    assert problem_of(client.post(path, {"reason": " "})) == (400, "invalid_request")
    decided = client.post(path, {"reason": "I looked."})

    assert (decided.status_code, decided.json()["status"]) == (200, status)
    assert fresh(flag).decided_by == batch.project.requester
    assert problem_of(client.post(path, {"reason": "Again."})) == (409, "illegal_transition")
    assert fresh(worker).is_active
    assert restrictions(worker) == [("limit", 1)]


# Rules of a batch.


def test_a_batch_is_made_with_rules_and_shows_them():
    project = a_project()
    client, path = api(project.requester), f"projects/{project.pk}/batches"

    plain = client.post(path, {"reward": 5}).json()
    ruled = client.post(path, {"reward": 5, "rules": [LIMITING]}).json()
    usual = client.post(path, {"reward": 5, "rules": "default"}).json()

    assert (plain["rules"], ruled["rules"], usual["rules"]) == ([], [LIMITING], defaults.JSON)
    assert client.get(f"batches/{ruled['id']}").json()["rules"] == [LIMITING]


def test_the_rules_of_a_running_batch_are_changed():
    batch = published_batch()
    client = api(batch.project.requester)

    changed = client.put(f"batches/{batch.pk}/rules", {"rules": [LIMITING]})

    assert (changed.status_code, changed.json()["rules"]) == (200, [LIMITING])
    assert fresh(batch).rules == [LIMITING]


SUSPENDING = rule("gold", {"action": "suspend"}, ("answers", ">=", 100))


@pytest.mark.parametrize(
    ("rules", "place"),
    [
        ([SUSPENDING], "rules[0].then.action"),
        ([rule("mood", more_gold(), ("answers", ">=", 5))], "rules[0].collector"),
        ("usual", "rules"),
    ],
)
def test_rules_that_cannot_be_read_are_refused_at_their_place(rules, place):
    batch = published_batch()
    client = api(batch.project.requester)

    refused = client.put(f"batches/{batch.pk}/rules", {"rules": rules})

    assert problem_of(refused) == (422, "invalid_rules")
    assert refused.json()["detail"].startswith(place)
    assert fresh(batch).rules == []


# The workers of a batch.


def test_the_workers_of_a_batch_are_told_with_what_is_live_and_what_waits(limited):
    batch, worker = limited
    flagged(batch, worker)
    know(worker, batch.project, Skill.Source.FIT, 20, 25)

    [row] = exported(api(batch.project.requester).get(f"batches/{batch.pk}/workers"))

    assert (row["restrictions"], row["flags"]) == (["limit"], ["ring"])
    assert row["overall"] == {"fit": {"estimate": 0.79, "low": 0.62, "high": 0.92, "answers": 20}}
    assert "of" not in row


def test_few_answers_are_no_overall_skill(limited):
    batch, worker = limited
    know(worker, batch.project, Skill.Source.FIT, 9, 9)

    [row] = exported(api(batch.project.requester).get(f"batches/{batch.pk}/workers"))

    assert row["overall"] == {}
    assert row["skill"]["fit"]["answers"] == 9


def test_another_requesters_figures_cannot_be_told_from_the_pool(limited):
    batch, worker = limited
    know(worker, batch.project, Skill.Source.FIT, 10, 10)
    client, path = api(batch.project.requester), f"batches/{batch.pk}/workers"

    def answers():
        return exported(client.get(path))[0]["overall"]["fit"]["answers"]

    know(worker, a_project(requester=a_requester()), Skill.Source.FIT, 10, 100)
    assert answers() == 10
    know(worker, a_project(requester=a_requester()), Skill.Source.FIT, 10, 100)
    assert answers() == 210


def test_the_lists_of_a_worker_are_bounded(limited, monkeypatch):
    _, worker = limited
    monkeypatch.setattr(standing, "SHOWN_MOST", 1)
    for _ in range(3):
        know(worker, a_project(), Skill.Source.FIT, 10, 10)

    assert len(api(worker).get("standing").json()["skills"]) == 1
