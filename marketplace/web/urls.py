from __future__ import annotations

from django.urls import path

from marketplace.web import views

urlpatterns = [
    path("", views.home, name="home"),
    path("account/tokens", views.tokens, name="tokens"),
    path("account/tokens/<int:key_id>/revoke", views.revoke_token, name="revoke-token"),
]
