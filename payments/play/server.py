"""The door of play money: it reads requests, answers repeats as before, and lets faults happen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from payments.play import forms, routes
from payments.play.errors import Refusal
from payments.play.expand import expanded
from payments.play.faults import Fault, Faults, PlayTimeout
from payments.play.metadata import check_metadata
from payments.play.state import PLATFORM, Call, Rules, State
from payments.play.store import Json, Reply, Store

# Takes method, path and parameters, and returns what is wrong with them; see the tests.
Check = Callable[[str, str, Json], list[str]]

OK = 200
KEY_LENGTH_MAX = 255

KEY_REUSED = (
    "Keys for idempotent requests can only be used with the same parameters they were first "
    "used with."
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client gets: HTTP's status, the JSON body and headers."""

    status: int
    body: Json
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks: ``key`` is its idempotency key, empty if there is none."""

    method: str
    path: str
    params: Json
    account: str
    key: str
    authorized: bool

    @property
    def fingerprint(self) -> str:
        asked = json.dumps([self.method, self.path, self.params], sort_keys=True)
        return hashlib.sha256(asked.encode()).hexdigest()


def _error(status: int, message: str, *, category: str, code: str | None = None) -> Json:
    return Refusal(message, status=status, category=category, code=code).body


BROKEN = Answer(500, _error(500, "Something went wrong.", category="api_error"))
SHUT = {
    Fault.RATE_LIMIT: Answer(
        429,
        _error(429, "Too many requests.", category="invalid_request_error", code="rate_limit"),
        {"stripe-should-retry": "false"},
    ),
    Fault.LOCK: Answer(
        429,
        _error(429, "In use.", category="invalid_request_error", code="lock_timeout"),
        {"stripe-should-retry": "true"},
    ),
    Fault.CONFLICT: Answer(
        409,
        _error(409, "In use.", category="idempotency_error", code="idempotency_key_in_use"),
        {"stripe-should-retry": "true"},
    ),
}


class PlayServer:
    """Stripe's API over a store; any number of servers may share one.

    ``clock`` returns the time, aware; ``faults`` belong to this server alone.
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Callable[[], datetime],
        rules: Rules | None = None,
        check: Check | None = None,
    ) -> None:
        self.state = State(store, clock, rules or Rules())
        self.faults = Faults()
        self._check = check

    def request(
        self, method: str, url: str, headers: Mapping[str, str], body: str | bytes | None
    ) -> Answer:
        """Answer a request.

        Raises ``PlayTimeout`` if a fault wants it: before the request is carried out, or after.
        """
        request = _read(method.lower(), url, headers, body)
        fault = self.faults.draw(request.method, request.path)
        if fault is Fault.TIMEOUT_BEFORE:
            raise PlayTimeout
        if fault in SHUT:
            return SHUT[fault]
        answer = self._answer(request, keep=BROKEN if fault is Fault.ERROR_KEPT else None)
        if fault is Fault.TIMEOUT_AFTER:
            raise PlayTimeout
        return BROKEN if fault in {Fault.ERROR_AFTER, Fault.ERROR_KEPT} else answer

    def _answer(self, request: Request, *, keep: Answer | None) -> Answer:
        """Answer a request once per key; a repeat gets what is kept."""
        try:
            self._admit(request)
        except Refusal as refusal:
            return Answer(refusal.status, refusal.body)
        with self.state.store.transaction():
            kept = self._kept(request)
            if kept is not None:
                return _replay(request, kept)
            answer = self._carry_out(request)
            if _is_kept(request, answer):
                said = keep or answer
                reply = Reply(request.fingerprint, said.status, said.body)
                self.state.store.keep(request.account, request.key, reply)
            return answer

    def _admit(self, request: Request) -> None:
        """Refuse what does not get as far as being carried out; nothing of it is kept."""
        if not request.authorized:
            raise Refusal("You did not provide an API key.", status=401)
        if len(request.key) > KEY_LENGTH_MAX:
            raise Refusal(f"Idempotency keys may have up to {KEY_LENGTH_MAX} characters.")
        wrong = self._check(request.method, request.path, request.params) if self._check else []
        if wrong:
            raise Refusal("; ".join(wrong), code="parameter_unknown", param=wrong[0].split(":")[0])

    def _kept(self, request: Request) -> Reply | None:
        store = self.state.store
        return store.reply(request.account, request.key) if request.key else None

    def _carry_out(self, request: Request) -> Answer:
        """Do all that is asked, or nothing and say why."""
        try:
            with self.state.store.transaction():
                return Answer(OK, self._handle(request))
        except Refusal as refusal:
            return Answer(refusal.status, refusal.body)

    def _handle(self, request: Request) -> Json:
        found = routes.find(request.method, request.path)
        if found is None:
            said = f"Unrecognized request URL ({request.method.upper()}: {request.path})."
            raise Refusal(said, status=404)
        self._check_account(request.account)
        check_metadata(request.params.get("metadata") or {})
        handler, names = found
        answer = handler(self.state, Call(request.account, names, request.params))
        return expanded(self.state, answer, request.params.get("expand", []))

    def _check_account(self, account: str) -> None:
        if account != PLATFORM and self.state.store.get(account) is None:
            raise Refusal(
                f"The provided key does not have access to account '{account}' (or that account "
                "does not exist).",
                status=403,
                code="account_invalid",
            )


def _read(method: str, url: str, headers: Mapping[str, str], body: str | bytes | None) -> Request:
    parts = urlsplit(url)
    said = {name.lower(): value for name, value in headers.items()}
    text = body.decode() if isinstance(body, bytes) else body or ""
    if method == "get":
        params = forms.decode(parts.query)
    elif parts.path.startswith("/v2/"):
        params = json.loads(text or "{}")
    else:
        params = forms.decode(text)
    return Request(
        method=method,
        path=parts.path,
        params=params,
        account=said.get("stripe-account") or said.get("stripe-context") or PLATFORM,
        key=said.get("idempotency-key", "") if method == "post" else "",
        authorized=said.get("authorization", "").startswith("Bearer "),
    )


def _replay(request: Request, kept: Reply) -> Answer:
    if kept.fingerprint != request.fingerprint:
        return Answer(400, _error(400, KEY_REUSED, category="idempotency_error"))
    return Answer(kept.status, kept.body, {"idempotent-replayed": "true"})


def _is_kept(request: Request, answer: Answer) -> bool:
    """The second version of the API tries again what was refused; the first does not."""
    return bool(request.key) and (answer.status == OK or request.path.startswith("/v1/"))
