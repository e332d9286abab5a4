"""Tokens: kept as digests, found in one query, refused from the moment they are revoked."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from django.core.exceptions import FieldDoesNotExist
from django.db import IntegrityError, connection, transaction
from django.test import Client

from marketplace.api import keys
from marketplace.models import ApiKey
from tests.factories import (
    CATS_OR_DOGS,
    HOUR,
    MINUTE,
    NOON,
    a_requester,
    a_user,
    a_worker,
    published_batch,
)
from tests.marketplace.clients import Api, api, problem_of, text_of
from workers.models import User, Worker

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


def every_text_in_the_database():
    """All rows of all tables, as text."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT quote_ident(table_name) FROM information_schema.tables"
            " WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        )
        tables = [name for (name,) in cursor.fetchall()]
        texts = []
        for table in tables:
            cursor.execute(f"SELECT coalesce(string_agg(t::text, '\n'), '') FROM {table} t")
            texts.append(cursor.fetchone()[0])
    return "\n".join(texts)


# Making and keeping


def test_a_key_shows_its_token_once_and_keeps_a_digest():
    user = a_user()

    key, token = keys.make(user=user, name="laptop", now=NOON)

    assert token.startswith("cw_")
    assert len(token) >= 43
    kept = ApiKey.objects.get()
    assert (kept.pk, kept.user, kept.name, kept.prefix) == (key.pk, user, "laptop", token[:10])
    assert bytes(kept.digest) == hashlib.sha256(token.encode()).digest()
    assert (kept.created_at, kept.last_used_at, kept.expires_at, kept.revoked_at) == (
        NOON,
        None,
        None,
        None,
    )


def test_two_keys_are_never_the_same():
    user = a_user()

    assert len({keys.make(user=user, name="k", now=NOON)[1] for _ in range(100)}) == 100


def test_a_token_is_found_nowhere_after_it_was_used(caplog, capsys):
    batch = published_batch(tasks=1)
    owner, worker = api(batch.project.requester), api(a_worker())
    tokens = [owner.token, worker.token]

    said = [
        owner.post("projects", {"title": "t", "interface": CATS_OR_DOGS}, idempotency_key="k"),
        owner.get("batches"),
        owner.get(f"batches/{batch.pk}/answers?format=csv"),
        worker.post(f"batches/{batch.pk}/claim", idempotency_key="k"),
        worker.get("nowhere"),
        Api(owner.token + "x").get("batches"),
    ]
    printed = capsys.readouterr()

    everything = [
        *(text_of(each) + str(each.headers) for each in said),
        every_text_in_the_database(),
        caplog.text,
        printed.out,
        printed.err,
    ]
    for token in tokens:
        assert ApiKey.objects.filter(prefix=token[:10]).exists()
        for text in everything:
            assert token[10:] not in text


def test_a_key_that_was_never_to_work_cannot_be_made():
    user = a_user()

    with pytest.raises(IntegrityError), transaction.atomic():
        keys.make(user=user, name="k", now=NOON, expires_at=NOON)
    with pytest.raises(IntegrityError), transaction.atomic():
        keys.make(user=user, name="", now=NOON)
    assert not ApiKey.objects.exists()


# Finding


def test_a_token_finds_its_user_with_every_role_as_it_is():
    for roles in (
        {},
        {"requester": True},
        {"worker": True},
        {"requester": True, "worker": True, "country": "DE"},
    ):
        user = a_user(**roles)
        _, token = keys.make(user=user, name="k", now=NOON)

        found = keys.find(token, now=NOON)

        assert found.user == user
        for field in User._meta.concrete_fields:
            assert getattr(found.user, field.attname) == getattr(user, field.attname), field
        assert found.user.is_requester is roles.get("requester", False)
        assert (found.user.is_staff, found.user.is_superuser, found.user.is_active) == (
            False,
            False,
            True,
        )
        worker = Worker.objects.filter(user=user).first()
        assert found.user.worker_or_none == worker
        if worker:
            for field in Worker._meta.concrete_fields:
                theirs = getattr(found.user.worker, field.attname)
                assert theirs == getattr(worker, field.attname), field
            assert found.user.worker.user is found.user


def test_an_admins_token_finds_an_admin():
    admin = User.objects.create_superuser("root", password="correct horse battery")
    _, token = keys.make(user=admin, name="k", now=NOON)

    found = keys.find(token, now=NOON).user

    assert (found.is_staff, found.is_superuser, found.is_requester) == (True, True, False)
    assert found.username == "root"


def test_a_caller_is_looked_up_in_one_query(django_assert_num_queries):
    worker = a_worker()
    _, token = keys.make(user=worker.user, name="k", now=NOON)
    keys.find(token, now=NOON)

    with django_assert_num_queries(1):
        found = keys.find(token, now=NOON + MINUTE)
        assert found.user.worker.public_id == worker.public_id
        assert (found.user.is_requester, found.user.person_id, found.user.username) == (
            False,
            worker.user.person_id,
            worker.user.username,
        )
        assert found.user.worker.user.person_id == worker.user.person_id


@pytest.mark.parametrize("field", [*keys.USER, *keys.WORKER])
def test_what_is_looked_up_is_in_the_models(field):
    """Under the names that the database knows, too."""
    found = []
    for model in User, Worker:
        try:
            found.append(
                model._meta.get_field(field.removesuffix("_id") if field != "id" else field)
            )
        except FieldDoesNotExist:
            found += [f for f in model._meta.concrete_fields if f.attname == field]
    assert any(each.column == field for each in found)


def test_last_use_is_noted_once_an_hour():
    _, token = keys.make(user=a_user(), name="k", now=NOON)
    noted = []

    for after in (SECOND, MINUTE, HOUR - SECOND, HOUR, HOUR + SECOND, HOUR + MINUTE, 3 * HOUR):
        keys.find(token, now=NOON + after)
        noted.append(ApiKey.objects.get().last_used_at - NOON)

    assert noted == [
        SECOND, SECOND, SECOND, SECOND, HOUR + SECOND, HOUR + SECOND, 3 * HOUR,
    ]  # fmt: skip


# Refusing


def test_a_revoked_key_is_refused_at_the_next_request():
    requester = a_requester()
    client = api(requester)
    assert client.get("projects").status_code == 200

    keys.revoke(key=ApiKey.objects.get(), now=NOON)

    assert problem_of(client.get("projects")) == (401, "authentication_failed")


def test_revoking_again_changes_nothing():
    key, _ = keys.make(user=a_user(), name="k", now=NOON)

    keys.revoke(key=key, now=NOON)
    keys.revoke(key=key, now=NOON + HOUR)

    assert ApiKey.objects.get().revoked_at == NOON


def test_a_key_works_until_the_instant_it_expires():
    _, token = keys.make(user=a_user(), name="k", now=NOON, expires_at=NOON + HOUR)

    assert keys.find(token, now=NOON + HOUR - SECOND)
    assert keys.find(token, now=NOON + HOUR) is None
    assert problem_of(Api(token).get("payouts")) == (401, "authentication_failed")


def test_a_deactivated_accounts_keys_are_refused():
    user = a_requester()
    client = api(user)
    User.objects.filter(pk=user.pk).update(is_active=False)

    assert problem_of(client.get("projects")) == (401, "authentication_failed")


def test_a_role_that_is_taken_away_is_gone_at_the_next_request():
    user = a_requester()
    client = api(user)
    User.objects.filter(pk=user.pk).update(is_requester=False)

    assert problem_of(client.get("projects")) == (403, "permission_denied")


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "not_authenticated"),
        ("", "not_authenticated"),
        ("Basic dXNlcjpwYXNz", "not_authenticated"),
        ("Token {}", "not_authenticated"),
        ("Bearer{}", "not_authenticated"),
        ("{}", "not_authenticated"),
        ("Bearer", "authentication_failed"),
        ("Bearer ", "authentication_failed"),
        ("Bearer x{}", "authentication_failed"),
        ("Bearer {}x", "authentication_failed"),
        ("Bearer {} x", "authentication_failed"),
        ("Bearer {},Bearer {}", "authentication_failed"),
        ("Bearer \xff\xfe", "authentication_failed"),
        ("Bearer \0", "authentication_failed"),
        ("Bearer cw_" + "\u00e9" * 40, "authentication_failed"),
        ("Bearer " + "x" * 100_000, "authentication_failed"),
        ("Bearer ' OR 1=1 --", "authentication_failed"),
        ("\xff\xfe \0", "not_authenticated"),
    ],
)
def test_whoever_shows_no_valid_token_is_told_how(header, code):
    _, token = keys.make(user=a_requester(), name="k", now=NOON)
    headers = {} if header is None else {"Authorization": header.replace("{}", token)}

    refused = Client(headers=headers).get("/api/v1/projects")

    assert problem_of(refused) == (401, code)
    assert refused.headers["WWW-Authenticate"] == 'Bearer realm="crowdwright"'


@pytest.mark.parametrize("header", ["Bearer {}", "bearer {}", "BEARER {}", "Bearer   {} "])
def test_the_scheme_is_read_in_any_case(header):
    _, token = keys.make(user=a_requester(), name="k", now=NOON)

    welcome = Client(headers={"Authorization": header.format(token)}).get("/api/v1/projects")

    assert welcome.status_code == 200


# The session of our own pages


def test_somebody_logged_in_on_the_pages_may_read():
    requester = a_requester()
    browser = Client()
    browser.force_login(requester)

    assert browser.get("/api/v1/projects").status_code == 200
    assert browser.get("/api/v1/earnings").status_code == 403


def test_a_session_writes_only_with_the_pages_token():
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(a_requester())
    said = {"title": "t", "interface": CATS_OR_DOGS}

    forged = browser.post("/api/v1/projects", said, content_type="application/json")
    browser.get("/account/tokens")
    csrf = browser.cookies["csrftoken"].value
    honest = browser.post(
        "/api/v1/projects", said, content_type="application/json", headers={"X-CSRFToken": csrf}
    )

    assert problem_of(forged) == (403, "permission_denied")
    assert honest.status_code == 201


def test_a_token_counts_for_more_than_a_session():
    requester, worker = a_requester(), a_worker()
    _, token = keys.make(user=worker.user, name="k", now=NOON)
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(requester)

    refused = browser.get("/api/v1/projects", headers={"Authorization": f"Bearer {token}"})
    wrong = browser.get("/api/v1/projects", headers={"Authorization": "Bearer cw_x"})

    assert problem_of(refused) == (403, "permission_denied")
    assert problem_of(wrong) == (401, "authentication_failed")
