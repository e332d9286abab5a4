"""``python -m marketplace.embedded start|stop|status``: the servers without the rest."""

from __future__ import annotations

import argparse
import sys

from marketplace import embedded


def main() -> None:
    """Do what the command line says, and print each server's URL or name."""
    parser = argparse.ArgumentParser(prog="python -m marketplace.embedded")
    parser.add_argument("action", choices=["start", "stop", "status"], nargs="?", default="status")
    action = parser.parse_args().action
    try:
        if action == "start":
            embedded.database_url()
            embedded.redis_url()
        stopped = embedded.stop() if action == "stop" else []
    except embedded.EmbeddedError as error:
        sys.exit(str(error))
    for name in stopped:
        sys.stdout.write(f"{name:<14} stopped\n")
    if action != "stop":
        for name, state in embedded.status().items():
            sys.stdout.write(f"{name:<14} {state}\n")


if __name__ == "__main__":
    main()
