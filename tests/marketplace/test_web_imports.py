"""The web process stays light: the aggregators belong to the job runner and the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from django.db import connection

ROOT = Path(__file__).resolve().parent.parent.parent
HEAVY = {
    "crowdkit", "pandas", "sklearn", "scipy", "nltk", "pyarrow", "transformers", "torch", "stripe",
}  # fmt: skip
PROGRAM = """
import json, sys
import marketplace.wsgi
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def test_the_web_process_never_imports_the_aggregators(django_db_setup):
    asked = connection.get_connection_params()
    where = {name: asked[name] for name in ("host", "port", "user", "password") if asked.get(name)}
    query = "&".join(f"{name}={value}" for name, value in where.items())
    environment = {
        **{name: value for name, value in os.environ.items() if name != "PYTEST_VERSION"},
        "DATABASE_URL": f"postgresql:///{asked['dbname']}?{query}",
        "DJANGO_SETTINGS_MODULE": "marketplace.settings",
        "DB_POOL": "0",
    }

    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr
    loaded = set(json.loads(ran.stdout.splitlines()[-1]))
    assert "rest_framework" in loaded  # every view is imported before the first request
    assert loaded & HEAVY == set()
