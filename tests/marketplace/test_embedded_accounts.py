"""Which programs the embedded servers are, and whom they run as."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from marketplace.embedded import errors, privileges, programs
from marketplace.embedded.paths import CHECKOUT

ROOT = os.geteuid() == 0


def test_a_machine_without_redis_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(programs, "CHECKOUT", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(errors.RedisMissing, match="set REDIS_URL"):
        programs.redis_program()
    with pytest.raises(errors.PostgresMissing, match="set DATABASE_URL"):
        programs.postgres_programs()


def test_the_machines_own_redis_is_the_last_resort(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "valkey-server"
    own.touch(mode=0o755)
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(programs, "CHECKOUT", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert programs.redis_program() == own


def test_an_ordinary_user_runs_the_servers_as_oneself() -> None:
    if ROOT:
        pytest.skip("root does not")
    account = privileges.account_for(state=Path("/nowhere"), reach=[])

    assert account == ([], os.getuid(), os.getgid())


@pytest.mark.skipif(not ROOT, reason="only root can become another")
def test_root_becomes_an_ordinary_account_without_capabilities(tmp_path: Path) -> None:
    account = privileges.account_for(state=tmp_path / "none", reach=[Path("/usr/bin")])

    assert account.uid != 0
    assert "--inh-caps=-all" in account.prefix


@pytest.mark.skipif(not ROOT, reason="only root can become another")
def test_root_keeps_one_capability_where_a_folder_is_closed(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)

    account = privileges.account_for(state=tmp_path / "none", reach=[tmp_path])

    assert "--ambient-caps=-all,+dac_override" in account.prefix
    assert tmp_path.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(not ROOT, reason="only root can become another")
def test_state_keeps_its_owner_when_root_starts_it(tmp_path: Path) -> None:
    os.chown(tmp_path, 65534, 65534)

    assert privileges.account_for(state=tmp_path, reach=[]).uid == 65534


@pytest.mark.skipif(not ROOT, reason="only root can become another")
def test_a_root_without_its_powers_says_which_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CROWDWRIGHT_VAR", str(tmp_path / "var"))
    weakened = ["setpriv", "--bounding-set=-chown", "--inh-caps=-all"]

    start = subprocess.run(
        [*weakened, sys.executable, "-m", "marketplace.embedded", "start"],
        check=False,
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
    )

    assert start.returncode == 1
    assert "This root lacks the capabilities CHOWN." in start.stderr
