"""Calls to servers whose address a user has named, so that it cannot be trusted.

No redirects, no addresses inside this network unless a setting allows them, a time limit for
the whole call, a limit on what is read.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Mapping
from contextlib import closing, suppress
from typing import Any, NamedTuple, Self

import httpx

REPLY_BYTES_MAX = 10_000_000
CONNECT_SECONDS = 5.0
TIMEOUT_SECONDS = 60.0
NAT64 = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class BackendError(Exception):
    """The model's server could not be used."""


class BackendUnreachable(BackendError):
    """The model's server gave no answer: check that its address is right and that it runs."""


class BackendRefused(BackendUnreachable):
    """The model's server answered with an error; ``status`` is HTTP's."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class BackendAnswerInvalid(BackendError):
    """The model's server answered something else than the protocol says."""


class Access(NamedTuple):
    """How a model's server may be reached."""

    allow_private: bool = False  # addresses of this machine and its network, too
    timeout_seconds: float = TIMEOUT_SECONDS  # for a whole call, the address looked up before


ANYWHERE_PUBLIC = Access()


def call(method: str, url: str, path: str, body: Mapping[str, Any] | None, access: Access) -> bytes:
    """Return what the server at ``url`` answers to a request for ``path`` below it.

    Raises ``BackendUnreachable``, of it ``BackendRefused`` for an error status or a redirect,
    and ``BackendAnswerInvalid`` for an answer that is too long or compressed.
    """
    target = _target(url, path)
    address = _address(target, access)
    # Proxies and passwords of the environment are for other servers.
    with (
        httpx.Client(trust_env=False, follow_redirects=False) as client,
        Deadline(access.timeout_seconds) as deadline,
    ):
        request = client.build_request(
            method,
            # What was checked is what is called: looked up again, a name may point elsewhere.
            target.copy_with(host=str(address)),
            json=body,
            headers={"Host": target.netloc.decode(), "Accept-Encoding": "identity"},
            timeout=httpx.Timeout(access.timeout_seconds, connect=CONNECT_SECONDS),
            extensions={"sni_hostname": target.host, "trace": deadline.watch},
        )
        try:
            with closing(client.send(request, stream=True)) as response:
                content = _read(response)
        except httpx.HTTPError as error:
            why = f"no answer in {access.timeout_seconds:g} seconds" if deadline.passed else error
            raise BackendUnreachable(f"{_shown(target)}: {why or type(error).__name__}.") from None
    if deadline.passed:
        raise BackendUnreachable(f"{_shown(target)}: the answer was cut off by the time limit.")
    return content


def _read(response: httpx.Response) -> bytes:
    if response.has_redirect_location:
        raise BackendRefused(
            "The server redirects, which is not followed: give the address it redirects to.",
            response.status_code,
        )
    if not response.is_success:
        status = response.status_code
        raise BackendRefused(f"The server answered with the error {status}.", status)
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise BackendAnswerInvalid("The answer is compressed, which was not asked for.")
    content = bytearray()
    for chunk in response.iter_raw():
        content += chunk
        if len(content) > REPLY_BYTES_MAX:
            raise BackendAnswerInvalid(
                f"The answer is longer than {REPLY_BYTES_MAX:,} bytes: ask for less at a time."
            )
    return bytes(content)


def _target(url: str, path: str) -> httpx.URL:
    try:
        base = httpx.URL(url)
    except httpx.InvalidURL:
        base = httpx.URL()
    if base.scheme not in {"http", "https"} or not base.host:
        raise BackendUnreachable("The address must begin with http:// or https:// and a name.")
    return base.copy_with(path=f"{base.path.rstrip('/')}/{path}", fragment=None)


def _address(target: httpx.URL, access: Access) -> Address:
    """Return the address to call; all that the name stands for must be allowed."""
    port = target.port or (443 if target.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(
            target.host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
        )
    except (OSError, UnicodeError):
        raise BackendUnreachable(f"There is no server named {target.host!r}.") from None
    addresses = [ipaddress.ip_address(str(where[0])) for *_, where in found]
    for address in addresses:
        if not allowed(address, access):
            raise BackendUnreachable(
                f"{target.host!r} is an address inside this network: models must be reachable from "
                "outside, unless the operator allows private addresses."
            )
    return addresses[0]


def allowed(address: Address, access: Access) -> bool:
    """Whether a server at ``address`` may be called."""
    inner = _inner(address)
    if inner.is_multicast or inner.is_unspecified:
        return False
    return access.allow_private or inner.is_global


def _inner(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address only wraps, or the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    tunnel = address.teredo[1] if address.teredo else None
    return address.ipv4_mapped or address.sixtofour or tunnel or address


def _shown(target: httpx.URL) -> str:
    """Return the address without the password that it may hold."""
    return f"{target.scheme}://{target.netloc.decode()}{target.path}"


class Deadline:
    """Cuts a connection off when its time is up.

    Timeouts of httpx are for one read; a server that sends a byte now and then would hold the
    caller for ever.
    """

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self._connection: socket.socket | None = None
        self._timer = threading.Timer(seconds, self.cut)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._timer.join()  # it must not find the connection closed, or another of its number
        if self._connection is not None:
            self._connection.close()

    def watch(self, event: str, happened: Mapping[str, Any]) -> None:
        """Take note of the connection as httpcore opens it."""
        if event == "connection.connect_tcp.complete":
            # A second handle: TLS takes the first one over.
            self._connection = happened["return_value"].get_extra_info("socket").dup()
            if self.passed:
                self.cut()

    def cut(self) -> None:
        """Have whoever reads or writes find that the connection has ended."""
        self.passed = True
        if self._connection is not None:
            with suppress(OSError):  # the server may have hung up first
                self._connection.shutdown(socket.SHUT_RDWR)
