"""The front page, and the page of API tokens."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from marketplace.api import keys
from marketplace.models import ApiKey
from tests.marketplace.visitors import NOON, ana, signed_in, text_of
from workers import people

pytestmark = pytest.mark.django_db
__all__ = ["ana", "signed_in"]  # fixtures


def test_the_front_page_says_what_this_is_and_where_to_start(client):
    response = client.get("/")

    assert "a marketplace for small tasks that need a human eye" in text_of(response)
    page = response.content.decode()
    for link in ("/account/login/", "/account/signup/", "/api/docs"):
        assert f'href="{link}"' in page


@pytest.mark.parametrize(
    ("roles", "admin", "said"),
    [
        ({"worker": True}, False, "Pick work that suits you."),
        ({"requester": True}, False, "Post a job"),
        ({"worker": True, "requester": True}, False, "never both on the same job"),
        ({}, False, "Your account is ready."),
        ({"requester": True}, True, "You look after this marketplace"),
    ],
)
def test_everybody_is_greeted_by_their_role(client, roles, admin, said):
    user = people.register(username="ana", now=NOON, **roles)
    user.is_staff = admin
    user.save()
    client.force_login(user)

    page = text_of(client.get("/"))

    assert "Hello, ana." in page
    assert said in page


def test_a_new_token_is_shown_once_and_works(signed_in, ana):
    response = signed_in.post("/account/tokens", {"name": "laptop"})

    token = re.search("<code>(cw_[^<]+)</code>", response.content.decode())[1]
    assert keys.find(token, now=NOON).user == ana
    assert ApiKey.objects.get().name == "laptop"
    assert "no-store" in response["Cache-Control"]
    again = signed_in.get("/account/tokens")
    assert token not in again.content.decode()
    assert "laptop" in text_of(again)


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\0b"])
def test_a_token_needs_a_name_one_can_read(signed_in, name):
    response = signed_in.post("/account/tokens", {"name": name})

    assert response.status_code == 200
    assert 'aria-invalid="true"' in response.content.decode()
    assert not ApiKey.objects.exists()


def test_a_revoked_token_stops_working_and_leaves_the_list(signed_in, ana):
    key, token = keys.make(user=ana, name="laptop", now=NOON)

    response = signed_in.post(f"/account/tokens/{key.pk}/revoke", follow=True)

    assert keys.find(token, now=NOON) is None
    assert "The token “laptop” no longer works. " in text_of(response)
    assert "None yet." in text_of(response)


def test_somebody_elses_token_does_not_exist(signed_in):
    other = people.register(username="bo", now=NOON)
    key, token = keys.make(user=other, name="theirs", now=NOON)

    assert "theirs" not in text_of(signed_in.get("/account/tokens"))
    assert signed_in.post(f"/account/tokens/{key.pk}/revoke").status_code == 404
    assert signed_in.post(f"/account/tokens/{key.pk + 1}/revoke").status_code == 404
    assert signed_in.post(f"/account/tokens/{'9' * 30}/revoke").status_code == 404
    assert keys.find(token, now=NOON)


def test_a_token_is_not_revoked_by_looking(signed_in, ana):
    key, token = keys.make(user=ana, name="laptop", now=NOON)

    assert signed_in.get(f"/account/tokens/{key.pk}/revoke").status_code == 405
    assert keys.find(token, now=NOON)


def test_a_name_is_shown_as_text_whatever_it_contains(signed_in, ana):
    keys.make(user=ana, name="<img src=x onerror=alert(1)>", now=NOON)

    page = signed_in.get("/account/tokens").content.decode()

    assert "<img" not in page
    assert "&lt;img src=x" in page


def test_a_page_that_does_not_exist_says_so_and_leads_back(client):
    response = client.get("/no/such/page")

    assert response.status_code == 404
    assert "There is nothing here" in text_of(response)
    assert f'href="{reverse("home")}"' in response.content.decode()
