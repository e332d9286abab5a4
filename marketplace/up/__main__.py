"""``make up`` and ``make down``: ``python -m marketplace.up [start|stop]``."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from types import FrameType

from marketplace import embedded
from marketplace.embedded.paths import CHECKOUT
from marketplace.up import pidfile
from marketplace.up.commands import manage
from marketplace.up.errors import AlreadyRunning, PortTaken, SiteStayed, UpError
from marketplace.up.output import say
from marketplace.up.services import prepare
from marketplace.up.stack import Stack, free_port

FIRST_PORT = 8000
STOP_SECONDS_MAX = 30.0
# Ctrl-C, `make down`, and a terminal that closes.
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
WHERE_NEXT = """
  {url:<28} the site
  {docs:<28} the API, to try out
  docs/                        the guides
  Ctrl-C or `make down`        stops it
"""


def main() -> None:
    """Start the site and stay until it ends, or stop the one that runs."""
    parser = argparse.ArgumentParser(prog="python -m marketplace.up")
    parser.add_argument("action", choices=["start", "stop"], nargs="?", default="start")
    try:
        if parser.parse_args().action == "stop":
            down()
        else:
            up()
    except AlreadyRunning as error:
        say(str(error))
    except (UpError, embedded.EmbeddedError, PermissionError) as error:
        sys.exit(str(error))


def up() -> None:
    """Run the site in the foreground until a signal ends it.

    Raises:
        AlreadyRunning: it runs already.
        EmbeddedError: a server it needs cannot be run here.
        UpError: it did not come up, or a part of it kept dying.
    """
    for number in ENDINGS:
        signal.signal(number, leave)
    with pidfile.held(os.getpid()) as tell:
        prepare()
        with Stack(name="up", port=wanted_port(), quiet=False) as stack:
            tell(stack.url)
            say(f"\nCrowdwright is running at {stack.url}\n")
            subprocess.run(manage("demo_logins"), cwd=CHECKOUT, check=False)  # noqa: S603
            say(WHERE_NEXT.format(url=stack.url, docs=f"{stack.url}api/docs"))
            stack.wait()


def down() -> None:
    """Stop the site that runs on this state, if one does, and then its servers.

    Raises:
        EmbeddedError: a server did not stop.
        SiteStayed: the site did not.
    """
    site = pidfile.running()
    if site is not None:
        os.kill(site.pid, signal.SIGTERM)
        give_up_at = time.monotonic() + STOP_SECONDS_MAX
        while (still := pidfile.running()) and still.pid == site.pid:
            if time.monotonic() > give_up_at:
                raise SiteStayed(site.pid)
            time.sleep(pidfile.POLL_SECONDS)
    stopped = [*(["the site"] if site else []), *embedded.stop()]
    say(f"Stopped {', '.join(stopped)}." if stopped else "Nothing was running.")


def leave(number: int, frame: FrameType | None) -> None:
    """Unwind, which stops the stack; a second signal must not interrupt that."""
    for ending in ENDINGS:
        signal.signal(ending, signal.SIG_IGN)
    raise SystemExit(0)


def wanted_port() -> int:
    """Return the port to serve on: PORT, or 8000, or one of the next, or any.

    Raises:
        PortTaken: PORT names one that is in use.
    """
    named = os.environ.get("PORT")
    if not named:
        return free_port(*range(FIRST_PORT, FIRST_PORT + 20))
    if free_port(int(named)) != int(named):
        raise PortTaken(named)
    return int(named)


if __name__ == "__main__":
    main()
