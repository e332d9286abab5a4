"""The embedded PostgreSQL and Redis, for real: started, shared, killed and found again."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from marketplace import embedded
from marketplace.embedded import __main__ as command_line
from marketplace.embedded import errors, handshake, processes
from marketplace.embedded.paths import CHECKOUT, socket_dir
from marketplace.embedded.postgres import MAIN, TEST
from marketplace.embedded.redis_server import REDIS

ROOT = os.geteuid() == 0


@pytest.fixture(scope="module")
def shared_var(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """State that the tests of this file share: each server in it starts on the first use."""
    yield from _var(tmp_path_factory.mktemp("state") / "var")


@pytest.fixture
def var(shared_var: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CROWDWRIGHT_VAR", str(shared_var))
    return shared_var


@pytest.fixture
def new_var(tmp_path: Path) -> Iterator[Path]:
    """State nobody has used, for tests about the very first start."""
    yield from _var(tmp_path / "var")


def _var(path: Path) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("CROWDWRIGHT_VAR", str(path))
        yield path
        monkeypatch.setenv("CROWDWRIGHT_VAR", str(path))
        embedded.stop()
        # Hundreds of megabytes that would else stay in the temporary folder.
        shutil.rmtree(path, ignore_errors=True)


def query(sql: str, *, test: bool = True) -> object:
    with psycopg.connect(embedded.database_url(test=test), autocommit=True) as connection:
        cursor = connection.execute(sql)
        return cursor.fetchone()[0] if cursor.description else None


def python(code: str) -> subprocess.Popen[str]:
    """Run ``code`` in a process of its own, which finds the same state."""
    return subprocess.Popen(
        [sys.executable, "-c", f"from marketplace import embedded\n{code}"],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        text=True,
    )


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 10
    while processes.is_running(pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)


# Starting and sharing


def test_the_database_url_leads_to_a_running_postgresql_18(var: Path) -> None:
    assert str(query("SHOW server_version")).startswith("18.")
    assert query("SELECT current_database()") == "crowdwright"


def test_the_main_database_keeps_what_it_promised_and_the_test_one_need_not(var: Path) -> None:
    assert query("SHOW fsync", test=False) == "on"
    assert query("SHOW fsync", test=True) == "off"


def test_the_database_folds_accented_letters_whatever_the_machine_speaks(var: Path) -> None:
    assert query("SELECT upper('é')") == "É"
    assert query("SELECT 'É' ILIKE 'é'") is True


def test_the_database_listens_on_no_network(var: Path) -> None:
    assert query("SHOW listen_addresses") == ""
    assert query("SHOW max_connections") == "200"
    assert query("SHOW timezone") == "UTC"


def test_the_redis_url_leads_to_a_redis_that_writes_everything_down(var: Path) -> None:
    with redis.Redis.from_url(embedded.redis_url()) as client:
        assert client.config_get("appendonly") == {"appendonly": "yes"}
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("port") == {"port": "0"}


def test_celery_spells_the_same_socket_in_its_own_way() -> None:
    assert embedded.celery_url("unix:///a/b.sock?db=0") == "redis+socket:///a/b.sock?virtual_host=0"
    assert embedded.celery_url("redis://example.com/1") == "redis://example.com/1"


def test_asking_again_finds_the_same_servers_at_once(var: Path) -> None:
    embedded.database_url(test=True), embedded.redis_url()
    before = TEST.pid(), REDIS.pid()
    started_at = time.perf_counter()

    embedded.database_url(test=True), embedded.redis_url()

    assert time.perf_counter() - started_at < 0.5
    assert (TEST.pid(), REDIS.pid()) == before


def test_processes_that_start_at_once_all_get_the_same_servers(new_var: Path) -> None:
    code = "print(embedded.database_url(test=True), embedded.redis_url())"
    answers = {starter.communicate(timeout=60)[0] for starter in [python(code) for _ in range(6)]}

    assert answers == {f"{TEST.url} {REDIS.url}\n"}
    assert TEST.answers()
    assert REDIS.answers()


def test_the_servers_outlive_whoever_started_them(new_var: Path) -> None:
    starter = python(
        "import time; embedded.database_url(test=True); print('up', flush=True); time.sleep(60)"
    )
    assert starter.stdout is not None
    assert starter.stdout.readline() == "up\n"

    starter.kill()
    starter.communicate()

    assert TEST.answers()


def test_the_servers_keep_no_secret_of_their_starter(
    var: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "hush")
    embedded.stop()
    embedded.redis_url()

    assert "hush" not in Path(f"/proc/{REDIS.pid()}/environ").read_text()


# Recovering


def test_a_killed_postgresql_comes_back_with_its_rows(var: Path) -> None:
    query("CREATE TABLE IF NOT EXISTS kept AS SELECT 7 AS number", test=False)
    pid = MAIN.pid()
    assert pid is not None

    os.kill(pid, signal.SIGKILL)
    wait_until_gone(pid)

    assert query("SELECT number FROM kept", test=False) == 7
    assert MAIN.pid() != pid


def test_a_killed_redis_comes_back_with_its_keys(var: Path) -> None:
    with redis.Redis.from_url(embedded.redis_url()) as client:
        client.set("kept", "7")
    pid = REDIS.pid()
    assert pid is not None

    os.kill(pid, signal.SIGKILL)
    wait_until_gone(pid)

    with redis.Redis.from_url(embedded.redis_url()) as client:
        assert client.get("kept") == b"7"


@pytest.mark.parametrize("holder", ["zombie", "stranger", "other cluster", "nobody"])
def test_a_pid_file_that_outlived_its_server_is_put_aside(var: Path, holder: str) -> None:
    embedded.database_url(test=False), embedded.database_url(test=True)
    pid_file = TEST.data / "postmaster.pid"
    words = pid_file.read_text()
    pid = TEST.pid()
    assert pid is not None
    with subprocess.Popen(["/bin/sleep", "60"]) as sleeper:
        other = {
            "stranger": sleeper.pid,
            "other cluster": MAIN.pid(),
            "nobody": pid,
            "zombie": sleeper.pid,
        }
        os.kill(pid, signal.SIGKILL)
        wait_until_gone(pid)
        if holder == "zombie":
            sleeper.kill()
            wait_until_gone(sleeper.pid)
        pid_file.write_text(words.replace(str(pid), str(other[holder]), 1))

        embedded.database_url(test=True)
        sleeper.kill()

    assert TEST.answers()
    assert MAIN.answers()


def test_a_first_start_that_was_killed_leaves_nothing_in_the_way(new_var: Path) -> None:
    half = new_var / "pg18-test.new-half"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18")

    embedded.database_url(test=True)

    assert TEST.answers()
    assert not half.exists()


def test_a_server_whose_starter_was_killed_is_waited_for(var: Path) -> None:
    embedded.database_url(test=True)
    pid = TEST.pid()

    TEST.start()

    assert TEST.pid() == pid


def test_a_server_that_cannot_start_shows_its_log(new_var: Path) -> None:
    embedded.database_url(test=True)
    TEST.stop()
    (TEST.data / "global" / "pg_control").unlink()

    with pytest.raises(errors.ServerFailed, match="pg_control"):
        embedded.database_url(test=True)


def test_a_program_that_fails_shows_what_it_said() -> None:
    with pytest.raises(errors.ServerFailed, match="cannot access"):
        processes.run(["/bin/ls", "/nowhere"])


# Where things lie


def test_the_sockets_of_a_deep_checkout_lie_in_the_temporary_folder(tmp_path: Path) -> None:
    for var in _var(tmp_path / ("deep" * 25) / "var"):
        sockets = socket_dir()
        try:
            assert query("SELECT 1") == 1
            assert sockets.parent == Path("/tmp")
            assert sockets.stat().st_mode & 0o777 == 0o700
            assert not (var / "run").exists()
        finally:
            embedded.stop()
            shutil.rmtree(sockets)


def test_an_oddly_named_checkout_has_plain_socket_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CROWDWRIGHT_VAR", str(tmp_path / "my, 100% own"))

    assert socket_dir().parent == Path("/tmp")


def test_a_socket_folder_that_is_not_ours_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CROWDWRIGHT_VAR", str(tmp_path / ("deep" * 25)))
    sockets = socket_dir()
    sockets.symlink_to(tmp_path)
    try:
        with pytest.raises(errors.StateNotOurs):
            embedded.redis_url()
    finally:
        sockets.unlink()


@pytest.mark.skipif(ROOT, reason="root may write everywhere")
def test_state_of_another_account_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o500)
    monkeypatch.setenv("CROWDWRIGHT_VAR", str(tmp_path / "var"))

    with pytest.raises(errors.StateNotOurs):
        embedded.redis_url()


def test_little_shared_memory_is_not_relied_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marketplace.embedded.postgres.SHARED_MEMORY_BYTES_MIN", 1 << 62)

    assert TEST._settings()["dynamic_shared_memory_type"] == "mmap"


# The conversation on the socket


def test_nothing_answers_where_nothing_listens(tmp_path: Path) -> None:
    assert not handshake.postgres_answers(tmp_path / "none")
    assert not handshake.redis_answers(tmp_path / "none")
    assert handshake.redis_pid(tmp_path / "none") is None


@pytest.mark.parametrize(
    ("refusal", "runs"),
    [
        (b"SFATAL\0C57P03\0Mthe database system is starting up\0\0", False),
        (b"SFATAL\0C53300\0Msorry, too many clients already\0\0", True),
    ],
)
def test_a_postgresql_that_starts_does_not_answer_and_a_full_one_does(
    new_var: Path, refusal: bytes, runs: bool
) -> None:
    new_var.mkdir()
    path = new_var / "s"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen(1)
        client = python(
            f"from marketplace.embedded.handshake import postgres_answers\n"
            f"from pathlib import Path\nprint(postgres_answers(Path({str(path)!r})))"
        )
        connection, _ = server.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(handshake.HEADER.pack(b"E", len(refusal) + 4) + refusal)

            assert client.communicate(timeout=10)[0] == f"{runs}\n"


# Stopping, and the command line


def test_a_process_that_stays_is_reported() -> None:
    stubborn = [
        sys.executable,
        "-c",
        "import signal, time; signal.signal(15, signal.SIG_IGN); print(flush=True); time.sleep(60)",
    ]
    with subprocess.Popen(stubborn, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()

        with pytest.raises(errors.ServerStayed, match=str(process.pid)):
            processes.end(process.pid, by=signal.SIGTERM, within_seconds=0.05)
        process.kill()


@pytest.mark.skipif(not Path("/bin/ps").exists(), reason="needs ps")
def test_processes_are_seen_without_a_proc_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "PROC", Path("/nowhere"))

    with subprocess.Popen(["/bin/sleep", "60"]) as sleeper:
        assert processes.is_running(sleeper.pid)
        assert processes.command_of(sleeper.pid) == "/bin/sleep 60"
        sleeper.kill()
        wait_until_gone(sleeper.pid)


def test_the_command_line_starts_shows_and_stops_the_servers(
    var: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def said(action: str) -> str:
        monkeypatch.setattr(sys, "argv", ["embedded", action])
        command_line.main()
        return capsys.readouterr().out

    assert MAIN.url in said("start")
    assert REDIS.url in said("status")
    assert "redis          stopped" in said("stop")
    assert "redis          stopped" in said("status")
    assert said("stop") == ""


def test_the_command_line_gives_the_reason_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CROWDWRIGHT_VAR", str(tmp_path / "var"))
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sys, "argv", ["embedded", "start"])

    with pytest.raises(SystemExit, match="No PostgreSQL found"):
        command_line.main()
