"""What a web process may import, and the one thing it may not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def loaded_by(code: str) -> set[str]:
    """Run ``code`` in a fresh interpreter and return the packages it has loaded."""
    said = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint(*sys.modules)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return {module.split(".")[0] for module in said.stdout.split()}


def test_learning_imports_neither_django_nor_scikit_learn_until_it_trains():
    loaded = loaded_by("from tasks.learning import annotator, baseline, uncertainty")

    assert not loaded & {"django", "sklearn", "scipy", "pandas", "crowdkit"}


def test_audits_are_judged_in_plain_python():
    loaded = loaded_by("from tasks.learning import conformal, monitor, uncertainty")

    assert not loaded & {"numpy", "django", "sklearn"}
