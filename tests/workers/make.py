"""What only the tests of this app need, made through the front door."""

from __future__ import annotations

from tests.factories import NOON, a_requester
from workers import qualify


def a_qualification_type(owner=None, name="Reads French"):
    return qualify.define(requester=owner or a_requester(), name=name, now=NOON)
