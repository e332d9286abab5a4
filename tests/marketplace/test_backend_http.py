from __future__ import annotations

import ipaddress
import socket
import threading
from contextlib import suppress

import pytest

from marketplace import backend_http, ml_backend
from marketplace.backend_http import REPLY_BYTES_MAX, Access, Deadline
from marketplace.ml_backend import (
    BackendAnswerInvalid,
    BackendRefused,
    BackendUnreachable,
)
from tests import fakes_ml_backend

HERE = Access(allow_private=True, timeout_seconds=10)
TASKS = {7: {"url": "a.jpg"}, 3: {"url": "b.jpg"}}


@pytest.fixture
def backend():
    with fakes_ml_backend.running() as backend:
        yield backend


def predict(backend, access=HERE):
    return ml_backend.predict(backend.url, TASKS, project=5, config="<View/>", access=access)


def test_a_redirect_is_not_followed(backend):
    backend.status["/predict"] = 302
    backend.headers["Location"] = f"{backend.url}/elsewhere"

    with pytest.raises(BackendRefused, match="redirects"):
        predict(backend)

    assert [path for _, path, _ in backend.asked] == ["/predict"]


def test_an_error_status_is_told(backend):
    backend.status["/predict"] = 503

    with pytest.raises(BackendRefused, match="error 503") as refusal:
        predict(backend)

    assert refusal.value.status == 503


def test_a_huge_answer_is_cut_off(backend):
    sent = []

    def flood(request):
        request.send_response(200)
        request.end_headers()
        for _ in range(200):
            request.wfile.write(b" " * 1_000_000)
            sent.append(1)

    backend.answers["/predict"] = flood

    with pytest.raises(BackendAnswerInvalid, match="longer than 10,000,000 bytes"):
        predict(backend)

    assert len(sent) < 2 * REPLY_BYTES_MAX / 1_000_000 + 20


def test_an_answer_as_long_as_allowed_is_read(backend):
    spaces = b" " * (REPLY_BYTES_MAX - len(b'{"results": [{}, {}]}'))
    backend.answers["/predict"] = b'{"results": [{}, {}]}' + spaces

    assert [found.result for found in predict(backend)] == [[], []]


def test_a_compressed_answer_is_not_unpacked(backend):
    backend.headers["Content-Encoding"] = "gzip"

    with pytest.raises(BackendAnswerInvalid, match="compressed"):
        predict(backend)


def silent(backend):
    return lambda _: backend.until_the_end.wait()


def dripping(backend):
    def drip(request):
        request.wfile.write(b"HTTP/1.0 200 OK\r\nX: ")
        while not backend.until_the_end.wait(0.02):
            request.wfile.write(b"y")
            request.wfile.flush()

    return drip


def dripping_body(backend):
    def drip(request):
        request.send_response(200)
        request.end_headers()
        request.wfile.write(b'{"results": [{}, {}]}')  # whole, but it does not end
        while not backend.until_the_end.wait(0.02):
            request.wfile.write(b" ")
            request.wfile.flush()

    return drip


@pytest.mark.parametrize("manner", [silent, dripping, dripping_body])
def test_a_server_that_takes_for_ever_is_cut_off(backend, manner):
    backend.answers["/predict"] = manner(backend)

    with pytest.raises(BackendUnreachable, match=r"seconds|time limit"):
        predict(backend, access=Access(allow_private=True, timeout_seconds=0.3))


def test_a_server_that_hangs_up_is_unreachable(backend):
    backend.answers["/predict"] = lambda request: request.connection.shutdown(socket.SHUT_RDWR)

    with pytest.raises(BackendUnreachable):
        predict(backend)


def test_a_port_where_nobody_listens_is_unreachable():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    with pytest.raises(BackendUnreachable, match=f"http://127.0.0.1:{port}/health"):
        ml_backend.health(f"http://127.0.0.1:{port}", HERE)


@pytest.mark.parametrize(
    "url", ["", "ftp://host", "file:///etc/passwd", "host:80", "http://", "//host", "http://host:x"]
)
def test_only_http_addresses_are_called(url):
    with pytest.raises(BackendUnreachable, match="begin with http"):
        ml_backend.health(url, HERE)


@pytest.mark.parametrize("host", ["[x", f"{'a' * 70}.example"])
def test_a_name_nobody_has_is_said(host):
    with pytest.raises(BackendUnreachable, match="no server named"):
        ml_backend.health(f"http://{host}", HERE)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "10.0.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "0.0.0.0",
        "[::1]",
        "2130706433",
        "0x7f.1",
        "[fe80::1]",
        "[fd00::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::a00:1]",
        "[2002:7f00:1::]",
    ],
)
def test_addresses_inside_this_network_are_not_called(host):
    with pytest.raises(BackendUnreachable, match=r"inside this network|no server named"):
        ml_backend.health(f"http://{host}:9090")


def test_nothing_is_sent_to_a_private_address(backend):
    with pytest.raises(BackendUnreachable, match="inside this network"):
        predict(backend, access=Access())

    assert backend.asked == []


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("::ffff:93.184.216.34", True),
        ("64:ff9b::5db8:d822", True),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:a00:1::", False),
        ("2001:0:4136:e378:8000:63bf:f5ff:fffe", False),
        ("fe80::1", False),
        ("ff02::1", False),
        ("::", False),
    ],
)
def test_an_address_is_what_it_wraps(address, public):
    assert backend_http.allowed(ipaddress.ip_address(address), Access()) is public


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "224.0.0.1", "ff02::1"])
def test_what_is_no_servers_address_is_never_called(address):
    assert not backend_http.allowed(ipaddress.ip_address(address), HERE)


def test_under_tls_the_server_must_prove_its_name_not_its_address():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        hello = []

        def listen():
            connection, _ = server.accept()
            with connection:
                hello.append(connection.recv(4_096))

        listener = threading.Thread(target=listen)
        listener.start()
        with pytest.raises(BackendUnreachable):
            ml_backend.health(f"https://localhost:{port}", HERE)
        listener.join()

    assert b"localhost" in hello[0]


def test_a_tls_handshake_that_takes_for_ever_is_cut_off():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip():
            connection, _ = server.accept()
            with connection, suppress(OSError):
                connection.sendall(b"\x16\x03\x03\x40\x00")  # 16 kB of handshake follow
                while not over.wait(0.02):
                    connection.sendall(b"\x02")

        over = threading.Event()
        dripping = threading.Thread(target=drip)
        dripping.start()
        with pytest.raises(BackendUnreachable, match=r"no answer in 0\.3 seconds"):
            ml_backend.health(
                f"https://127.0.0.1:{server.getsockname()[1]}",
                Access(allow_private=True, timeout_seconds=0.3),
            )
        over.set()
        dripping.join()


class Opened:
    """A connection as httpcore tells of it."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection

    def get_extra_info(self, _: str) -> socket.socket:
        return self.connection


def test_a_connection_that_opens_after_the_deadline_is_cut_off_at_once():
    ours, theirs = socket.socketpair()
    with ours, theirs, Deadline(60) as deadline:
        deadline.cut()
        deadline.watch("connection.connect_tcp.complete", {"return_value": Opened(ours)})

        assert theirs.recv(1) == b""


def test_proxies_of_the_environment_are_not_used(backend, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")

    assert ml_backend.health(backend.url, HERE) == "Cats"
