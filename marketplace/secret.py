"""The site's secret key: from the environment, or made once and kept under ``var/``."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from marketplace.embedded import var_dir


def secret_key() -> str:
    """Return the key in ``var/secret_key``, making it on the first start.

    No key is shipped with the code, so no two installations share one.
    """
    path = var_dir() / "secret_key"
    if not path.exists():
        _write_once(path, secrets.token_urlsafe(50))
    return path.read_text().strip()


def _write_once(path: Path, text: str) -> None:
    """Create ``path`` with ``text``; when several processes start at once, the first one wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(text)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
