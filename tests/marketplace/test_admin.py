"""The operator's pages: everything can be seen, nothing edited, and actions call verbs."""

from __future__ import annotations

import json

import pytest
from allauth.account.models import EmailAddress
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from marketplace.admin.look import LargeAdmin, LookOnly
from marketplace.api import keys
from marketplace.models import ApiKey, Heartbeat, StoredResponse
from payments import incidents, payouts, provider, refunds, rollups, seals
from payments.models import Watermark
from payments.play import world
from tasks import aggregate, answer, progress, settle
from tasks.aggregation.skill import estimate
from tasks.models import (
    Assignment,
    Batch,
    Flag,
    Forecast,
    Prediction,
    Predictor,
    Provenance,
    Rating,
    RequesterRecord,
    Restriction,
    Return,
    Review,
    Task,
    TaskInput,
    TopUp,
    Wage,
)
from tasks.rows import Row
from tests.factories import (
    HOUR,
    NOON,
    a_requester,
    a_user,
    a_worker,
    claim,
    floor,
    published_batch,
    submitted,
    usd,
)
from tests.marketplace.operators import log_in_operator, page
from tests.payments.stripe_world import Bank, connected, funded
from tests.tasks.hearings.hearing import appealed, votes
from tests.workers.voting import in_office
from workers import decisions, people, qualify, skills, standing, terms
from workers.models import Ballot, Block, Decision, Event, Post, Skill, User

pytestmark = pytest.mark.django_db
MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
OURS = ["workers", "payments", "tasks", "marketplace"]
PAGES = pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)


def a_marketplace():
    """At least one row of every model; called again, at least one more."""
    batch = published_batch(tasks=3, gold=1, gold_rate=0.2, aggregation="majority_vote")
    requester, worker = batch.project.requester, a_worker()
    submitted(batch, worker=worker)
    claim(batch)
    aggregate.aggregate(batch=batch, now=NOON)
    skills.record(
        project_id=batch.project_id,
        source=Skill.Source.FIT,
        estimates={worker.pk: estimate(8, 10)},
        now=NOON,
    )
    progress.count(batch_id=batch.pk, now=NOON)
    settle.accept_all(batch=batch, assignment_ids=None, actor=requester, now=NOON)
    settle.pay_accepted(now=NOON)
    payouts.request(owner_id=worker.user_id, amount=usd(5), now=NOON)
    kind = qualify.define(requester=requester, name="Reads French", now=NOON)
    qualify.grant(type=kind, worker=worker, value=1, now=NOON, actor=requester)
    Block.objects.create(requester=requester, worker=worker, direction="worker", created_at=NOON)
    people.link(kept=a_user().person, absorbed=a_user().person, now=NOON, actor=None)
    keys.make(user=requester, name="script", now=NOON)
    EmailAddress.objects.create(user=requester, email=f"{requester.username}@example.org")
    StoredResponse.objects.create(user=requester, key="k", fingerprint="f", created_at=NOON)
    Heartbeat.objects.create(job=f"job {requester.pk}", finished_at=NOON)
    the_night_comes(requester)
    what_the_bank_says(requester, worker)
    what_came_of(batch, worker)
    what_binds(worker)
    what_was_heard(worker)
    what_was_paid(batch, worker)
    return batch


def what_was_paid(batch, worker):
    requester = batch.project.requester
    Wage.objects.create(batch=batch, look_after=NOON)
    about = {"batch": batch, "worker": worker}
    TopUp.objects.create(**about, rule="job", number=1, reserve_minor=5, inputs={}, made_at=NOON)
    handed_back = claim(published_batch(tasks=1))
    answer.skip(assignment=handed_back, code=Return.Reason.BROKEN, now=NOON)
    marks = dict.fromkeys(["fairness", "pay", "speed", "communication"], 4)
    Rating.objects.create(**about, requester=requester, made_at=NOON, **marks)
    RequesterRecord.objects.create(requester=requester, computed_at=NOON)


def what_was_heard(worker):
    """A rejection before a jury, and an appeal against a suspension."""
    votes(appealed(published_batch(tasks=1)), "overturn")
    standing.suspend(worker=worker, reason="Copied.", now=NOON, actor=a_user())
    decisions.appeal(decision=Decision.objects.latest("pk"), message="No.", now=NOON)


def the_night_comes(requester):
    rollups.roll_up(NOON)
    seals.seal(NOON)
    incidents.raise_incident("lost", f"transfer {requester.pk}", {}, NOON)
    floor(jurisdiction=f"US-{requester.pk}")


def what_the_bank_says(requester, worker):
    """A deposit of which a part was sent back, and which is disputed; an account; news."""
    bank = Bank(store=provider.play_server().state.store)
    funding = funded(bank, 1000, owner=requester)
    refunds.withdraw(owner_id=requester.pk, amount=usd(1), now=bank.now)
    bank.run(2)
    connected(bank, worker.user)
    world.open_dispute(bank.server, funding.charge_id)
    bank.run(2)
    Watermark.objects.get_or_create(pk=f"list {requester.pk}", position="x", at=NOON)


def what_binds(worker):
    terms.load_shipped(NOON)
    latest = terms.publish(
        text="t", summary="s", effective_at=NOON + terms.NOTICE, published_by=None, now=NOON
    )
    terms.consent(user=worker.user, version=latest.version, now=NOON)
    in_office(worker, "representative")


def what_came_of(batch, worker):
    task = Task.objects.filter(batch=batch).first()
    about = {"batch": batch, "task": task}
    Review.objects.create(
        **about, reason="uncertain", confidence=0.5, proposal={"label": "cat"}, created_at=NOON
    )
    model = Predictor.objects.create(
        project=batch.project, name="m", version="1", kind="pushed", created_at=NOON
    )
    said = {"label": "cat"}
    Prediction.objects.create(predictor=model, task=task, value=said, created_at=NOON)
    Forecast.objects.create(batch=batch, basis="pilot", data={}, made_at=NOON)
    zeros = bytes(32)
    Provenance.objects.create(
        **about, number=1, record={}, previous=zeros, sha256=zeros, created_at=NOON
    )
    whom = {"batch": batch, "worker": worker, "sentence": "s", "evidence": {}, "made_at": NOON}
    Restriction.objects.create(**whom, kind="limit", value=2, until=NOON + HOUR)
    Flag.objects.create(**whom, kind="ring")


@pytest.fixture
def operator(client):
    return log_in_operator(client)


def test_every_model_of_ours_has_its_pages():
    ours = {model for app in OURS for model in apps.get_app_config(app).get_models()}

    # What workers say and vote among themselves is nobody's to look at.
    assert ours - set(MODELS) == {Ballot, Post}


def test_no_page_of_the_admin_edits_rows():
    assert all(isinstance(each, LookOnly) for each in admin.site._registry.values())


def test_the_front_page_names_every_model(client, operator):
    shown = client.get("/admin/").content.decode()

    assert [model for model in MODELS if page(model, "changelist") not in shown] == []


def test_every_list_and_every_row_can_be_seen(client, operator):
    a_marketplace()

    failed = [
        (url, client.get(url).status_code)
        for model in MODELS
        for url in (
            page(model, "changelist"),
            page(model, "changelist") + "?q=1",
            page(model, "changelist") + "?q=name",
            page(model, "change", model.objects.latest("pk").pk),
        )
        if client.get(url).status_code != 200
    ]

    assert failed == []


def test_a_list_costs_as_many_queries_however_many_rows_it_shows(client, operator):
    def costs():
        found = {}
        for model in MODELS:
            with CaptureQueriesContext(
                connection,
            ) as queries:
                client.get(page(model, "changelist"))
            found[model] = len(queries)
        return found

    a_marketplace()
    costs()
    before, rows_before = costs(), {model: model.objects.count() for model in MODELS}
    a_marketplace()

    assert costs() == before
    assert all(model.objects.count() > rows_before[model] for model in MODELS)


@PAGES
def test_nobody_else_sees_a_list(client, model):
    client.force_login(a_requester())

    answer = client.get(page(model, "changelist"))

    assert (answer.status_code, answer.url.partition("?")[0]) == (302, "/admin/login/")


def test_who_is_not_logged_in_is_sent_to_the_pages_that_count_attempts(client):
    answer = client.get(client.get("/admin/").url)

    assert (answer.status_code, answer.url.partition("?")[0]) == (302, reverse("account_login"))


def test_who_is_no_operator_is_told_so(client):
    client.force_login(a_requester())

    assert client.get("/admin/login/").status_code == 403


def test_nothing_can_be_added_changed_or_deleted(client, operator):
    a_marketplace()

    answers = {}
    for model in MODELS:
        pk = model.objects.latest("pk").pk
        for url in (page(model, "add"), page(model, "change", pk), page(model, "delete", pk)):
            answers[url] = client.post(url, {"post": "yes"}).status_code

    assert set(answers.values()) == {403}


@pytest.mark.parametrize("secret", ["password", "digest", "sha256"])
def test_secrets_are_on_no_page(client, operator, secret):
    pages = admin.site._registry.values()

    assert [each for each in pages if secret in each.get_fields(None)] == []


def test_a_key_and_a_user_show_neither_digest_nor_password(client, operator):
    key, _ = keys.make(user=operator, name="script", now=NOON)
    operator.set_password("correct horse battery")
    operator.save()

    shown = client.get(page(ApiKey, "change", key.pk)).content.decode()
    shown += client.get(page(User, "change", operator.pk)).content.decode()

    assert key.digest.hex() not in shown
    assert "argon2" not in shown


def test_large_tables_are_counted_only_as_far_as_they_are_shown(client, operator, monkeypatch):
    monkeypatch.setattr("marketplace.admin.look.COUNT_MAX", 2)
    published_batch(tasks=5)

    with CaptureQueriesContext(connection) as queries:
        answer = client.get(page(Task, "changelist"))

    assert answer.context["cl"].result_count == 2
    counts = [
        each["sql"] for each in queries if "COUNT(" in each["sql"] and "tasks_task" in each["sql"]
    ]
    assert counts
    assert all("LIMIT 2" in sql for sql in counts)


def test_a_list_shows_only_the_opening_of_what_may_be_long(client, operator):
    long = {"image": "x" * 500 + ".png"}
    published_batch(tasks=[Row(input=json.dumps(long)), Row(input='{"image": "1.png"}')])

    shown = client.get(page(TaskInput, "changelist")).content.decode()

    assert ".png" in client.get(page(TaskInput, "change", TaskInput.objects.first().pk)).text
    assert "xxx…" in shown
    assert shown.count(".png") == 1


LARGE = ["Answer", "Assignment", "Consensus", "Event", "Gold", "Task", "TaskInput", "Transfer"]


@pytest.mark.parametrize("name", LARGE)
def test_tables_that_grow_with_the_answers_are_large(name):
    [pages] = [each for model, each in admin.site._registry.items() if model.__name__ == name]

    assert isinstance(pages, LargeAdmin)
    assert not pages.show_full_result_count
    assert pages.show_facets == admin.ShowFacets.NEVER
    assert not pages.date_hierarchy  # its years and days would be read from all rows


def found(client, model, query):
    return list(client.get(page(model, "changelist"), {"q": query}).context["cl"].queryset)


def test_large_tables_are_searched_by_number_and_by_whole_names(client, operator):
    batch = published_batch(tasks=2)
    worker = a_worker()
    assignment = claim(batch, worker)
    claim(batch)

    assert found(client, Assignment, str(assignment.pk)) == [assignment]
    assert found(client, Assignment, f" {worker.public_id} ") == [assignment]
    assert found(client, Assignment, worker.public_id[:5]) == []
    assert found(client, Task, "name") == []
    assert {each.kind for each in found(client, Event, f"batch {batch.pk}")} == {"batch_published"}


def test_a_row_leads_on_to_the_rows_that_refer_to_it(client, operator):
    batch = published_batch(tasks=2)
    published_batch()

    shown = client.get(page(Batch, "change", batch.pk))

    url = f"{page(Task, 'changelist')}?batch={batch.pk}"
    assert url in shown.content.decode()
    assert set(client.get(url).context["cl"].queryset) == set(batch.tasks.all())
    events = client.get(f"{page(Event, 'changelist')}?subject_kind=batch&subject_id={batch.pk}")
    assert events.context["cl"].result_count == 1
