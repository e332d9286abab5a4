"""Signing up, logging in and out, passwords, tokens: the pages of an account."""

from __future__ import annotations

import re
import threading

import pytest
from django.core import mail
from django.core.cache import cache
from django.db import connection, transaction
from django.test import Client

from tests.marketplace.visitors import NOON, PASSWORD, ana, signed_in, text_of
from tests.tasks.sessions import wait_for_a_lock
from workers import people
from workers.models import Person, User, Worker

pytestmark = pytest.mark.django_db
__all__ = ["ana", "signed_in"]  # fixtures
FORM = {
    "purpose": "work",
    "username": "Ana",
    "email": "ana@example.org",
    "password1": PASSWORD,
    "country": "DE",
}


@pytest.fixture(autouse=True)
def _fresh_rate_limits(settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    cache.clear()


def log_in(client, login="ana", password=PASSWORD, **extra):
    return client.post("/account/login/", {"login": login, "password": password, **extra})


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/account/login/",
        "/account/signup/",
        "/account/password/reset/",
        "/account/password/reset/done/",
        "/account/password/reset/key/done/",
        "/account/password/reset/key/1-nonsense/",
        "/account/confirm-email/",
        "/account/confirm-email/nonsense/",
        "/account/inactive/",
    ],
)
def test_these_pages_are_open_to_everybody(client, path):
    response = client.get(path)

    assert response.status_code == 200
    page = response.content.decode()
    assert '<html lang="en">' in page
    assert page.count("<main") == page.count("<h1") == 1
    assert '<a class="skip" href="#main">' in page


@pytest.mark.parametrize(
    "path",
    [
        "/account/tokens",
        "/account/email/",
        "/account/password/change/",
        "/account/reauthenticate/",
        "/account/logout/",
    ],
)
def test_these_pages_are_for_who_is_logged_in(client, signed_in, path):
    assert signed_in.get(path).status_code == 200
    client.logout()

    assert client.get(path).status_code == 302


@pytest.mark.parametrize("path", ["/", "/account/login/", "/account/signup/", "/account/tokens"])
def test_pages_carry_no_inline_style_or_script(signed_in, path):
    for visitor in (signed_in, Client()):
        page = visitor.get(path, follow=True).content.decode()

        assert "<style" not in page
        assert "<script" not in page
        assert not re.search(r"\s(style|on[a-z]+)=", page)


@pytest.mark.parametrize(
    ("purpose", "works", "posts"),
    [("work", True, False), ("post", False, True), ("both", True, True)],
)
def test_signing_up_makes_a_person_with_the_roles_chosen(client, purpose, works, posts):
    response = client.post("/account/signup/", {**FORM, "purpose": purpose})

    assert response.status_code == 302
    user = User.objects.get()
    assert user.username == "ana"
    assert user.email == "ana@example.org"
    assert user.check_password(PASSWORD)
    assert user.person == Person.objects.get()
    assert bool(user.worker_or_none) is works
    assert user.is_requester is posts
    assert not user.is_staff
    assert client.get("/").wsgi_request.user == user


def test_a_worker_says_where_they_live_or_does_not(client):
    client.post("/account/signup/", FORM)
    Client().post(
        "/account/signup/",
        {**FORM, "username": "bo", "email": "bo@example.org", "country": ""},
    )

    assert Worker.objects.get(user__username="ana").country == "DE"
    assert Worker.objects.get(user__username="bo").country == ""


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"username": "a b"}, "Use letters, digits and . + - _ only."),
        ({"username": "ana\u202e"}, "Use letters, digits and . + - _ only."),
        ({"username": ""}, "This field is required."),
        ({"username": "x" * 151}, "at most 150 characters"),
        ({"email": "ana"}, "Enter a valid email address."),
        ({"password1": "short"}, "This password is too short."),
        ({"password1": "password"}, "This password is too common."),
        ({"purpose": "rule"}, "Select a valid choice."),
        ({"country": "XX"}, "Select a valid choice."),
    ],
)
def test_a_form_that_is_wrong_comes_back_with_what_to_change(client, wrong, said):
    response = client.post("/account/signup/", {**FORM, **wrong})

    assert response.status_code == 200
    assert said in text_of(response)
    assert 'aria-invalid="true"' in response.content.decode()
    assert not User.objects.exists()


@pytest.mark.parametrize("username", ["ana", "ANA", "\uff41na"])
def test_a_username_that_looks_like_somebodys_is_taken(client, ana, username):
    response = client.post(
        "/account/signup/", {**FORM, "username": username, "email": "other@example.org"}
    )

    assert "already exists" in text_of(response)
    assert User.objects.get() == ana


def test_signing_up_cannot_make_an_admin(client):
    client.post("/account/signup/", {**FORM, "is_staff": "1", "is_superuser": "1"})

    user = User.objects.get()
    assert not user.is_staff
    assert not user.is_superuser


@pytest.mark.django_db(transaction=True)
def test_who_loses_the_race_for_a_username_sees_the_form_again(client):
    pages = []

    def sign_up():
        try:
            pages.append(client.post("/account/signup/", FORM))
        finally:
            connection.close()

    with transaction.atomic():
        people.register(username="ana", now=NOON)
        losing = threading.Thread(target=sign_up)
        losing.start()
        wait_for_a_lock()
    losing.join()

    assert "Somebody already has this username" in text_of(pages[0])
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    "login", ["ana", "ANA", "\u24d0na", " ana ", "ana@example.org", "Ana@Example.org"]
)
def test_one_logs_in_with_any_spelling_of_username_or_email(client, ana, login):
    response = log_in(client, login)

    assert (response.status_code, response.url) == (302, "/")
    assert client.get("/").wsgi_request.user == ana


@pytest.mark.parametrize(
    ("known", "unknown"), [("ana", "eve"), ("ana@example.org", "eve@example.org")]
)
def test_a_wrong_password_says_the_same_for_known_and_unknown_users(client, ana, known, unknown):
    said = [text_of(log_in(client, login, "wrong")) for login in (known, unknown)]

    assert said[0] == said[1]
    assert "not correct" in said[0]
    assert not client.get("/").wsgi_request.user.is_authenticated


def test_after_five_wrong_passwords_the_right_one_waits_in_every_spelling(client, ana):
    for login in ["ana", "ANA", "\u24d0na", "Ana", "anA"]:
        log_in(client, login, "wrong")

    assert "Too many failed login attempts" in text_of(log_in(client, "ana"))


def test_an_inactive_user_is_turned_away(client, ana):
    User.objects.update(is_active=False)

    assert log_in(client).url == "/account/inactive/"


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "https://evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "https:evil.example",
    ],
)
def test_logging_in_never_leads_elsewhere(client, ana, target):
    assert log_in(client, next=target).url == "/"


def test_logging_in_leads_back_to_the_page_that_asked_for_it(client, ana):
    asked = client.get("/account/tokens")
    page = client.get(asked.url).content.decode()

    assert '<input type="hidden" name="next" value="/account/tokens">' in page
    assert log_in(client, next="/account/tokens").url == "/account/tokens"


def test_the_session_is_another_after_logging_in(client, ana):
    client.get("/account/login/")
    before = client.session.session_key

    log_in(client)

    assert client.session.session_key != before


@pytest.mark.parametrize(
    "path",
    [
        "/account/login/",
        "/account/signup/",
        "/account/logout/",
        "/account/password/change/",
        "/account/password/reset/",
        "/account/email/",
        "/account/tokens",
        "/account/tokens/1/revoke",
    ],
)
def test_a_form_from_another_site_is_refused(ana, path):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ana)

    response = strict.post(path, FORM)

    assert response.status_code == 403
    assert "This is not allowed" in text_of(response)


def test_logging_out_ends_the_session(signed_in):
    response = signed_in.post("/account/logout/", follow=True)

    assert "You are logged out." in text_of(response)
    assert not response.wsgi_request.user.is_authenticated


def test_looking_at_the_log_out_page_does_not_log_out(signed_in, ana):
    signed_in.get("/account/logout/")

    assert signed_in.get("/").wsgi_request.user == ana


def test_changing_the_password_ends_every_other_session(signed_in, ana):
    elsewhere = Client()
    elsewhere.force_login(ana)

    response = signed_in.post(
        "/account/password/change/",
        {
            "oldpassword": PASSWORD,
            "password1": "another long phrase",
            "password2": "another long phrase",
        },
        follow=True,
    )

    assert "Your password is changed." in text_of(response)
    assert User.objects.get().check_password("another long phrase")
    assert signed_in.get("/account/tokens").status_code == 200
    assert elsewhere.get("/account/tokens").status_code == 302


def test_a_forgotten_password_is_reset_by_a_link_that_works_once(client, ana):
    client.post("/account/password/reset/", {"email": "ANA@example.org"})
    link = re.search(r"https?://[^/]+(/\S+)", mail.outbox[0].body)[1]

    form = client.get(link, follow=True)
    new = {"password1": "another long phrase", "password2": "another long phrase"}
    client.post(form.redirect_chain[-1][0], new)

    assert log_in(client, password="another long phrase").status_code == 302
    assert "This link no longer works" in text_of(Client().get(link))


def test_a_password_reset_says_the_same_for_known_and_unknown_addresses(client, ana):
    said = [
        text_of(client.post("/account/password/reset/", {"email": address}, follow=True))
        for address in ("ana@example.org", "eve@example.org")
    ]

    assert said[0] == said[1]
    assert "If an account has this address" in said[0]


def test_an_address_is_confirmed_by_the_link_that_was_mailed(client):
    client.post("/account/signup/", FORM)
    link = re.search(r"https?://[^/]+(/account/confirm-email/\S+)", mail.outbox[0].body)[1]
    assert client.get(link).status_code == 200

    client.post(link)

    assert User.objects.get().emailaddress_set.get().verified
