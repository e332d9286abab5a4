"""Who looks after the site in the tests of its pages."""

from __future__ import annotations

from django.urls import reverse

from tests.factories import a_user
from workers.models import User


def log_in_operator(client):
    """Log in somebody with ``is_staff`` and no permission of Django's."""
    user = a_user()
    User.objects.filter(pk=user.pk).update(is_staff=True)
    user.refresh_from_db()
    client.force_login(user)
    return user


def page(model, name, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)
