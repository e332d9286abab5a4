"""Become a command that the kernel ends when its parent dies, however that dies.

Run as a program, by path, with the parent's process id and the command as arguments. The
request to the kernel is made here, after the fork, because a parent with threads can do
little safely between fork and exec. On systems other than Linux it is only the command.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # include/uapi/linux/prctl.h


def main() -> None:  # pragma: no cover - it ends by becoming another program
    """Ask for the parent's death to be told as SIGTERM, then become the command."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    # It may have died before the request was made.
    if os.getppid() == parent:
        os.execv(command[0], command)  # noqa: S606  (the command is the parent's own)


if __name__ == "__main__":
    main()
