from __future__ import annotations

from io import StringIO

from rich.console import Console

from marketplace.simulation import progress
from marketplace.simulation.progress import Narrator


def test_a_file_gets_a_line_now_and_then(monkeypatch):
    file = StringIO()
    narrator = Narrator(Console(file=file))

    with narrator.following() as tell:
        tell(0.25, "a quarter")
        tell(0.3, "too soon to be told")
        monkeypatch.setattr(progress, "EVERY_SECONDS", 0.0)
    with narrator.following() as tell:
        tell(None, "who knows how far")
        tell(0.5, "half")

    lines = [line.strip() for line in file.getvalue().splitlines()]
    assert [line.partition(" s  ")[2].strip() for line in lines] == [
        "25%  a quarter",
        "who knows how far",
        "50%  half",
    ]


def test_a_line_is_never_broken_and_says_when():
    file = StringIO()

    Narrator(Console(file=file, width=40)).say("word " * 30 + "[end]")

    assert file.getvalue() == f"   0.0 s  {'word ' * 30}[end]\n"


def test_a_terminal_gets_a_bar():
    file = StringIO()

    with Narrator(Console(file=file, force_terminal=True, width=100)).following() as tell:
        tell(0.5, "half of it")
        tell(None, "and more")

    assert "and more" in file.getvalue()
    assert "\x1b[2K" in file.getvalue()
