"""The tree stays readable, and money has one door."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = [
    path
    for app in ("marketplace", "tasks", "workers", "payments", "benchmarks", "tests")
    for path in (ROOT / app).rglob("*.py")
    if "migrations" not in path.parts
]


def test_no_file_is_longer_than_400_lines():
    lengths = {path: len(path.read_text().splitlines()) for path in SOURCES}

    assert {str(path): count for path, count in lengths.items() if count > 400} == {}


def test_only_the_ledger_writes_transfers_and_balances():
    writing = re.compile(
        r"Transfer\.objects\.(bulk_)?create|\bTransfer\(\w+=|\.update\([^)]*(balance_minor|held_minor)="
        r"|INSERT INTO payments_(account|transfer)\b|UPDATE payments_(account|transfer)\b"
    )
    apps = [path for path in SOURCES if path.parts[len(ROOT.parts)] not in {"tests", "benchmarks"}]

    writers = {path.relative_to(ROOT) for path in apps if writing.search(path.read_text())}

    assert writers == {Path("payments/ledger.py")}


def test_nothing_is_left_to_do_silently():
    marks = re.compile(r"#.*\b(TO" r"DO|FIX" r"ME)\b")

    assert [str(path) for path in SOURCES if marks.search(path.read_text())] == []
