"""What the documents say is true of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from marketplace.api.urls import urlpatterns
from payments.models import Account, Transfer
from tasks.models import Assignment, Batch

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
CODE = [
    path
    for app in ("marketplace", "tasks", "workers", "payments")
    for path in (ROOT / app).rglob("*.py")
]


def test_every_setting_from_the_environment_is_documented():
    asked = re.compile(r"environ(?:\.get\(|\[|\.pop\()\"([A-Z_]+)\"|\"([A-Z_]+)\" in os\.environ")
    names = {a or b for path in CODE for a, b in asked.findall(path.read_text())}
    internal = {"PYTEST_VERSION", "CROWDWRIGHT_TEST_DB", "CROWDWRIGHT_DEV"}

    documented = (DOCS / "operations.md").read_text()

    assert {name for name in names - internal if f"`{name}`" not in documented} == set()


def test_every_make_target_of_the_documents_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.rglob("*.md")]
    said = {
        name
        for page in pages
        for name in re.findall(r"(?:`|^)make ([a-z-]+)", page.read_text(), re.MULTILINE)
    }

    assert said <= targets


def test_every_management_command_of_the_documents_exists():
    own = {path.stem for path in (ROOT / "marketplace/management/commands").glob("*.py")}
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.rglob("*.md")]
    said = {
        name for page in pages for name in re.findall(r"manage\.py ([a-z_]+)", page.read_text())
    }

    assert said - own <= {"migrate", "createsuperuser"}


@pytest.mark.parametrize(
    "page",
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))],
    ids=lambda page: page.name,
)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text())

    assert [link for link in links if not (page.parent / link).exists()] == []


def test_statuses_and_kinds_are_explained_where_readers_look():
    text = "".join((DOCS / name).read_text() for name in ("ledger.md", "glossary.md"))

    assert {kind for kind in Transfer.Kind.values if f"`{kind}`" not in text} == set()
    assert {each for each in Account.Purpose.values if f"`{each}`" not in text} == set()


def test_the_tutorial_goes_through_routes_that_exist():
    tutorial = (DOCS / "tutorial.md").read_text()
    routes = [
        re.compile("^" + re.sub(r"<id:\w+>", "[0-9]+", str(route.pattern)) + "$")
        for route in urlpatterns
    ]
    called = re.findall(r"\$API/([a-z0-9/]+)", tutorial)

    assert called
    assert [path for path in called if not any(route.match(path) for route in routes)] == []


def test_every_move_of_the_tables_starts_and_ends_in_a_known_status():
    for model in (Batch, Assignment):
        for start, ends in model.MOVES.items():
            assert {start, *ends} <= set(model.Status)
