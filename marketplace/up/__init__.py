"""The web process, the job runner and the clock, started and watched together.

``make up`` runs them in the foreground (``python -m marketplace.up``); the demo and the tests
hold them as a ``Stack``. PostgreSQL and Redis are not among them: those outlive every stack.
"""

from __future__ import annotations

from marketplace.up.errors import AlreadyRunning, PartFailed, StackFailed
from marketplace.up.pidfile import running
from marketplace.up.services import prepare
from marketplace.up.stack import Stack

__all__ = ["AlreadyRunning", "PartFailed", "Stack", "StackFailed", "prepare", "running"]
