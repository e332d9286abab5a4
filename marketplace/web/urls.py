from __future__ import annotations

from django.urls import path

from marketplace.web import money, play, views

urlpatterns = [
    path("", views.home, name="home"),
    path("account/tokens", views.tokens, name="tokens"),
    path("account/tokens/<int:key_id>/revoke", views.revoke_token, name="revoke-token"),
    # Money: on to the provider, back from it, and what it tells
    path("checkout/<str:signed>", money.checkout, name="checkout"),
    path("onboarding/<str:signed>", money.onboarding, name="onboarding"),
    path("paid", money.paid, name="paid"),
    path("stripe/webhook/<str:endpoint>", money.webhook, name="stripe-webhook"),
    path("play/checkout/<str:name>", play.checkout, name="play-checkout"),
    path("play/onboarding/<str:name>", play.onboarding, name="play-onboarding"),
]
