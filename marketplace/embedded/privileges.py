"""As root, servers run as an ordinary account, because PostgreSQL refuses anything else.

No folder is opened to others for that: where the account cannot reach a program or the state
(a checkout under a closed home folder), the server keeps one capability of root's instead.
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from marketplace.embedded.errors import AccountMissing, AccountNameless

CANDIDATES = ("postgres", "nobody")
# Numbers of include/uapi/linux/capability.h.
NEEDED_CAPABILITIES = {"CHOWN": 0, "DAC_OVERRIDE": 1, "SETGID": 6, "SETUID": 7, "SETPCAP": 8}
WITHOUT_CAPABILITIES = ["--inh-caps=-all"]
# Without the secure bit access(2) ignores the capability, and initdb then says that its own
# program may not be executed.
WITH_FILE_ACCESS = [
    "--inh-caps=-all,+dac_override",
    "--ambient-caps=-all,+dac_override",
    "--bounding-set=-all,+dac_override",
    "--securebits=+no_setuid_fixup",
]


class Account(NamedTuple):
    """Whom a server runs as: the words before its command, and the owner of its files."""

    prefix: list[str]
    uid: int
    gid: int

    def own(self, path: Path) -> None:
        """Give ``path`` to the account, if it is not the caller."""
        if self.uid != os.geteuid():
            os.chown(path, self.uid, self.gid)


def account_for(*, state: Path, reach: Iterable[Path]) -> Account:
    """Return whom a server with the files in ``state`` runs as, able to reach every path.

    State that is there already keeps its owner.

    Raises:
        AccountMissing: the caller is root, and cannot become an ordinary account here.
        AccountNameless: the caller's user id is in no list of users.
    """
    if os.geteuid() != 0:
        try:
            pwd.getpwuid(os.geteuid())
        except KeyError:
            raise AccountNameless(os.geteuid()) from None
        return Account([], os.geteuid(), os.getegid())
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise AccountMissing("(No setpriv of util-linux was found to change the user with.)")
    _demand_capabilities()
    uid, gid = _owner(state) or _candidate()
    reachable = all(_is_reachable(path, uid) for path in reach)
    capabilities = WITHOUT_CAPABILITIES if reachable else WITH_FILE_ACCESS
    identity = [f"--reuid={uid}", f"--regid={gid}", "--clear-groups"]
    return Account([setpriv, *identity, *capabilities], uid, gid)


def _owner(state: Path) -> tuple[int, int] | None:
    if not state.exists() or state.stat().st_uid == 0:
        return None
    return state.stat().st_uid, state.stat().st_gid


def _candidate() -> tuple[int, int]:
    for name in CANDIDATES:
        with suppress(KeyError):
            return pwd.getpwnam(name)[2:4]
    raise AccountMissing(f"(There is no account named {' or '.join(CANDIDATES)} to run it as.)")


def _demand_capabilities() -> None:
    status = Path("/proc/self/status").read_text()
    held = int(status.split("CapEff:")[1].split()[0], 16)
    absent = [name for name, number in NEEDED_CAPABILITIES.items() if not held >> number & 1]
    if absent:
        raise AccountMissing(f"(This root lacks the capabilities {', '.join(absent)}.)")


def _is_reachable(path: Path, uid: int) -> bool:
    """Whether ``uid`` may enter every folder down to ``path``."""
    for step in (path, *path.parents):
        seen = step.stat()
        own = seen.st_uid == uid and seen.st_mode & stat.S_IXUSR
        if not (own or seen.st_mode & stat.S_IXOTH):
            return False
    return True
